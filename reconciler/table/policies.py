"""What a Mapping asks of its route, settled once defaults are filled in."""

from dataclasses import replace

from reconciler.model.policy import HeaderValue, RoutePolicy
from reconciler.model.resource import MappingResource, ServiceAddress

_LINKERD = "l5d-dst-override"


def policy_of(mapping: MappingResource) -> RoutePolicy:
    """The policy of a route; the header for Linkerd is one of those that are added."""
    policy = mapping.policy
    if not policy.linkerd or mapping.service is None:
        return policy
    changes = policy.request_headers
    others = (header for header in changes.add if header.name != _LINKERD)
    added = tuple(sorted((*others, destination(mapping.service))))
    return replace(policy, request_headers=replace(changes, add=added))


def destination(service: ServiceAddress) -> HeaderValue:
    """Where Linkerd is to send a request; what a client says of that is never kept.

    https://linkerd.io/2/tasks/using-ingress/
    """
    return HeaderValue(_LINKERD, f"{service.authority}:{service.port}", append=False)
