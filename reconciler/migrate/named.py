"""What a Mapping of v0 leaves to other documents: limits that it names, and the domain of its labels."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.model.digest import Json
from reconciler.model.module import ModuleResource
from reconciler.model.resource import Kind, Resource

NAMED_KINDS = frozenset({Kind.CIRCUIT_BREAKER, Kind.OUTLIER_DETECTION})
# Their fields, as a Mapping calls them.
_FIELDS = {
    Kind.CIRCUIT_BREAKER: {
        "max_connections": "max_connections",
        "max_pending": "max_pending_requests",
        "max_requests": "max_requests",
        "max_retries": "max_retries",
    },
    Kind.OUTLIER_DETECTION: {
        "consecutive_5xx": "consecutive_5xx",
        "interval_ms": "interval_ms",
        "max_ejection": "max_ejection_percent",
    },
}


@dataclass(frozen=True, slots=True)
class Named:
    """What other documents say.

    Attributes:
        limits: CircuitBreakers and OutlierDetections: kind, name and fields as a Mapping would say them.
        label_domain: of labels that name none.
    """

    limits: tuple[tuple[Kind, str, dict[str, Json]], ...] = ()
    label_domain: str = "ambassador"

    def find(self, kind: Kind, name: Json) -> dict[str, Json] | None:
        """The fields of the only one of a name; None when there is none, or several."""
        found = [fields for one, called, fields in self.limits if one is kind and called == name]
        return found[0] if len(found) == 1 else None


NOTHING_NAMED = Named()


def named(resources: Sequence[Resource]) -> Named:
    """What some resources say."""
    limits = tuple(_limits(one) for one in resources if one.origin.id.kind in NAMED_KINDS)
    domains = [one.defaults.label_domain for one in resources if isinstance(one, ModuleResource)]
    return Named(limits, next(filter(None, domains), "ambassador"))


def _limits(resource: Resource) -> tuple[Kind, str, dict[str, Json]]:
    document = json.loads(resource.origin.document)
    spec = document.get("spec", document)
    kind = resource.origin.id.kind
    fields = {new: spec[old] for old, new in _FIELDS[kind].items() if old in spec}
    return kind, resource.origin.id.name, fields
