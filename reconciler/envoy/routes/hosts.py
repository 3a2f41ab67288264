"""Virtual hosts, serialised: their rules as a list, or as a tree that leads to the same rules in fewer steps."""

from collections.abc import Iterable

from envoy.config.route.v3 import route_components_pb2

from reconciler.envoy.options import Routing
from reconciler.envoy.protobuf import serialise
from reconciler.envoy.routes.guards import guard_matcher, guard_routes
from reconciler.envoy.routes.tree import Tree
from reconciler.envoy.routes.tree_format import after, matcher
from reconciler.envoy.wire_format import Part, fields, nested, tag
from reconciler.model.match import MatchKind
from reconciler.model.table import Guard, VirtualHost

# Rules from which a tree is faster: below, list and tree take Envoy the same CPU within 10 %, and a list is smaller and
# easier to read. Measured with `python -m tests.bench.routing`; the numbers are in docs/adr/0017.
TREE_FROM = 50

_ROUTES = tag(route_components_pb2.VirtualHost, "routes")
_MATCHER = tag(route_components_pb2.VirtualHost, "matcher")


def tree_wanted(routing: Routing, rules: int) -> bool:
    """Whether so many rules should be a tree if they can; depends on nothing else, so that all builds agree."""
    match routing:
        case Routing.LIST:
            return False
        case Routing.TREE:
            return True
        case Routing.AUTO:
            return rules >= TREE_FROM


def head(vhost: VirtualHost) -> bytes:
    """The fields of a virtual host before its rules."""
    name = domain(vhost)
    return serialise(route_components_pb2.VirtualHost(name=name, domains=[name]))


def list_field(rules: Iterable[bytes], guard: Guard | None) -> bytes:
    """The field of a virtual host with its rules one after the other, each a serialised route."""
    return fields(_ROUTES, (*map(serialise, guard_routes(guard)), *rules))


def tree_field(tree: Tree, guard: Guard | None) -> Part:
    """The field of a virtual host with its rules as a tree that fits."""
    rules = matcher([run.part for run in tree.runs], tree.otherwise)
    first = guard_matcher(guard)
    return nested(_MATCHER, after(first, rules) if first else rules)


def domain(vhost: VirtualHost) -> str:
    """Envoy's spelling of the host: ``*``, ``*.x``, ``x.*`` or exact.

    Raises:
        ValueError: a regex, which no domain can say; the table puts such rules into the hosts they may match.
    """
    if vhost.host.kind is MatchKind.REGEX:
        raise ValueError(f"a virtual host can't be a regex: {vhost.host}")
    return str(vhost.host)
