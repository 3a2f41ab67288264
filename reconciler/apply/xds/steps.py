"""Make before break: the order in which one Envoy is led from what it holds to what is desired.

Clusters first, routes switched in the middle, clusters removed last, so that at no moment a route refers to a
cluster that isn't there. Listeners go before routes, since a listener names its route configuration.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#eventual-consistency-considerations
"""

from enum import Enum, IntEnum

from envoy.config.listener.v3.listener_pb2 import Listener

from reconciler.apply.xds.memory import Memory, without
from reconciler.model.snapshot import ResourceSet, TypeUrl, XdsResource


class Step(IntEnum):
    """Where an Envoy is on its way."""

    CLUSTERS = 0
    ENDPOINTS = 1
    LISTENERS = 2
    SECRETS = 3
    ROUTES = 4
    DROP_LISTENERS = 5
    DROP_ROUTES = 6
    DROP_CLUSTERS = 7
    DROP_ENDPOINTS = 8
    DROP_SECRETS = 9
    DONE = 10


class _Mode(Enum):
    """What a type's goal is made of."""

    WAIT = "nothing is sent yet"
    FILL = "what is held stays, desired names that are new come in"
    BOTH = "what is desired, and what is held besides"
    DESIRED = "what is desired, nothing else"


AWAITED: dict[Step, TypeUrl] = {
    Step.CLUSTERS: TypeUrl.CLUSTER,
    Step.ENDPOINTS: TypeUrl.ENDPOINT,
    Step.LISTENERS: TypeUrl.LISTENER,
    Step.SECRETS: TypeUrl.SECRET,
    Step.ROUTES: TypeUrl.ROUTE,
    Step.DROP_LISTENERS: TypeUrl.LISTENER,
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
    # A listener that is new is warm only once its routes came, so those may come while listeners are awaited.
    TypeUrl.ROUTE: ((Step.DROP_ROUTES, _Mode.DESIRED), (Step.ROUTES, _Mode.BOTH), (Step.LISTENERS, _Mode.FILL)),
}


def goal(step: Step, type_url: TypeUrl, holds: ResourceSet, desired: ResourceSet, memory: Memory) -> ResourceSet | None:
    """What an Envoy that holds ``holds`` of a type is to hold in ``step``; None: send nothing yet."""
    mode = next((mode for since, mode in _PLAN[type_url] if step >= since), _Mode.WAIT)
    match mode:
        case _Mode.WAIT:
            return None
        case _Mode.FILL:
            return memory.join(desired, holds)
        case _Mode.BOTH:
            both = memory.join(holds, desired)
            return without(both, _in_the_way(both, desired)) if type_url is TypeUrl.LISTENER else both
        case _Mode.DESIRED:
            return desired


def _in_the_way(both: ResourceSet, desired: ResourceSet) -> frozenset[str]:
    """Old listeners on a port that a desired one takes: Envoy refuses two names on one address.

    Envoy removes before it adds within one push, so these leave in the same push. One whose body isn't known
    leaves too.
    """
    old = both.resources.keys() - desired.resources.keys()
    if not old:
        return frozenset()
    taken = {_port(resource) for resource in desired.resources.values()} - {0}  # port 0 is any free one
    return frozenset(name for name in old if _port(both.resources[name]) in taken | {None})


def _port(listener: XdsResource) -> int | None:
    if not listener.body:
        return None
    return int(Listener.FromString(listener.body).address.socket_address.port_value)
