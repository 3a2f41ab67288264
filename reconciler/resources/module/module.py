"""Module: settings by name. ``ambassador`` has all of its own; of the other names few mean anything."""

from collections.abc import Callable
from typing import TypeAlias

from reconciler.model.problem import Code, Severity
from reconciler.model.resource import Origin, Resource
from reconciler.resources.envelope import Envelope
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown
from reconciler.resources.module.ambassador import read_ambassador
from reconciler.resources.module.tls import read_tls_module
from reconciler.resources.schemas import config_schema, sift

ConfigReader: TypeAlias = Callable[[Origin, Fields], Resource | None]

_READERS: dict[str, ConfigReader] = {"ambassador": read_ambassador, "tls": read_tls_module}


def read_module(envelope: Envelope, origin: Origin, fields: Fields) -> Resource | None:
    """The Module of a document; None for one that says nothing we could act on, which was reported."""
    reader = _READERS.get(envelope.name)
    if reader is not None:
        given = fields.inside("config")
        rejected = sift(config_schema(envelope.name), given.values, given.path, fields.found)
        kept = {name: value for name, value in given.values.items() if name not in rejected}
        return reader(origin, Fields(kept, given.path, fields.limits, fields.found, rejected))
    if envelope.name == "authentication":
        fields.report(
            Code.FIELD_UNSUPPORTED,
            "the Module authentication is the oldest spelling of an AuthService and is not read: "
            "authentication would not be enforced",
            "config",
            hint="write kind: AuthService, with the same auth_service and its other fields",
        )
    elif envelope.name:
        message = f"a Module of this name has no effect; the names are {', '.join(sorted(_READERS))}"
        fields.report(Code.FIELD_IGNORED, message, "config", severity=Severity.WARNING, got=shown(envelope.name))
    return None
