"""What the settings of all listeners make of a request, before and beside the rules."""

import re
from collections.abc import Iterable
from dataclasses import replace

from reconciler.model.edge import Paths, Probe
from reconciler.model.paths import normalised
from reconciler.model.table import Request, Route
from reconciler.table.matcher.answer import Answered, BadRequest

_ESCAPED_SLASH = re.compile("%(?:2f|5c)", re.IGNORECASE)
_SLASHES = re.compile("/{2,}")


def read_path(request: Request, settings: Paths) -> Request | BadRequest:
    """The request with the path that is matched, or why there is none."""
    if settings.reject_escaped_slashes and _ESCAPED_SLASH.search(request.path):
        return BadRequest("its path has an escaped slash, and the Module has those rejected")
    path = normalised(request.path) if settings.merge_slashes else None
    return request if path is None else replace(request, path=_SLASHES.sub("/", path))


def probed(probes: Iterable[Probe], path: str, winner: Route | None) -> Answered | None:
    """The answer of a health check of the edge, where no rule stands before it."""
    for probe in probes:
        if path.startswith(probe.prefix) and (winner is None or probe.precedes(winner.precedence, winner.path.value)):
            return Answered(200, "a health check of the edge, which Envoy answers by itself")
    return None
