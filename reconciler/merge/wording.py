"""The Problems of a merge in words."""

from collections.abc import Sequence

from reconciler.merge.group import WHOLE, Group
from reconciler.model.mapping_policy import MappingPolicyResource
from reconciler.model.module import ModuleResource
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.resource import (
    Competitor,
    HostResource,
    ListenerResource,
    MappingResource,
    MatchKind,
    Resource,
    TcpMappingResource,
)


def requests(mapping: Competitor) -> str:
    """The requests a Mapping asks for, short: ``GET api.example.com/v1/… with x-canary``; or the connections."""
    if isinstance(mapping, TcpMappingResource):
        host = f" for {mapping.host}" if mapping.host else ""
        return f"connections to {mapping.address}{':' if mapping.address else 'port '}{mapping.port}{host}"
    path = mapping.path.value + ("…" if mapping.path.kind is MatchKind.PREFIX else "")
    where = f"~{path}" if mapping.path.kind is MatchKind.REGEX else path
    method = f"{mapping.method.value} " if mapping.method else ""
    host = str(mapping.host) if mapping.host else ""
    conditions = [condition.name for condition in (*mapping.headers, *mapping.query)]
    return f"{method}{host}{where}" + (f" with {', '.join(conditions)}" if conditions else "")


def _beaten(
    loser: Resource, winner: Resource, message: str, *, hint: str, field: str = "", expected: str = ""
) -> Problem:
    """One of two that cannot both be is left out."""
    return Problem(
        Code.CONFLICT,
        Severity.ERROR,
        message,
        loser.origin.provenance,
        field=field,
        expected=expected,
        hint=hint,
        resource=str(loser.origin.id),
        related=(winner.origin.provenance,),
    )


def conflict(loser: Competitor, winner: Competitor) -> Problem:
    """Two Mappings without weight ask for the same requests; one is left out."""
    return _beaten(
        loser,
        winner,
        f"asks for the same requests ({requests(loser)}) as {_named(winner)}, which was there first and keeps them",
        hint="Give each its `weight` for a canary, or change the match of one",
    )


def split(mapping: Competitor, first: Competitor) -> Problem:
    """Mappings without weight share requests, since the setting says so."""
    return Problem(
        Code.CONFLICT,
        Severity.WARNING,
        f"shares its requests ({requests(mapping)}) evenly with {_named(first)}, as `conflicts: split` asks",
        mapping.origin.provenance,
        hint="Give each its `weight`, or change the match of one",
        resource=str(mapping.origin.id),
        related=(first.origin.provenance,),
    )


def shadow_only(mapping: MappingResource) -> Problem:
    """A copy of nothing."""
    return Problem(
        Code.SHADOW_ONLY,
        Severity.ERROR,
        f"copies requests ({requests(mapping)}) that no other Mapping serves",
        mapping.origin.provenance,
        field="spec.shadow",
        expected="a Mapping without `shadow` that has the same match",
        hint="Add that Mapping, or remove `shadow`",
        resource=str(mapping.origin.id),
    )


def weights(group: Group, blamed: Competitor, restored: Sequence[Competitor]) -> Problem:
    """Shares that do not add up; ``restored`` is what stays served instead, nothing when empty."""
    shares = ", ".join(f"{member.origin.id.qualified} {member.weight}" for member in group.weighted)
    beside = f" beside {', '.join(m.origin.id.qualified for m in group.plain)} without weight" if group.plain else ""
    missing = WHOLE - group.weight
    if missing < 0:
        hint = f"Take {-missing} off, so that they add up to {WHOLE}"
    else:
        hint = f"Give away the missing {missing}, or leave `weight` out of one Mapping, which then takes the rest"
    if restored:
        names = ", ".join(member.origin.id.qualified for member in restored)
        outcome = f"{names} stay served as they were"
    else:
        outcome = "none of them is served"
    others = tuple(m.origin.provenance for m in (*group.weighted, *group.plain) if m is not blamed)
    return Problem(
        Code.WEIGHTS,
        Severity.ERROR,
        f"the weights for {requests(blamed)} do not add up: {shares}{beside}; {outcome}",
        blamed.origin.provenance,
        field="spec.weight",
        expected=f"at most {WHOLE} together" if group.plain else f"{WHOLE} together",
        got=str(group.weight),
        hint=hint,
        resource=str(blamed.origin.id),
        related=others,
    )


def nothing_left(mapping: Competitor, group: Group) -> Problem:
    """The weights of a group leave its unweighted member without a request."""
    shares = ", ".join(f"{member.origin.id.qualified} {member.weight}" for member in group.weighted)
    return Problem(
        Code.WEIGHTS,
        Severity.WARNING,
        f"gets no request: the weights for {requests(mapping)} add up to {WHOLE} without it ({shares})",
        mapping.origin.provenance,
        field="spec.weight",
        hint="Remove it if the move is done, or lower a weight",
        resource=str(mapping.origin.id),
        related=tuple(member.origin.provenance for member in group.weighted),
    )


def same_hostname(loser: HostResource, winner: HostResource) -> Problem:
    """Two Hosts of one Listener have one hostname."""
    return _beaten(
        loser,
        winner,
        f"has the hostname `{loser.hostname}` of {_named(winner)}, which was there first and keeps it",
        field="spec.hostname",
        expected="a hostname used by one Host per Listener",
        hint="Change the hostname, or merge the two Hosts",
    )


def same_module(loser: ModuleResource, winner: ModuleResource) -> Problem:
    """Two Modules ``ambassador``, in two namespaces."""
    return _beaten(
        loser,
        winner,
        f"is a second Module of this name; {_named(winner)} was there first and is the one that holds",
        field="metadata.name",
        expected="one Module ambassador for all namespaces",
        hint="Merge the two, or tell instances apart by ambassador_id",
    )


def same_service(loser: Resource, winner: Resource) -> Problem:
    """A second service of a kind of which requests pass one."""
    return _beaten(
        loser,
        winner,
        f"is a second {loser.origin.id.kind} beside {_named(winner)}, which was there first and stays in use",
        expected=f"one {loser.origin.id.kind} for all namespaces",
        hint="Remove one of the two; those for other instances say so by `ambassador_id`",
    )


def same_part(loser: MappingPolicyResource, winner: MappingPolicyResource) -> Problem:
    """Two MappingPolicies say the same part of a Mapping."""
    parts = [part for part in loser.parts if part in winner.parts]
    return _beaten(
        loser,
        winner,
        f"says {', '.join(parts)} of a Mapping of which {_named(winner)} says it, which was there first and holds",
        field=f"spec.{parts[0]}",
        expected="each part of a Mapping in one MappingPolicy",
        hint="Merge the two, or make each about other Mappings",
    )


def same_port(loser: ListenerResource, winner: ListenerResource) -> Problem:
    """Two Listeners have one port."""
    return Problem(
        Code.PORT_CONFLICT,
        Severity.ERROR,
        f"has the port {loser.port} of {_named(winner)}, which was there first and keeps it",
        loser.origin.provenance,
        field="spec.port",
        expected="a port used by one Listener",
        got=str(loser.port),
        hint="Change the port, or remove one of the two",
        resource=str(loser.origin.id),
        related=(winner.origin.provenance,),
    )


def _named(resource: Resource) -> str:
    return f"{resource.origin.id} ({resource.origin.provenance})"
