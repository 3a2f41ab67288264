"""Virtual hosts as a list and as a tree."""

from dataclasses import replace

import pytest
from envoy.config.route.v3 import route_components_pb2
from envoy.config.route.v3.route_components_pb2 import RouteList
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from reconciler.envoy import RenderOptions, Routing, render
from reconciler.envoy.options import Sharding
from reconciler.envoy.protobuf import serialise
from reconciler.envoy.routes.guards import guard_routes
from reconciler.envoy.routes.hosts import TREE_FROM
from reconciler.envoy.routes.probes import probe_route
from reconciler.envoy.routes.route import route
from reconciler.envoy.wire_format import field, tag
from reconciler.model.edge import DEFAULT_HTTP
from reconciler.model.match import ANY_HOST, HostMatch, MatchKind
from reconciler.model.policy import LocalLimit, RoutePolicy
from reconciler.model.rank import Rank
from reconciler.model.resource import InsecureAction
from reconciler.model.seal import SMALL
from reconciler.model.snapshot import TypeUrl, XdsResource
from reconciler.model.table import Guard, Route, VirtualHost
from tests.support.routing import PRESENT, anyone, exact, listener, rule, table

PROBES = DEFAULT_HTTP.probes
REDIRECT = Guard(InsecureAction.REDIRECT, by_header=True)


def placed(*rules: Route) -> tuple[Route, ...]:
    """Rules with the places they have here."""
    return tuple(replace(each, rank=Rank((0, len(each.path.value)), share=number)) for number, each in enumerate(rules))


RULES = placed(
    rule("ab", "/a/b/", "c"),
    rule("post", "/a/", "c", method=exact("POST")),
    rule("a", "/a/", "c"),
    rule("any", "/", "c", headers={"x": PRESENT}),
)


def rendered(vhost: VirtualHost, routing: Routing) -> route_components_pb2.VirtualHost:
    """A virtual host as Envoy reads it."""
    (found,) = RouteConfiguration.FromString(configuration(vhost, routing)).virtual_hosts
    return found


def configuration(vhost: VirtualHost, routing: Routing) -> bytes:
    """The routes of a listener with one virtual host."""
    options = RenderOptions(routing=routing)
    (resource,) = render(table([listener(vhost)]), options)[TypeUrl.ROUTE].resources.values()
    return resource.body


@pytest.mark.parametrize("guard", [None, REDIRECT, Guard(InsecureAction.ROUTE, by_header=True)])
def test_a_list_is_the_message_built_whole(guard: Guard | None) -> None:
    """Guard, rules and checks of the edge, each a route."""
    vhost = anyone(*RULES, guard=guard)
    routes = [*guard_routes(guard), *map(probe_route, PROBES), *(route(each, ANY_HOST) for each in RULES)]
    whole = route_components_pb2.VirtualHost(name="*", domains=["*"], routes=routes)
    assert field(tag(RouteConfiguration, "virtual_hosts"), serialise(whole)) in configuration(vhost, Routing.LIST)


def test_a_tree_holds_the_same_routes() -> None:
    """At each key those that a path beginning so may meet; one that takes all stands alone, and ends the others."""
    found = rendered(anyone(*RULES), Routing.TREE).matcher
    assert not found.HasField("on_no_match")
    entries = found.matcher_tree.prefix_match_map.map
    assert sorted(entries) == ["/", "/a/", "/a/b/", *(probe.prefix for probe in PROBES)]
    by_name = {each.name: route(each, ANY_HOST) for each in RULES}
    several = RouteList()
    assert entries["/a/"].action.typed_config.Unpack(several)
    assert list(several.routes) == [by_name["default/post"], by_name["default/a"]]
    alone = route_components_pb2.Route()
    assert entries["/"].action.typed_config.Unpack(alone)
    assert alone == by_name["default/any"]


def test_a_guard_stands_before_the_tree() -> None:
    """Once, and not at every key."""
    found = rendered(anyone(*RULES, guard=REDIRECT), Routing.TREE).matcher
    (first,) = found.matcher_list.matchers
    answer = route_components_pb2.Route()
    assert first.on_match.action.typed_config.Unpack(answer)
    assert [answer] == guard_routes(REDIRECT)
    unguarded = rendered(anyone(*RULES), Routing.TREE).matcher
    assert found.on_no_match.matcher == unguarded


def test_few_rules_are_a_list() -> None:
    """Without a word from the operator a tree is only there where it is faster."""
    rules = placed(*(rule(f"r{number}", f"/{number:02}/", "c") for number in range(TREE_FROM - len(PROBES))))
    assert rendered(anyone(*rules), Routing.AUTO).HasField("matcher")
    assert not rendered(anyone(*rules), Routing.LIST).HasField("matcher")
    assert not rendered(anyone(*rules[1:]), Routing.AUTO).HasField("matcher")


def test_a_token_bucket_is_not_doubled() -> None:
    """A copy of a limited route would have a limit of its own; so a host that needs one is a list."""
    limit = RoutePolicy(local_limit=LocalLimit(1, 1, 1000))
    limited = replace(rule("limited", "/a/", "c"), policy=limit)
    assert rendered(anyone(*placed(limited, rule("b", "/b/", "c"))), Routing.TREE).HasField("matcher")
    below = rule("below", "/a/b/", "c", method=exact("GET"))
    assert not rendered(anyone(*placed(below, limited)), Routing.TREE).HasField("matcher")


@pytest.mark.parametrize("sharding", list(Sharding))
@pytest.mark.parametrize("routing", list(Routing))
@pytest.mark.parametrize("guard", [None, REDIRECT])
def test_routes_have_the_digest_of_their_bytes(sharding: Sharding, routing: Routing, guard: Guard | None) -> None:
    """Lists and trees, small and large, with a guard or none, in scopes or not: whoever reads them back agrees."""
    many = placed(*(rule(f"r{number}", f"/{number:03}/", "c") for number in range(200)))
    hosts = [
        VirtualHost(HostMatch(MatchKind.EXACT, f"{name}.test"), rules, guard)
        for name, rules in (("a", many), ("b", RULES))
    ]
    snapshot = render(table([listener(*hosts)]), RenderOptions(routing=routing, sharding=sharding))
    found = [one for t in (TypeUrl.ROUTE, TypeUrl.SCOPED_ROUTE) for one in snapshot[t].resources.values()]
    assert max(len(one.body) for one in found) > SMALL
    assert found == [XdsResource.of(one.name, one.body) for one in found]
