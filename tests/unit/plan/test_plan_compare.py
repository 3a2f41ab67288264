"""What `diff` finds: routes, virtual hosts, xDS resources."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.plan import FieldChange, Op, ResourceChange
from reconciler.model.provenance import Provenance
from reconciler.model.resource import (
    HostMatch,
    InsecureAction,
    MatchKind,
    NamedMatch,
    PathMatch,
    Redirect,
    Scheme,
    ServiceAddress,
    StringMatch,
)
from reconciler.model.snapshot import TypeUrl
from reconciler.model.table import EMPTY_TABLE, Cluster, Forward, Guard, Mirror, RouteTable, VirtualHost
from reconciler.plan import BlastRadius, diff
from reconciler.plan.fields import normalised, route_fields
from tests.support.plans import compare, route, routes, snapshot, table, tables


def fields_of(before: RouteTable, after: RouteTable) -> tuple[FieldChange, ...]:
    """The field changes of the only changed route."""
    (change,) = compare(before, after).changes
    return change.fields


@given(tables())
def test_nothing_changes_between_a_table_and_itself(same: RouteTable) -> None:
    """diff(x, x) is empty."""
    plan = compare(same, RouteTable(same.listeners, same.routes, same.clusters))
    assert plan.empty
    assert plan.before == plan.after


@given(tables(), tables())
def test_changes_turn_one_table_into_the_other(before: RouteTable, after: RouteTable) -> None:
    """Applying the changes of diff(a, b) to the fields of a gives the fields of b, and to nothing else."""
    state = normalised(before)
    for change in compare(before, after).changes:
        fields = state.setdefault(change.id, {})
        for field in change.fields:
            assert fields.get(field.field, "") == field.before
            fields[field.field] = field.after
        if change.op is Op.DELETE:
            assert not any(state.pop(change.id).values())
    assert {name: {k: v for k, v in fields.items() if v} for name, fields in state.items()} == normalised(after)


@given(tables(), tables())
def test_virtual_hosts_follow_from_their_changes(before: RouteTable, after: RouteTable) -> None:
    """Host changes say exactly which routes that stay are gained and lost where."""
    stay = {r.id for r in before.routes} & {r.id for r in after.routes}

    def members(of: RouteTable) -> dict[tuple[str, str], set[str]]:
        return {
            (listener.name, str(host.host)): {r.name for r in host.routes if r.id in stay}
            for listener in of.listeners
            for host in listener.virtual_hosts
        }

    state = members(before)
    for change in compare(before, after).hosts:
        if change.host:
            place = (change.listener, change.host)
            state[place] = (state.get(place, set()) | set(change.gained)) - set(change.lost)
            if change.op is Op.DELETE:
                assert not state.pop(place)
    assert state == members(after)


@given(tables(), tables())
def test_input_order_does_not_matter(before: RouteTable, after: RouteTable) -> None:
    """A plan, digest included, is the same whatever the order of routes and listeners."""

    def turned(of: RouteTable) -> RouteTable:
        return RouteTable(of.listeners[::-1], of.routes[::-1], of.clusters[::-1])

    snapshots = snapshot(before), snapshot(after)
    plain = diff(before, after, *snapshots, fast_forward=None, blast_radius=BlastRadius())
    assert plain == diff(turned(before), turned(after), *snapshots, fast_forward=None, blast_radius=BlastRadius())
    assert plain.changes == tuple(sorted(plain.changes, key=lambda change: change.id))


@given(st.data())
def test_no_two_routes_look_alike(data: st.DataObject) -> None:
    """Routes that differ in anything but their place have different fields, whatever text their values hold."""
    one, two = data.draw(routes("a")), data.draw(routes("a"))
    addresses = {"httpbin": "httpbin.org:80", "v6": "https://[::1]:8443"}
    assert (route_fields(one, addresses, "") == route_fields(two, addresses, "")) == (one == two)


def test_a_new_route_shows_all_its_fields() -> None:
    """A created route lists what it will do, and where it was written."""
    plan = compare(EMPTY_TABLE, table([route("api", method=StringMatch(MatchKind.EXACT, "GET"))]))
    (change,) = plan.changes
    assert change.op is Op.CREATE
    assert change.before is None
    assert str(change.after) == "routes/api.yaml:1 @ 3f2a9c1 (Ann <ann@example.com>)"
    assert {f.field: f.after for f in change.fields} == {
        "host": "*",
        "path": "prefix /api/",
        "method": "GET",
        "to": "httpbin.org:80",
        "rewrite": "/",
        "timeout": "3000 ms",
    }
    assert all(f.before == "" for f in change.fields)


def test_fields_read_as_people_say_them() -> None:
    """Each routing fact has a human value."""
    before = table([route("a")])
    headers = (
        NamedMatch("x-a", StringMatch(MatchKind.EXACT, "1, 2")),
        NamedMatch("x-b", StringMatch(MatchKind.PRESENT)),
    )
    after = table(
        [
            route(
                "a",
                host=HostMatch(MatchKind.SUFFIX, ".example.com"),
                path=PathMatch(MatchKind.REGEX, "/v[0-9]+", case_sensitive=False),
                headers=headers,
                query=(NamedMatch("q", StringMatch(MatchKind.REGEX, "a+")),),
                precedence=5,
                action=Forward("v6", timeout_ms=0, auto_host_rewrite=True, mirrors=(Mirror("httpbin", 10),)),
            )
        ]
    )
    assert {f.field: (f.before, f.after) for f in fields_of(before, after)} == {
        "host": ("*", "*.example.com"),
        "path": ("prefix /a/", "regex /v[0-9]+ (any case)"),
        "headers": ("", 'x-a is "1, 2", x-b present'),
        "query": ("", "q matches a+"),
        "precedence": ("", "5"),
        "to": ("httpbin.org:80", "https://[::1]:8443"),
        "rewrite": ("/", ""),
        "host rewrite": ("", "upstream's host name"),
        "timeout": ("3000 ms", "none"),
        "mirrors": ("", "10 % to httpbin.org:80"),
    }


def test_a_route_becomes_a_redirect() -> None:
    """Forwarding fields go, the redirect comes."""
    after = table([route("a", action=Redirect("new.example.com", path="/x"))])
    assert {f.field: f.after for f in fields_of(table([route("a")]), after)} == {
        "redirect": "301 to new.example.com path /x",
        "to": "",
        "rewrite": "",
        "timeout": "",
    }


def test_the_scheme_of_a_redirect() -> None:
    """A redirect that changes to https is another one."""
    before = table([route("a", action=Redirect("new.example.com"))])
    after = table([route("a", action=Redirect("new.example.com", scheme=Scheme.HTTPS))])
    assert [(f.before, f.after) for f in fields_of(before, after)] == [
        ("301 to new.example.com", "301 to https://new.example.com")
    ]


def test_shares_of_a_weighted_group() -> None:
    """Thresholds that add up are shown as each route's own share, and the last takes the rest."""
    path = PathMatch(MatchKind.PREFIX, "/same/")
    group = [route(name, path=path, threshold=upto) for name, upto in (("a", 20), ("b", 50), ("c", None))]
    fields = normalised(table([route("first"), *group, route("last")]))
    assert [found.get("share") for found in fields.values()] == [
        None,
        "20 % of requests",
        "30 % of requests",
        "50 % of requests",
        None,
    ]


