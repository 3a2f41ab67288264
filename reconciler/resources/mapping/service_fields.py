"""What a Mapping tells the services that requests are shown to, or that they are not asked."""

from dataclasses import replace

from reconciler.model.policy import Pairs, RoutePolicy
from reconciler.resources.fields import Fields
from reconciler.resources.mapping.labels import read_labels

_FAMILY = frozenset({"bypass_auth", "auth_context_extensions", "labels", "rate_limits"})


def with_service_fields(policy: RoutePolicy, fields: Fields) -> RoutePolicy:
    """A policy with what the Mapping says of those services; itself if that is nothing."""
    if not fields.values.keys() & _FAMILY:
        return policy
    return replace(
        policy, bypass_auth=_bypass_auth(fields), auth_context=_auth_context(fields), labels=read_labels(fields)
    )


def _bypass_auth(fields: Fields) -> bool:
    bypassed = fields.flag("bypass_auth")
    if bypassed and fields.values.get("auth_context_extensions"):
        fields.ignored("auth_context_extensions", "bypass_auth is stronger", hint="remove one of the two")
    return bypassed


def _auth_context(fields: Fields) -> Pairs:
    """Sorted; values may be credentials and are never shown."""
    given = fields.inside("auth_context_extensions").values
    return tuple(sorted((key, value) for key, value in given.items() if isinstance(value, str)))
