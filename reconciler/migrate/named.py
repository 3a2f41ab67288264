"""The limits that v0 keeps in documents of their own, and Mappings name."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.model.digest import Json
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
    """CircuitBreakers and OutlierDetections: kind, name and fields as a Mapping would say them."""

    limits: tuple[tuple[Kind, str, dict[str, Json]], ...] = ()

    def find(self, kind: Kind, name: Json) -> dict[str, Json] | None:
        """The fields of the only one of a name; None when there is none, or several."""
        found = [fields for one, called, fields in self.limits if one is kind and called == name]
        return found[0] if len(found) == 1 else None


NOTHING_NAMED = Named()


def named(resources: Iterable[Resource]) -> Named:
    """Those among some resources."""
    return Named(tuple(_limits(one) for one in resources if one.origin.id.kind in NAMED_KINDS))


def _limits(resource: Resource) -> tuple[Kind, str, dict[str, Json]]:
    document = json.loads(resource.origin.document)
    spec = document.get("spec", document)
    kind = resource.origin.id.kind
    fields = {new: spec[old] for old, new in _FIELDS[kind].items() if old in spec}
    return kind, resource.origin.id.name, fields
