"""Route tables made by hand, as short as they can be read."""

from collections.abc import Sequence
from datetime import UTC, datetime
from operator import attrgetter

from envoy.config.route.v3.route_components_pb2 import RouteMatch

from reconciler.envoy import RenderOptions, Routing, render
from reconciler.envoy.routes.configuration import piece_resource, pieces
from reconciler.envoy.routes.matchers import fill_match
from reconciler.envoy.routes.rendered import host_rules
from reconciler.model.edge import Probe
from reconciler.model.match import ANY_HOST, HostMatch, MatchKind, NamedMatch, PathMatch, StringMatch
from reconciler.model.provenance import Provenance, Touch
from reconciler.model.resource import Kind, ResourceId, SecurityModel, ServiceAddress
from reconciler.model.seal import value_spans
from reconciler.model.snapshot import Snapshot, XdsResource
from reconciler.model.table import Action, Cluster, Forward, Guard, Listener, Route, RouteTable, VirtualHost

COMMIT = "3f2a9c1d5e7b8a90c1d2e3f405162738495a6b7c"
TOUCH = Touch(COMMIT, "Ann <ann@example.com>", datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC))


def exact(value: str) -> StringMatch:
    """This very string."""
    return StringMatch(MatchKind.EXACT, value)


def regex(value: str) -> StringMatch:
    """A string that matches RE2."""
    return StringMatch(MatchKind.REGEX, value)


PRESENT = StringMatch(MatchKind.PRESENT)


def prefix(value: str, *, case_sensitive: bool = True) -> PathMatch:
    """A path that begins so."""
    return PathMatch(MatchKind.PREFIX, value, case_sensitive)


def rule(
    name: str,
    path: PathMatch | str,
    action: Action | str,
    *,
    host: HostMatch = ANY_HOST,
    method: StringMatch | None = None,
    headers: dict[str, StringMatch] | None = None,
    query: dict[str, StringMatch] | None = None,
    threshold: int | None = None,
    touch: Touch | None = TOUCH,
) -> Route:
    """A rule; a plain string is a path prefix, or the cluster to forward to as it is."""
    return Route(
        name=f"default/{name}",
        id=ResourceId(Kind.MAPPING, "default", name),
        provenance=Provenance(f"routes/{name}.yaml", 3, touch),
        host=host,
        path=prefix(path) if isinstance(path, str) else path,
        method=method,
        headers=tuple(NamedMatch(n, m) for n, m in sorted((headers or {}).items())),
        query=tuple(NamedMatch(n, m) for n, m in sorted((query or {}).items())),
        precedence=0,
        threshold=threshold,
        action=Forward(action) if isinstance(action, str) else action,
    )


def listener(*hosts: VirtualHost, name: str = "http-8080", port: int = 0, trusted_hops: int = 0) -> Listener:
    """A listener on loopback, on a free port."""
    return Listener(name, "127.0.0.1", port, SecurityModel.XFP, hosts, trusted_hops)


def anyone(*rules: Route, guard: Guard | None = None) -> VirtualHost:
    """The virtual host for all hosts."""
    return VirtualHost(ANY_HOST, rules, guard)


def cluster(name: str, host: str = "", port: int = 80, *, tls: bool = False) -> Cluster:
    """A cluster of a service, by default ``NAME.test:80``."""
    return Cluster(name, ServiceAddress(host or f"{name}.test", port, tls))


def table(listeners: list[Listener], *clusters: Cluster) -> RouteTable:
    """A table of these listeners; its rules are those of their hosts, each once."""
    rules = {route.name: route for each in listeners for host in each.virtual_hosts for route in host.routes}
    return RouteTable(tuple(listeners), tuple(rules.values()), tuple(sorted(clusters, key=attrgetter("name"))))


ONE = rule("one", "/one/", "one")
TWO = rule("two", "/two/", "two")


def snapshot(
    routes: Sequence[Route], *clusters: Cluster, addresses: dict[str, str] | None = None, port: int = 0
) -> Snapshot:
    """One listener with these routes; the clusters are those given. No access log."""
    chosen = RenderOptions(service_addresses=addresses or {}, access_log_path="")
    return render(table([listener(anyone(*routes), port=port)], *clusters), chosen)


def serialised_host(vhost: VirtualHost, probes: Sequence[Probe] = (), routing: Routing = Routing.AUTO) -> bytes:
    """A virtual host as Envoy gets it."""
    whole = b"".join(host_rules(vhost, probes, routing).field.pieces)
    start, end = (value_spans(whole, 0, len(whole)) or [])[0]
    return whole[start:end]


def route_configurations(port: Listener) -> list[XdsResource]:
    """What Envoy gets of the routes of a listener."""
    return [piece_resource(piece, (host_rules(one).field for one in piece.hosts))[1] for piece in pieces(port)]


def route_match(one: Route, virtual_host: HostMatch) -> RouteMatch:
    """The conditions of a rule as Envoy gets them."""
    message = RouteMatch()
    fill_match(message, one, virtual_host)
    return message
