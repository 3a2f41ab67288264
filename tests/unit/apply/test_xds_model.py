"""The laws of the ADS server, over any order of events, against a model of Envoy."""

from typing import Any

import hypothesis.strategies as st
import pytest
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration
from hypothesis import given, settings

from reconciler.apply.xds.session import Protocol
from reconciler.apply.xds.steps import Step
from reconciler.model.effect import AckState
from reconciler.model.snapshot import Snapshot, TypeUrl
from tests.support.xds_model import SCOPED, ModelEnvoy, cluster, listener, routes, scope, snapshot

CLUSTERS = ("c1", "c2", "c3", "c4")
PORTS = (1, 2, 3)
SCOPES = ("s1", "s2", "s3")
KEYS = ("k1", "k2", "k3")


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Any coherent snapshot over a few names, so that two of them overlap in every way."""
    clusters = draw(st.dictionaries(st.sampled_from(CLUSTERS), st.integers(1, 2)))
    versions = st.integers(1, 2)
    listeners = []
    route_configurations = []
    names = draw(st.permutations(("l1", "l2", "l3")))
    for name, port in zip(names[: draw(st.integers(0, 3))], draw(st.permutations(PORTS)), strict=False):
        if draw(st.booleans()):
            listeners.append(listener(name, port, SCOPED, draw(versions)))
            continue
        route_name = f"{name}-{draw(st.sampled_from('ab'))}"
        listeners.append(listener(name, port, route_name, draw(versions)))
        route_configurations.append(routes(route_name, _some(draw, clusters), draw(versions)))
    scopes = []
    if any(SCOPED.encode() in found.body for found in listeners):
        shared = sorted(draw(st.sets(st.sampled_from(("r1", "r2", "r3")), min_size=1)))
        route_configurations += [routes(name, _some(draw, clusters), draw(versions)) for name in shared]
        named = [found.name for found in route_configurations]
        for name, key in zip(draw(st.permutations(SCOPES)), draw(st.permutations(KEYS))[: len(named)], strict=False):
            scopes.append(scope(name, key, draw(st.sampled_from(named))))
        targets = {ScopedRouteConfiguration.FromString(s.body).route_configuration_name for s in scopes}
        route_configurations = [
            found for found in route_configurations if found.name[0] == "l" or found.name in targets
        ]
    return snapshot((cluster(n, v) for n, v in clusters.items()), listeners, route_configurations, scopes=scopes)


def _some(draw: st.DrawFn, clusters: dict[str, int]) -> set[str]:
    return draw(st.sets(st.sampled_from(sorted(clusters)), min_size=1)) if clusters else set()


events = st.lists(
    st.one_of(
        st.integers(1, 12),
        st.sampled_from(["serve", "take", "reject", "reconnect", "settle"]),
        snapshots(),
    ),
    max_size=20,
)


def _play(envoy: ModelEnvoy, event: Any) -> None:
    match event:
        case "serve":
            envoy.serve_one()
        case "take":
            envoy.take_one()
        case "reject":
            envoy.take_one(reject=True)
        case "reconnect":
            envoy.connect()
        case "settle":
            envoy.settle()
        case int():
            for _ in range(event):
                envoy.serve_one()
                assert not envoy.dangling()
                envoy.take_one()
                assert not envoy.dangling()
        case _:
            envoy.aim(event)


@pytest.mark.parametrize("protocol", Protocol)
@settings(max_examples=300, deadline=None)
@given(first=snapshots(), happenings=events, last=snapshots())
def test_any_history_ends_in_the_desired_snapshot(
    protocol: Protocol, first: Snapshot, happenings: list[Any], last: Snapshot
) -> None:
    """However applies, answers, refusals and reconnects interleave: never a dangling route, no repeat, right end."""
    envoy = ModelEnvoy(protocol)
    envoy.aim(first)
    envoy.settle()
    for event in happenings:
        _play(envoy, event)
        assert not envoy.dangling()
    envoy.aim(last)
    for _ in range(500):
        envoy.serve_one()
        assert not envoy.dangling()
        envoy.take_one()
        assert not envoy.dangling()
    assert envoy.repeated == []
    assert envoy.clashes == []
    for type_url in TypeUrl:
        assert envoy.held[type_url] == dict(last[type_url].resources)
    assert envoy.session.step is Step.DONE
    assert envoy.session.settled
    standings = [standing.state for t in TypeUrl if (standing := envoy.session.standing(t)) is not None]
    assert set(standings) <= {AckState.ACKED}


@pytest.mark.parametrize("protocol", Protocol)
@settings(max_examples=50, deadline=None)
@given(wanted=snapshots())
def test_applying_again_or_reconnecting_sends_nothing_needless(protocol: Protocol, wanted: Snapshot) -> None:
    """What is held is not sent again: not on a second apply, nor (in delta) on a new stream."""
    envoy = ModelEnvoy(protocol)
    envoy.aim(wanted)
    envoy.settle()
    before = len(envoy.received)
    envoy.aim(wanted)
    envoy.settle()
    assert len(envoy.received) == before
    envoy.connect()
    envoy.settle()
    again = {push.type_url for push in envoy.received[before:] if push.resources}
    assert protocol is Protocol.SOTW or not again
    assert envoy.session.settled
