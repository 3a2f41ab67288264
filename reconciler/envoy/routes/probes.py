"""Health checks of the edge itself, which Envoy answers: routes, so that a change closes no connection."""

from collections.abc import Iterable, Iterator

from envoy.config.route.v3 import route_components_pb2
from envoy.config.route.v3.route_components_pb2 import DirectResponseAction, RouteMatch

from reconciler.envoy.filters.auth import AUTH_FILTER, NOT_ASKED
from reconciler.model.edge import Probe
from reconciler.model.table import Route

_OK = DirectResponseAction(status=200)


def in_order(rules: Iterable[Route], probes: Iterable[Probe]) -> Iterator[Route | Probe]:
    """The rules of a virtual host in their order, and each check where a Mapping with its prefix would stand."""
    left = sorted(probes, key=lambda probe: (-len(probe.prefix), probe.prefix))
    for rule in rules:
        while left and left[0].precedes(rule.precedence, rule.path.value):
            yield left.pop(0)
        yield rule
    yield from left


def probe_route(probe: Probe) -> route_components_pb2.Route:
    """200 without a body."""
    return route_components_pb2.Route(
        name="probe",
        match=RouteMatch(prefix=probe.prefix),
        direct_response=_OK,
        typed_per_filter_config={AUTH_FILTER: NOT_ASKED} if probe.past_auth else {},
    )
