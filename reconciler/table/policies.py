"""What a Mapping asks of its route, settled once defaults are filled in."""

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

from reconciler.model.policy import HeaderValue, RoutePolicy
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.resource import MappingResource, ServiceAddress

_LINKERD = "l5d-dst-override"
# What the language's other implementation gives to a whole group when one of its Mappings says it.
_SPREAD = MappingProxyType(
    {
        "retry": "retry_policy",
        "cors": "cors",
        "request_headers": "add_request_headers",
        "response_headers": "add_response_headers",
        "priority": "priority",
        "upgrades": "allow_upgrade",
    }
)


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


def differing(group: Sequence[MappingResource]) -> list[Problem]:
    """What Mappings that share the same requests do not say alike; at most one finding.

    Args:
        group: those that requests go to, not copies.
    """
    first = group[0]
    if all(member.policy == first.policy for member in group):
        return []
    names = [name for attribute, name in _SPREAD.items() if len({getattr(one.policy, attribute) for one in group}) > 1]
    if not names:
        return []
    message = (
        f"{', '.join(names)} differ among the Mappings for these requests: each has its own, for its share of them"
    )
    return [
        Problem(
            Code.GROUP_DIFFERS,
            Severity.INFO,
            message,
            first.origin.provenance,
            field=f"spec.{names[0]}",
            hint="Emissary gives what one says to all of them: write it in each, where that was meant",
            resource=str(first.origin.id),
            related=tuple(member.origin.provenance for member in group[1:]),
        )
    ]
