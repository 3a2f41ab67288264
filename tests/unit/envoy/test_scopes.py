"""Hosts in pieces: which scope holds which host, and what a scope is as a resource."""

import hypothesis.strategies as st
import pytest
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration
from hypothesis import given

from reconciler.envoy import Sharding
from reconciler.envoy.protobuf import serialise
from reconciler.envoy.routes.buckets import BUCKETS, bucket
from reconciler.envoy.routes.scopes import key_start, scoped, scopes, sharding_of
from reconciler.model.match import ANY_HOST, HostMatch, MatchKind

EXACT = st.from_regex(r"[a-z0-9.\-]{1,12}", fullmatch=True).map(lambda name: HostMatch(MatchKind.EXACT, name))
PATTERN = st.sampled_from((ANY_HOST, HostMatch(MatchKind.SUFFIX, ".test"), HostMatch(MatchKind.PREFIX, "a.")))
HOSTS = st.lists(EXACT | PATTERN, unique=True, max_size=20)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)


@given(hosts=HOSTS)
def test_every_bucket_has_its_hosts_and_all_patterns(hosts: list[HostMatch]) -> None:
    """All 64 are there, since a request may be for any host; within each, hosts are sorted."""
    found = {scope.key: scope.hosts for scope in scopes("l", hosts, Sharding.BUCKETS)}
    assert found.keys() == {f"l|*{number}" for number in range(BUCKETS)}
    for number in range(BUCKETS):
        members = [one for one in hosts if one.kind is not MatchKind.EXACT or bucket(one.value) == number]
        assert found[f"l|*{number}"] == tuple(sorted(members))


@given(hosts=st.lists(EXACT, unique=True, max_size=20))
def test_every_host_has_a_scope(hosts: list[HostMatch]) -> None:
    """By host each has one of its own, and where there is none there is no scope."""
    assert [(scope.key, scope.hosts) for scope in scopes("l", hosts, Sharding.HOSTS)] == sorted(
        (f"l|{one}", (one,)) for one in hosts
    )


@given(hosts=HOSTS)
def test_a_pattern_adds_buckets_to_hosts(hosts: list[HostMatch]) -> None:
    """Scopes by host stay, for connections that still ask for them; requests ask for buckets from then on."""
    before = scopes("l", [one for one in hosts if one.kind is MatchKind.EXACT], Sharding.HOSTS)
    after = scopes("l", [*hosts, HostMatch(MatchKind.SUFFIX, ".x")], Sharding.HOSTS)
    assert set(before) < set(after)
    assert sharding_of([*hosts, HostMatch(MatchKind.SUFFIX, ".x")], Sharding.HOSTS) is Sharding.BUCKETS


@given(hosts=HOSTS, sharding=st.sampled_from(Sharding), chance=st.randoms())
def test_scopes_follow_from_names(hosts: list[HostMatch], sharding: Sharding, chance: object) -> None:
    """The order in which hosts are named makes no difference, and names of scopes are unique and sorted."""
    found = scopes("l", hosts, sharding)
    chance.shuffle(hosts)  # type: ignore[attr-defined] # a Random
    assert scopes("l", hosts, sharding) == found
    names = [scope.name for scope in found]
    assert names == sorted(set(names))


@given(one=NAMES, two=NAMES, sharding=st.sampled_from((Sharding.HOSTS, Sharding.BUCKETS)))
def test_no_chain_has_the_keys_of_another(one: str, two: str, sharding: Sharding) -> None:
    """Whatever they are called; and no colon comes before the host's own."""
    hosts = [HostMatch(MatchKind.EXACT, "a.test")]
    keys = [{scope.key for scope in scopes(name, hosts, sharding)} for name in (one, two)]
    assert (keys[0] == keys[1]) if one == two else not keys[0] & keys[1]
    assert ":" not in key_start(one)


@pytest.mark.parametrize("literal", ["[::1]", "a.test:80"])
def test_a_colon_is_no_host_of_its_own(literal: str) -> None:
    """Envoy would cut it as if a port came there, so that chain has buckets."""
    assert sharding_of([HostMatch(MatchKind.EXACT, literal)], Sharding.HOSTS) is Sharding.BUCKETS


def test_buckets_look_at_neither_case_nor_port() -> None:
    """As hosts compare."""
    assert bucket("Shop.Example.COM:8443") == bucket("shop.example.com") != bucket("shop.example.con")


def test_a_scope_is_one_canonical_resource() -> None:
    """Put together from bytes it is what the message would be."""
    (scope,) = scopes("l", [HostMatch(MatchKind.EXACT, "a.test")], Sharding.HOSTS)
    routes = RouteConfiguration(name="r", ignore_port_in_host_matching=True)
    found = scoped(scope, [serialise(routes)])
    message = ScopedRouteConfiguration(name=found.name, route_configuration=routes)
    message.key.fragments.add(string_key="l|a.test")
    assert (found.name, found.body) == ("l|a.test", serialise(message))
