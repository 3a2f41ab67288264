"""Where how endpoints are found or chosen has less effect than somebody may think."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from reconciler.model.module import ModuleResource
from reconciler.model.origin import Origin
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.resource import MappingResource
from reconciler.model.upstream import Discovery, LoadBalancing

_LISTED = 5
_MATTERS = frozenset(LoadBalancing) - {LoadBalancing.ROUND_ROBIN}


def balancing_notes(
    mappings: Iterable[MappingResource], module: ModuleResource | None, *, endpoints_watched: bool
) -> list[Problem]:
    """What is worth knowing of Mappings whose names are looked up.

    One note per Mapping, but for what the Module says for all of them and what a resolver does to all that name it:
    there is one for these. Where endpoints are watched there is nothing to note of these.
    """
    default = module.defaults.upstream.balancing if module else None
    notes: list[Problem] = []
    by_endpoint: dict[str, list[Origin]] = defaultdict(list)
    inherited = False
    for mapping in mappings:
        upstream = mapping.upstream
        if upstream.discovery is Discovery.KUBERNETES:
            by_endpoint[mapping.resolver].append(mapping.origin)
        elif upstream.balancing in _MATTERS and upstream.balancing is default:
            inherited = True
        elif upstream.balancing in _MATTERS:
            notes.append(_one_address(mapping.origin, upstream.balancing, "spec.load_balancer"))
    if inherited and module:
        notes.append(_one_address(module.origin, default, "spec.config.load_balancer"))
    if not endpoints_watched:
        notes += [_by_dns(name, users) for name, users in by_endpoint.items()]
    return notes


def _one_address(origin: Origin, policy: LoadBalancing | None, field: str) -> Problem:
    return Problem(
        Code.FIELD_IGNORED,
        Severity.WARNING,
        f"{policy} chooses among the addresses that DNS gives for a service; a Service with a ClusterIP has one, "
        "so that it has an effect only for headless Services",
        origin.provenance,
        field=field,
        hint="Make the Service headless (clusterIP: None), or leave load_balancer out",
        resource=str(origin.id),
    )


def _by_dns(resolver: str, users: Sequence[Origin]) -> Problem:
    first, others = users[0], users[1:]
    more = f" and {len(others)} more" if others else ""
    return Problem(
        Code.FIELD_IGNORED,
        Severity.WARNING,
        f"endpoints of Kubernetes are not watched here, so the resolver {resolver} of this{more} asks DNS instead: all "
        "addresses of a headless Service, the one of any other",
        first.provenance,
        field="spec.resolver",
        hint="Have them watched (--endpoints kubernetes), or make the Service headless (clusterIP: None)",
        resource=str(first.id),
        related=tuple(origin.provenance for origin in others[:_LISTED]),
    )