def test_an_upstream_that_moves_is_seen() -> None:
    """The address behind a cluster's name is part of the route, even when nothing of the route itself changed."""
    before = table([route("a"), route("b", action=Forward("v6"))])
    moved = (Cluster("httpbin", ServiceAddress("elsewhere.org", 80)), *before.clusters[1:])
    plan = compare(before, RouteTable(before.listeners, before.routes, moved))
    assert [(str(c.id), c.fields) for c in plan.changes] == [
        ("Mapping default/a", (FieldChange("to", "httpbin.org:80", "elsewhere.org:80"),))
    ]


def test_a_new_commit_alone_is_no_change_of_routing() -> None:
    """Moving a Mapping within its file changes metadata, not routing: only the resource shows it."""
    before = table([route("a")])
    after = table([route("a", provenance=Provenance("routes/a.yaml", 9))])
    plan = compare(before, after)
    assert plan.changes == ()
    assert plan.hosts == ()
    assert plan.resources == (ResourceChange(str(TypeUrl.ROUTE), "default/a", Op.UPDATE),)
    assert not plan.empty


def test_a_route_detached_from_a_virtual_host_is_seen() -> None:
    """A Mapping whose own fields stay, but which a virtual host no longer serves, is not silently gone."""
    both = [route("a"), route("b")]
    before = table(both)
    host = VirtualHost(HostMatch(MatchKind.ANY), (both[0],), Guard(InsecureAction.REDIRECT, by_header=True))
    after = RouteTable((replace(before.listeners[0], virtual_hosts=(host,)),), before.routes, before.clusters)
    plan = compare(before, after)
    assert plan.changes == ()
    (change,) = plan.hosts
    assert (change.op, change.listener, change.host) == (Op.UPDATE, "listener-8080", "*")
    assert (change.gained, change.lost) == ((), ("default/b",))
    assert change.fields == (FieldChange("insecure requests", "", "Redirect when x-forwarded-proto is http"),)


def test_a_listener_that_moves_is_seen() -> None:
    """The listener's own fields are part of the plan."""
    plan = compare(table([route("a")]), table([route("a")], address="127.0.0.1"))
    (change,) = plan.hosts
    assert change.fields == (FieldChange("address", "0.0.0.0:8080", "127.0.0.1:8080"),)
