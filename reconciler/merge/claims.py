"""What only one may have: a Listener its port, a Host its hostname at a Listener, a policy its part of a Mapping."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias, TypeVar

from reconciler.merge.ledger import Ledger
from reconciler.merge.wording import same_hostname, same_module, same_part, same_port, same_service
from reconciler.model.attachment import attachments
from reconciler.model.mapping_policy import MappingPolicyResource, Part
from reconciler.model.module import ModuleResource
from reconciler.model.problem import Problem
from reconciler.model.resource import (
    HostMatch,
    HostResource,
    Kind,
    ListenerResource,
    MappingResource,
    Resource,
    ResourceId,
)
from reconciler.model.services import AuthServiceResource, RateLimitServiceResource, TracingServiceResource

SingleService: TypeAlias = AuthServiceResource | RateLimitServiceResource | TracingServiceResource
R = TypeVar("R", HostResource, ListenerResource, ModuleResource, SingleService, MappingPolicyResource)


def settle_ports(ledger: Ledger) -> tuple[Problem, ...]:
    """One Listener per port and transport: the senior keeps it, the others yield (see `Ledger`)."""

    def slots() -> Iterable[Sequence[ListenerResource]]:
        ports: dict[tuple[int, str], list[ListenerResource]] = defaultdict(list)
        for listener in _listeners(ledger.served()):
            ports[listener.port, listener.stack.transport].append(listener)
        return ports.values()

    def incumbent(listener: ListenerResource) -> bool:
        last = ledger.entries[listener.origin.id].last_good
        if not isinstance(last, ListenerResource):
            return False
        return (last.port, last.stack.transport) == (listener.port, listener.stack.transport)

    return _settle(ledger, slots, incumbent, same_port)


def settle_modules(ledger: Ledger) -> tuple[Problem, ...]:
    """One Module ``ambassador`` for all namespaces."""

    def slots() -> Iterable[Sequence[ModuleResource]]:
        return [[resource for resource in ledger.served() if isinstance(resource, ModuleResource)]]

    def incumbent(module: ModuleResource) -> bool:
        return isinstance(ledger.entries[module.origin.id].last_good, ModuleResource)

    return _settle(ledger, slots, incumbent, same_module)


def settle_services(ledger: Ledger) -> tuple[Problem, ...]:
    """One AuthService, one RateLimitService and one TracingService for all namespaces.

    With the language's other implementation a second one turns rate limits off, or takes turns with the first.
    """

    def slots() -> Iterable[Sequence[SingleService]]:
        kinds: dict[Kind, list[SingleService]] = defaultdict(list)
        for resource in ledger.served():
            if isinstance(resource, SingleService):
                kinds[resource.origin.id.kind].append(resource)
        return kinds.values()

    def incumbent(service: SingleService) -> bool:
        return ledger.entries[service.origin.id].last_good is not None

    return _settle(ledger, slots, incumbent, same_service)


def settle_policies(ledger: Ledger) -> tuple[Problem, ...]:
    """One MappingPolicy for each part of a Mapping. To be settled when it is known which Mappings are served."""

    def slots() -> Iterable[Sequence[MappingPolicyResource]]:
        served = ledger.served()
        policies = [resource for resource in served if isinstance(resource, MappingPolicyResource)]
        mappings = (resource for resource in served if isinstance(resource, MappingResource))
        parts: dict[tuple[ResourceId, Part], list[MappingPolicyResource]] = defaultdict(list)
        for policy, chosen in attachments(policies, mappings):
            for mapping in chosen:
                for part in policy.parts:
                    parts[mapping.origin.id, part].append(policy)
        return parts.values()

    def incumbent(policy: MappingPolicyResource) -> bool:
        last = ledger.entries[policy.origin.id].last_good
        if not isinstance(last, MappingPolicyResource) or not set(policy.parts) <= set(last.parts):
            return False
        return (last.mappings, last.selector) == (policy.mappings, policy.selector)

    return _settle(ledger, slots, incumbent, same_part)


def settle_hostnames(ledger: Ledger) -> tuple[Problem, ...]:
    """One Host per hostname at every Listener, or altogether when there is no Listener."""

    def slots() -> Iterable[Sequence[HostResource]]:
        served = ledger.served()
        listeners = _listeners(served)
        names: dict[tuple[ResourceId | None, HostMatch], list[HostResource]] = defaultdict(list)
        for host in served:
            if isinstance(host, HostResource):
                bound = [listener.origin.id for listener in listeners if listener.binds(host)] if listeners else [None]
                for listener_id in bound:
                    names[listener_id, host.hostname].append(host)
        return names.values()

    def incumbent(host: HostResource) -> bool:
        last = ledger.entries[host.origin.id].last_good
        return isinstance(last, HostResource) and last.hostname == host.hostname

    return _settle(ledger, slots, incumbent, same_hostname)


def _settle(
    ledger: Ledger,
    slots: Callable[[], Iterable[Sequence[R]]],
    incumbent: Callable[[R], bool],
    report: Callable[[R, R], Problem],
) -> tuple[Problem, ...]:
    """Leaves one claimant in every slot. Guests give way in silence: their own loss is reported already."""
    problems: list[Problem] = []
    settled = False
    while not settled:
        settled = True
        for slot in slots():
            rivals = [rival for rival in slot if ledger.version(rival.origin.id) is rival]
            if len(rivals) <= 1:
                continue
            settled = False
            guests = [rival for rival in rivals if rival.origin.id in ledger.guests]
            winner = min(rivals, key=lambda rival: ledger.seniority(rival, incumbent(rival)))
            for rival in rivals:
                if guests and rival in guests:
                    ledger.drop(rival.origin.id)
                elif not guests and rival is not winner:
                    problems.append(report(rival, winner))
                    ledger.yield_place(rival.origin.id)
    return tuple(problems)


def _listeners(resources: Iterable[Resource]) -> list[ListenerResource]:
    return [resource for resource in resources if isinstance(resource, ListenerResource)]
