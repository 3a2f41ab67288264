"""What a Mapping tells the auth service, or that it is not asked."""

from reconciler.model.policy import Pairs
from reconciler.resources.fields import Fields


def read_bypass_auth(fields: Fields) -> bool:
    """Whether requests pass without the auth service."""
    bypassed = fields.flag("bypass_auth")
    if bypassed and fields.values.get("auth_context_extensions"):
        fields.ignored("auth_context_extensions", "bypass_auth is stronger", hint="remove one of the two")
    return bypassed


def read_auth_context(fields: Fields) -> Pairs:
    """What the auth service is told besides, sorted; values may be credentials and are never shown."""
    given = fields.inside("auth_context_extensions").values
    return tuple(sorted((key, value) for key, value in given.items() if isinstance(value, str)))
