"""Rules as routes."""

from dataclasses import replace

import pytest
from envoy.config.route.v3 import route_components_pb2
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from reconciler.envoy.routes.route import route
from reconciler.model.match import ANY_HOST, HostMatch, MatchKind
from reconciler.model.provenance import Provenance
from reconciler.model.resource import InsecureAction
from reconciler.model.table import Forward, Guard, VirtualHost
from tests.support.routing import COMMIT, TOUCH, anyone, listener, route_configurations, rule, serialised_host


def rendered(vhost: VirtualHost) -> route_components_pb2.VirtualHost:
    """A virtual host as Envoy reads it."""
    return route_components_pb2.VirtualHost.FromString(serialised_host(vhost))


def test_metadata_leads_to_the_commit() -> None:
    """A route carries its Mapping, its file and the commit that last touched it."""
    message = route(rule("api", "/api/", "c"), ANY_HOST)
    assert message.name == "default/api"
    origin = message.metadata.filter_metadata["reconciler"]
    assert dict(origin.items()) == {"mapping": "default/api", "source": "routes/api.yaml", "commit": COMMIT}


def test_line_changes_nothing() -> None:
    """A Mapping that only moved down in its file renders the same."""
    here = rule("api", "/api/", "c")
    moved = replace(here, provenance=Provenance("routes/api.yaml", 99, TOUCH))
    assert route(here, ANY_HOST) == route(moved, ANY_HOST)


def test_forward_in_full() -> None:
    """Rewrites and timeouts are rendered; 0 ms is no timeout, said explicitly since Envoy's default is 15 s."""
    message = route(rule("r", "/a/", Forward("c", "/b/", host_rewrite="h", timeout_ms=1500)), ANY_HOST).route
    assert (message.cluster, message.prefix_rewrite, message.host_rewrite_literal) == ("c", "/b/", "h")
    assert (message.timeout.seconds, message.timeout.nanos) == (1, 500_000_000)
    forever = route(rule("r", "/a/", Forward("c", timeout_ms=0)), ANY_HOST).route
    assert forever.HasField("timeout")
    assert forever.timeout.ToMilliseconds() == 0
    assert not forever.prefix_rewrite


@pytest.mark.parametrize(
    ("host", "name"),
    [
        (ANY_HOST, "*"),
        (HostMatch(MatchKind.SUFFIX, ".x"), "*.x"),
        (HostMatch(MatchKind.PREFIX, "x."), "x.*"),
        (HostMatch(MatchKind.EXACT, "x.y"), "x.y"),
    ],
)
def test_domains(host: HostMatch, name: str) -> None:
    """A virtual host's domain is its host in Envoy's spelling."""
    message = rendered(VirtualHost(host, ()))
    assert (message.name, list(message.domains)) == (name, [name])


def test_regex_is_no_domain() -> None:
    """A virtual host that is a regex is our own mistake."""
    with pytest.raises(ValueError, match="can't be a regex"):
        serialised_host(VirtualHost(HostMatch(MatchKind.REGEX, "a.*"), ()))


@pytest.mark.parametrize(
    ("guard", "names"),
    [
        (None, ["default/r"]),
        (Guard(InsecureAction.ROUTE, by_header=True), ["default/r"]),
        (Guard(InsecureAction.REDIRECT, by_header=True), ["insecure-redirect", "default/r"]),
        (Guard(InsecureAction.REJECT, by_header=False), ["insecure-reject", "default/r"]),
    ],
)
def test_guard_stands_first(guard: Guard | None, names: list[str]) -> None:
    """What a host does with insecure requests comes before its rules."""
    message = rendered(anyone(rule("r", "/", "c"), guard=guard))
    assert [each.name for each in message.routes] == names
    if len(names) > 1 and guard:
        conditions = [header.name for header in message.routes[0].match.headers]
        assert conditions == [":path"] + ["x-forwarded-proto"] * guard.by_header


def test_route_configuration() -> None:
    """It has its listener's name, hosts are matched whatever the port, clusters may still be on their way."""
    (resource,) = route_configurations(listener(anyone(), name="http"))
    message = RouteConfiguration.FromString(resource.body)
    assert (message.name, resource.name) == ("http", "http")
    assert message.ignore_port_in_host_matching
    assert message.HasField("validate_clusters")
    assert not message.validate_clusters.value
