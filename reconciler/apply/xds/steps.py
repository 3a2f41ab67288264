"""Make before break: the order in which one Envoy is led from what it holds to what is desired.

Clusters first, routes switched in the middle, clusters removed last, so that at no moment a route refers to a
cluster that isn't there. Listeners go before scopes and routes, and scopes before routes, since they name what comes
after them, and Envoy asks for nothing that it has no name of. So a scope that is to keep answering has to keep the name
of its route configuration: between taking a scope with another one and getting that, Envoy answers 404. An Envoy that
has scopes already gets those that are new even before the listeners: one that looks for other keys than before begins
to serve with whatever scopes are there.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#eventual-consistency-considerations
"""

from collections.abc import Callable
from enum import Enum, IntEnum

from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration

from reconciler.apply.xds.memory import Memory, without
from reconciler.model.digest import Digest
from reconciler.model.snapshot import ResourceSet, TypeUrl, XdsResource


class Step(IntEnum):
    """Where an Envoy is on its way."""

    CLUSTERS = 0
    ENDPOINTS = 1
    NEW_SCOPES = 2
    LISTENERS = 3
    SECRETS = 4
    SCOPES = 5
    ROUTES = 6
    DROP_LISTENERS = 7
    DROP_SCOPES = 8
    DROP_ROUTES = 9
    DROP_CLUSTERS = 10
    DROP_ENDPOINTS = 11
    DROP_SECRETS = 12
    DONE = 13


class _Mode(Enum):
    """What a type's goal is made of."""

    WAIT = "nothing is sent yet"
    FILL = "what is held stays, desired names that are new come in"
    BOTH = "what is desired, and what is held besides"
    DESIRED = "what is desired, nothing else"


AWAITED: dict[Step, TypeUrl] = {
    Step.CLUSTERS: TypeUrl.CLUSTER,
    Step.ENDPOINTS: TypeUrl.ENDPOINT,
    Step.NEW_SCOPES: TypeUrl.SCOPED_ROUTE,
    Step.LISTENERS: TypeUrl.LISTENER,
    Step.SECRETS: TypeUrl.SECRET,
    Step.SCOPES: TypeUrl.SCOPED_ROUTE,
    Step.ROUTES: TypeUrl.ROUTE,
    Step.DROP_LISTENERS: TypeUrl.LISTENER,
    Step.DROP_SCOPES: TypeUrl.SCOPED_ROUTE,
    Step.DROP_ROUTES: TypeUrl.ROUTE,
    Step.DROP_CLUSTERS: TypeUrl.CLUSTER,
    Step.DROP_ENDPOINTS: TypeUrl.ENDPOINT,
    Step.DROP_SECRETS: TypeUrl.SECRET,
}
"""The type whose acknowledgement ends the step."""

FIRST: dict[TypeUrl, Step] = {type_url: step for step, type_url in reversed(AWAITED.items())}
"""The step in which something of a type is first sent."""

_PLAN: dict[TypeUrl, tuple[tuple[Step, _Mode], ...]] = {  # per type, last step first: the mode from that step on
    TypeUrl.CLUSTER: ((Step.DROP_CLUSTERS, _Mode.DESIRED), (Step.CLUSTERS, _Mode.BOTH)),
    # Envoy acknowledges clusters only once they are warm, for which it needs their endpoints.
    TypeUrl.ENDPOINT: ((Step.DROP_ENDPOINTS, _Mode.DESIRED), (Step.CLUSTERS, _Mode.BOTH)),
    TypeUrl.LISTENER: ((Step.DROP_LISTENERS, _Mode.DESIRED), (Step.LISTENERS, _Mode.BOTH)),
    # Clusters and listeners are warm only once they have their certificates.
    TypeUrl.SECRET: ((Step.DROP_SECRETS, _Mode.DESIRED), (Step.CLUSTERS, _Mode.BOTH)),
    # What a scope newly names is asked for, and answered, at once.
    TypeUrl.SCOPED_ROUTE: (
        (Step.DROP_SCOPES, _Mode.DESIRED),
        (Step.SCOPES, _Mode.BOTH),
        (Step.NEW_SCOPES, _Mode.FILL),
    ),
    # A listener, or scope, that is new is warm only once its routes came, so those may come while it is awaited.
    TypeUrl.ROUTE: ((Step.DROP_ROUTES, _Mode.DESIRED), (Step.ROUTES, _Mode.BOTH), (Step.NEW_SCOPES, _Mode.FILL)),
}


def goal(step: Step, type_url: TypeUrl, holds: ResourceSet, desired: ResourceSet, memory: Memory) -> ResourceSet | None:
    """What an Envoy that holds ``holds`` of a type is to hold in ``step``; None: send nothing yet."""
    mode = next((mode for since, mode in _PLAN[type_url] if step >= since), _Mode.WAIT)
    match mode:
        case _Mode.WAIT:
            return None
        case _Mode.FILL:
            both = memory.join(desired, holds)
            return without(both, _displacing(type_url, both, holds))
        case _Mode.BOTH:
            both = memory.join(holds, desired)
            return without(both, _in_the_way(type_url, both, desired))
        case _Mode.DESIRED:
            return desired


def _displacing(type_url: TypeUrl, both: ResourceSet, holds: ResourceSet) -> frozenset[str]:
    """New resources that take the place of one that is held: they come when that may leave.

    Where a body that is held isn't known, any may do so.
    """
    new = [name for name in both.differing(holds) if name not in holds.resources] if type_url in _CLAIMS else []
    if new and not all(resource.body for resource in holds.resources.values()):
        return frozenset(new)
    return _in_the_way(type_url, both, holds)


def _in_the_way(type_url: TypeUrl, both: ResourceSet, desired: ResourceSet) -> frozenset[str]:
    """Old resources whose place a desired one takes: Envoy refuses two listeners on one port, two scopes of one key.

    Envoy removes before it adds within one push, so these leave in the same push. One whose body isn't known
    leaves too.
    """
    claim = _CLAIMS.get(type_url)
    old = [name for name in both.differing(desired) if name not in desired.resources] if claim else []
    if not old or claim is None:
        return frozenset()
    taken = {claim(resource) for resource in desired.resources.values()} - {_FREE}
    left = {name: both.resources[name] for name in old}
    return frozenset(name for name, resource in left.items() if not resource.body or claim(resource) in taken)


_FREE = b""  # of which there may be many: a listener on port 0, any free one


_KNOWN: dict[Digest, bytes] = {}
_MOST_KNOWN = 65_536


def _claim(resource: XdsResource, read: Callable[[bytes], bytes]) -> bytes:
    """What a resource claims; known by its digest, so that no body is kept for it."""
    if (known := _KNOWN.get(resource.digest)) is None:
        if len(_KNOWN) >= _MOST_KNOWN:
            _KNOWN.clear()
        known = _KNOWN[resource.digest] = read(resource.body)
    return known


def _port(listener: XdsResource) -> bytes:
    return _claim(listener, _read_port)


def _read_port(listener: bytes) -> bytes:
    port = Listener.FromString(listener).address.socket_address.port_value
    return str(port).encode() if port else _FREE


def _key(scope: XdsResource) -> bytes:
    return _claim(scope, _read_key)


def _read_key(scope: bytes) -> bytes:
    return bytes(ScopedRouteConfiguration.FromString(scope).key.SerializeToString(deterministic=True))


_CLAIMS: dict[TypeUrl, Callable[[XdsResource], bytes]] = {TypeUrl.LISTENER: _port, TypeUrl.SCOPED_ROUTE: _key}
"""What only one resource of a type may have."""
