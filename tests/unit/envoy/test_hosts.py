"""Virtual hosts as a list and as a tree."""

from dataclasses import replace

import pytest
from envoy.config.route.v3 import route_components_pb2
from envoy.config.route.v3.route_components_pb2 import Route, RouteList

from reconciler.envoy.options import Routing
from reconciler.envoy.protobuf import serialise
from reconciler.envoy.routes.guards import guard_routes
from reconciler.envoy.routes.hosts import TREE_FROM, virtual_host
from reconciler.envoy.routes.probes import routes_with_probes
from reconciler.model.edge import DEFAULT_HTTP
from reconciler.model.policy import LocalLimit, RoutePolicy
from reconciler.model.resource import InsecureAction
from reconciler.model.table import Guard, VirtualHost
from tests.support.routing import PRESENT, anyone, exact, rule

PROBES = DEFAULT_HTTP.probes
REDIRECT = Guard(InsecureAction.REDIRECT, by_header=True)
RULES = (
    rule("post", "/a/", "c", method=exact("POST")),
    rule("a", "/a/", "c"),
    rule("ab", "/a/b/", "c"),
    rule("any", "/", "c", headers={"x": PRESENT}),
)


def rendered(vhost: VirtualHost, routing: Routing) -> route_components_pb2.VirtualHost:
    """A virtual host as Envoy reads it."""
    return route_components_pb2.VirtualHost.FromString(virtual_host(vhost, PROBES, routing))


@pytest.mark.parametrize("guard", [None, REDIRECT, Guard(InsecureAction.ROUTE, by_header=True)])
def test_a_list_is_the_message_built_whole(guard: Guard | None) -> None:
    """Guard, rules and checks of the edge, each a route."""
    vhost = anyone(*RULES, guard=guard)
    routes = [*guard_routes(guard), *routes_with_probes(vhost, PROBES)]
    whole = route_components_pb2.VirtualHost(name="*", domains=["*"], routes=routes)
    assert virtual_host(vhost, PROBES, Routing.LIST) == serialise(whole)


def test_a_tree_holds_the_same_routes() -> None:
    """At each key those that a path beginning so may meet; one that takes all stands alone, and ends the others."""
    found = rendered(anyone(*RULES), Routing.TREE).matcher
    assert not found.HasField("on_no_match")
    entries = found.matcher_tree.prefix_match_map.map
    assert sorted(entries) == ["/", "/a/", "/a/b/", *(probe.prefix for probe in PROBES)]
    by_name = {route.name: route for route in routes_with_probes(anyone(*RULES), ())}
    several = RouteList()
    assert entries["/a/"].action.typed_config.Unpack(several)
    assert list(several.routes) == [by_name["default/post"], by_name["default/a"]]
    alone = Route()
    assert entries["/"].action.typed_config.Unpack(alone)
    assert alone == by_name["default/any"]


def test_a_guard_stands_before_the_tree() -> None:
    """Once, and not at every key."""
    found = rendered(anyone(*RULES, guard=REDIRECT), Routing.TREE).matcher
    (first,) = found.matcher_list.matchers
    answer = Route()
    assert first.on_match.action.typed_config.Unpack(answer)
    assert [answer] == guard_routes(REDIRECT)
    unguarded = rendered(anyone(*RULES), Routing.TREE).matcher
    assert found.on_no_match.matcher == unguarded


def test_few_rules_are_a_list() -> None:
    """Without a word from the operator a tree is only there where it is faster."""
    rules = [rule(f"r{number}", f"/{number}/", "c") for number in range(TREE_FROM - len(PROBES))]
    assert rendered(anyone(*rules), Routing.AUTO).HasField("matcher")
    assert not rendered(anyone(*rules), Routing.LIST).HasField("matcher")
    assert not rendered(anyone(*rules[1:]), Routing.AUTO).HasField("matcher")


def test_a_token_bucket_is_not_doubled() -> None:
    """A copy of a limited route would have a limit of its own; so a host that needs one is a list."""
    limit = RoutePolicy(local_limit=LocalLimit(1, 1, 1000))
    limited = replace(rule("limited", "/a/", "c"), policy=limit)
    assert rendered(anyone(limited, rule("b", "/b/", "c")), Routing.TREE).HasField("matcher")
    below = rule("below", "/a/b/", "c", method=exact("GET"))
    assert not rendered(anyone(below, limited), Routing.TREE).HasField("matcher")
