"""What holds for every table, checked against a slow and obvious oracle written here."""

import re
from itertools import pairwise
from random import Random

from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.merge import ConflictPolicy, merge
from reconciler.model.resource import (
    HostMatch,
    HostResource,
    InsecureAction,
    MappingResource,
    MatchKind,
    Resource,
    StringMatch,
)
from reconciler.model.table import Forward, Request, Route, RouteTable
from reconciler.table import build, explain
from tests.support.mappings import HOSTS, host, mappings

SELECTOR = st.sampled_from([None, None, {"l": "1"}])
HOST_RESOURCES = st.builds(
    lambda name, hostname, selector: host(name, hostname, selector=selector, insecure=InsecureAction.ROUTE),
    st.sampled_from("uvw"),
    st.sampled_from(["*", "a.test", "*.test", "a.*"]),
    SELECTOR,
)
MAPPINGS = st.lists(mappings(hosts=(None, *HOSTS)), min_size=1, max_size=6)
RESOURCES = st.builds(lambda found, hosts: [*found, *hosts], MAPPINGS, st.lists(HOST_RESOURCES, max_size=3))
REQUESTS = st.builds(
    Request,
    host=st.sampled_from(["a.test", "B.test:81", "c.test", "x.a.test", "a.other", "other", ".test"]),
    path=st.sampled_from(["/", "/x", "/X", "/x/", "/x/y", "/x/y/z", "/q"]),
    method=st.sampled_from(["GET", "POST"]),
    headers=st.sampled_from([(), (("h", "1"),), (("h", "2"),), (("h", "3"), ("h", "1"))]),
    query=st.sampled_from([(), (("q", "1"),), (("q", "2"), ("q", "1"))]),
)


def table_of(resources: list[Resource]) -> RouteTable:
    """Merged the permissive way, then built."""
    return build(merge(resources, [], conflicts=ConflictPolicy.SPLIT).resources).table


def value_suits(match: StringMatch | HostMatch, value: str) -> bool:
    """One string condition, with the language's own regex engine of Python: the patterns here mean the same in both."""
    ways = {
        MatchKind.EXACT: value == match.value,
        MatchKind.PREFIX: value.startswith(match.value) and value != match.value,
        MatchKind.SUFFIX: value.endswith(match.value) and value != match.value,
        MatchKind.REGEX: re.fullmatch(match.value, value) is not None,
    }
    return ways.get(match.kind, True)


def suits(route: Route, request: Request) -> bool:
    """Whether every condition of a rule holds."""
    path, wanted = request.path, route.path.value
    if not route.path.case_sensitive:
        path, wanted = path.lower(), wanted.lower()
    path_suits = {
        MatchKind.EXACT: path == wanted,
        MatchKind.PREFIX: path.startswith(wanted),
        MatchKind.REGEX: re.fullmatch(wanted, path) is not None,
    }[route.path.kind]
    first_query = {name: value or "" for name, value in reversed(request.query)}
    return (
        path_suits
        and value_suits(route.host, request.host.split(":")[0].lower())
        and (route.method is None or value_suits(route.method, request.method))
        and all(any(n == h.name and value_suits(h.match, v) for n, v in request.headers) for h in route.headers)
        and all(q.name in first_query and value_suits(q.match, first_query[q.name]) for q in route.query)
    )


@given(RESOURCES, st.randoms(use_true_random=False))
def test_the_order_of_the_resources_does_not_matter(resources: list[Resource], random: Random) -> None:
    """Any order builds the same table and finds the same problems."""
    merged = list(merge(resources, [], conflicts=ConflictPolicy.SPLIT).resources)
    first = build(merged)
    random.shuffle(merged)
    assert build(merged) == first


@given(MAPPINGS, REQUESTS, st.integers(0, 99))
def test_without_hosts_the_first_rule_of_all_that_suits_wins(
    found: list[MappingResource], request: Request, number: int
) -> None:
    """Virtual hosts are only a way to look it up: the global order decides, for every random number."""
    table = table_of([m for m in found if m.host is not None])
    explained = explain(table, request)
    expected = next(
        (r for r in table.routes if suits(r, request) and (r.threshold is None or number < r.threshold)), None
    )
    reached = 0
    chosen = None
    for candidate in explained.candidates:
        reached += candidate.percent
        if chosen is None and number < reached:
            chosen = candidate.route
    assert chosen == expected


@given(RESOURCES, REQUESTS)
def test_no_request_falls_past_a_group(resources: list[Resource], request: Request) -> None:
    """Whoever takes a part of the requests is followed by others who take the rest: 100 or nothing."""
    explained = explain(table_of(resources), request)
    assert sum(candidate.percent for candidate in explained.candidates) in (0, 100)
    assert bool(explained.candidates) == (explained.route is not None)


@given(RESOURCES, REQUESTS)
def test_with_hosts_only_what_attaches_answers(resources: list[Resource], request: Request) -> None:
    """The winner's Mapping is taken by the Host of the virtual host, and is the first such that suits."""
    merged = merge(resources, [], conflicts=ConflictPolicy.SPLIT).resources
    hosts = {r.hostname: r for r in merged if isinstance(r, HostResource)}
    assume(hosts)
    by_id = {r.origin.id: r for r in merged if isinstance(r, MappingResource)}
    table = build(merged).table
    explained = explain(table, request)
    if explained.virtual_host is None:
        assert not any(value_suits(name, request.host.split(":")[0].lower()) for name in hosts)
        return
    owner = hosts[explained.virtual_host]
    attached = [r for r in table.routes if suits(r, request) and owner.takes(by_id[r.id]) and r.threshold != 0]
    assert explained.route == (attached[0] if attached else None)


@given(RESOURCES)
def test_tables_are_closed(resources: list[Resource]) -> None:
    """Every rule of a virtual host is in the global list, in its order; every named cluster exists, and no other."""
    table = table_of(resources)
    position = {route: at for at, route in enumerate(table.routes)}
    for listener in table.listeners:
        for virtual_host in listener.virtual_hosts:
            places = [position[route] for route in virtual_host.routes]
            assert places == sorted(places)
            assert all(route.host.overlaps(virtual_host.host) for route in virtual_host.routes)
    forwards = [route.action for route in table.routes if isinstance(route.action, Forward)]
    named = {f.cluster for f in forwards} | {m.cluster for f in forwards for m in f.mirrors}
    assert {cluster.name for cluster in table.clusters} == named


@given(RESOURCES)
def test_rules_stand_by_rank(resources: list[Resource]) -> None:
    """Ranks alone say the order, of all rules and of those of each virtual host, and no two rules have the same."""
    table = table_of(resources)
    hosts = [virtual_host for listener in table.listeners for virtual_host in listener.virtual_hosts]
    for routes in (table.routes, *(virtual_host.routes for virtual_host in hosts)):
        assert all(one.rank < other.rank for one, other in pairwise(routes))
