"""Scopes of routes come, change and go, over xDS and from files, while a real Envoy answers every request."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from reconciler.apply.envoy_binary import EnvoyProcess
from reconciler.apply.files import FilesTarget
from reconciler.apply.xds import XdsTarget
from reconciler.envoy import RenderOptions, Sharding, files_bootstrap, render, xds_bootstrap
from reconciler.model.effect import AckState
from reconciler.model.files import FilesFormat
from reconciler.model.match import ANY_HOST, HostMatch, MatchKind
from reconciler.model.snapshot import Snapshot, TypeUrl
from reconciler.model.table import VirtualHost
from tests.support.envoys import envoy_path
from tests.support.http import get
from tests.support.ports import reserve_port
from tests.support.routing import cluster, listener, rule, table
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually
from tests.support.xds_world import Load

A, B, C = (HostMatch(MatchKind.EXACT, f"{name}.test") for name in "abc")
PROTOCOLS = pytest.mark.parametrize("delta", [True, False], ids=["delta", "sotw"])


@dataclass(frozen=True)
class World:
    """Two upstreams, and a port for Envoy."""

    addresses: dict[str, str]
    port: int

    def snapshot(
        self, *hosts: HostMatch, sharding: Sharding = Sharding.HOSTS, to: str = "one", more: str = "/more/"
    ) -> Snapshot:
        """These hosts, all served by an upstream."""
        options = RenderOptions(service_addresses=self.addresses, access_log_path="", sharding=sharding)
        hosts_of = [_virtual_host(host, to, more) for host in sorted(hosts)]
        return render(table([listener(*hosts_of, port=self.port)], cluster(to)), options)


def _virtual_host(host: HostMatch, to: str, more: str) -> VirtualHost:
    name = str(host).replace("*", "any")
    return VirtualHost(host, (rule(f"{name}-more", more, to), rule(name, "/", to)))


@pytest.fixture
def world() -> Iterator[World]:
    """The upstreams, running."""
    with Upstream("one") as one, Upstream("two") as two:
        yield World({"one.test": one.address, "two.test": two.address}, reserve_port())


@contextmanager
def over_xds(world: World, folder: Path, *, delta: bool) -> Iterator[Callable[[Snapshot], None]]:
    """A function that has an Envoy serve a snapshot, and returns when it said that it does."""
    target = XdsTarget("127.0.0.1:0")
    bootstrap = xds_bootstrap(f"127.0.0.1:{target.port}", delta=delta)
    process = EnvoyProcess(envoy_path(), bootstrap, folder / "envoy")

    def apply(snapshot: Snapshot) -> None:
        acks = target.apply(snapshot)
        assert {(ack.type_url, ack.detail) for ack in acks if ack.state is not AckState.ACKED} == set()

    try:
        process.start(wait=False)
        eventually(target.nodes, what="Envoy to connect")
        apply(world.snapshot(A, B))
        eventually(lambda: status(world.port, "a.test") == 200)
        yield apply
    finally:
        process.stop()
        target.close()


@contextmanager
def from_files(world: World, folder: Path, form: FilesFormat) -> Iterator[Callable[[Snapshot], None]]:
    """A function that writes a snapshot where an Envoy takes it from."""
    target = FilesTarget(folder / "watched", form, settle_s=0.3)

    def apply(snapshot: Snapshot) -> None:
        target.apply(snapshot)
        assert target.observe() == snapshot.digest

    apply(world.snapshot(A, B))
    with EnvoyProcess(envoy_path(), files_bootstrap(folder / "watched", form), folder / "envoy"):
        eventually(lambda: status(world.port, "a.test") == 200)
        yield apply


def status(port: int, host: str) -> int:
    """What a request on a connection of its own is answered; 0 for nothing."""
    try:
        return get(port, "/", host=host).status
    except OSError:
        return 0


@contextmanager
def newcomers(port: int, host: str) -> Iterator[Counter[int]]:
    """What requests on connections of their own are answered while it is entered, by status."""
    done, seen = threading.Event(), Counter[int]()

    def keep_asking() -> None:
        while not done.is_set():
            seen[status(port, host)] += 1

    client = threading.Thread(target=keep_asking)
    client.start()
    try:
        yield seen
    finally:
        done.set()
        client.join()


def changes(world: World, apply: Callable[[Snapshot], None]) -> None:
    """A host answers every request while its routes, its upstream and the hosts around it change."""

    def answered(path: str, host: str, upstream: str) -> bool:
        return get(world.port, path, host=host).upstream == upstream

    with Load(world.port, host="a.test") as load:
        eventually(lambda: load.seen("one") > 20)
        apply(world.snapshot(A, B, C))
        eventually(lambda: answered("/", "c.test", "one"))
        apply(world.snapshot(A, B, C, more="/other/"))
        apply(world.snapshot(A, C))
        eventually(lambda: answered("/", "b.test", "(404)"))
        apply(world.snapshot(A, C, to="two"))
        eventually(lambda: answered("/", "a.test", "two"))
        apply(world.snapshot(A, B))
        eventually(lambda: answered("/", "b.test", "one"))
        eventually(lambda: answered("/", "c.test", "(404)"))
    assert load.failed == 0, load.answers


def switches(world: World, apply: Callable[[Snapshot], None]) -> None:
    """New connections are answered whatever way the hosts are divided, and while that changes.

    But for one that the old listener took the moment before its scopes went: one client can have one such a change.
    """
    with newcomers(world.port, "a.test") as seen:
        eventually(lambda: seen[200] > 20)
        ways = (
            ((A, B, ANY_HOST), Sharding.HOSTS),
            ((A, B), Sharding.HOSTS),
            ((A, B), Sharding.BUCKETS),
            ((A, B), Sharding.NONE),
            ((A, B), Sharding.HOSTS),
        )
        for hosts, sharding in ways:
            apply(world.snapshot(*hosts, sharding=sharding))
            enough = seen[200] + 20
            eventually(partial(lambda enough: seen[200] > enough, enough))
    assert set(seen) <= {200, 404}, seen
    assert seen[404] < len(ways), seen


@PROTOCOLS
def test_changes_over_xds(world: World, tmp_path: Path, *, delta: bool) -> None:
    """No request fails, and Envoy acknowledges every one, in either variant of the protocol."""
    with over_xds(world, tmp_path, delta=delta) as apply:
        changes(world, apply)


@PROTOCOLS
def test_another_way_to_divide_over_xds(world: World, tmp_path: Path, *, delta: bool) -> None:
    """The listener changes for it, and finds its scopes there already."""
    with over_xds(world, tmp_path, delta=delta) as apply:
        switches(world, apply)


@PROTOCOLS
def test_the_first_pattern_leaves_connections_alone(world: World, tmp_path: Path, *, delta: bool) -> None:
    """Hosts are divided otherwise from then on; who is connected to the listener before goes on asking by host."""
    with over_xds(world, tmp_path, delta=delta) as apply, Load(world.port, host="a.test") as load:
        eventually(lambda: load.seen("one") > 20)
        apply(world.snapshot(A, B, ANY_HOST))
        eventually(lambda: status(world.port, "c.test") == 200)
        apply(world.snapshot(A, B, ANY_HOST, to="two"))
        eventually(lambda: load.seen("two") > 20)
    assert load.failed == 0, load.answers


@PROTOCOLS
def test_hosts_that_all_go_come_again(world: World, tmp_path: Path, *, delta: bool) -> None:
    """Also without any scope an Envoy becomes and stays ready, with the listener it has."""
    with over_xds(world, tmp_path, delta=delta) as apply:
        nobody, somebody = world.snapshot(), world.snapshot(A)
        assert not nobody[TypeUrl.SCOPED_ROUTE].resources
        assert nobody[TypeUrl.LISTENER] == somebody[TypeUrl.LISTENER]
        apply(nobody)
        eventually(lambda: status(world.port, "a.test") == 404)
        apply(somebody)
        eventually(lambda: status(world.port, "a.test") == 200)


@pytest.mark.parametrize("form", list(FilesFormat))
def test_changes_from_files(world: World, tmp_path: Path, form: FilesFormat) -> None:
    """No request fails, and the files hold what was applied."""
    with from_files(world, tmp_path, form) as apply:
        changes(world, apply)


def test_another_way_to_divide_from_files(world: World, tmp_path: Path) -> None:
    """The listener changes for it, and finds its scopes there already."""
    with from_files(world, tmp_path, FilesFormat.PB) as apply:
        switches(world, apply)


def test_hosts_that_all_go_from_files(world: World, tmp_path: Path) -> None:
    """The file of scopes stays as long as a listener names it."""
    with from_files(world, tmp_path, FilesFormat.PB) as apply:
        apply(world.snapshot())
        eventually(lambda: status(world.port, "a.test") == 404)
        apply(world.snapshot(B))
        eventually(lambda: status(world.port, "b.test") == 200)
