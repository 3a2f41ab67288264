"""The file target: what it writes, in which order, and what a real Envoy makes of it."""

import dataclasses
import os
import shutil
import stat
import threading
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from pathlib import Path

import pytest

from reconciler.apply.envoy_binary import EnvoyProcess, find_envoy
from reconciler.apply.files import FilesTarget, Step, steps
from reconciler.apply.files_format import decode_all, encode_all
from reconciler.envoy import RenderOptions, files_bootstrap, render
from reconciler.model.effect import AckState, Evidence
from reconciler.model.errors import Stalled, Transient
from reconciler.model.files import FilesFormat
from reconciler.model.snapshot import EMPTY_SNAPSHOT, Snapshot, TypeUrl
from reconciler.model.table import Cluster, Route
from tests.support.disk import limited_file_size
from tests.support.http import ask, get
from tests.support.routing import anyone, cluster, listener, rule, table
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually

ONE = rule("one", "/one/", "one")
TWO = rule("two", "/two/", "two")
BOTH_FORMATS = pytest.mark.parametrize("form", list(FilesFormat))


def snapshot(
    routes: Sequence[Route], *clusters: Cluster, addresses: dict[str, str] | None = None, port: int = 0
) -> Snapshot:
    """One listener with these routes; the clusters are those given."""
    chosen = RenderOptions(service_addresses=addresses or {}, access_log_path="")
    return render(table([listener(anyone(*routes), port=port)], *clusters), chosen)


FIRST = snapshot([ONE], cluster("one"), cluster("tls", tls=True))
SECOND = snapshot([TWO], cluster("two"))


def names(directory: Path) -> list[str]:
    """What lies there."""
    return sorted(path.name for path in directory.iterdir())


def content(directory: Path) -> dict[str, bytes]:
    """All files."""
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@BOTH_FORMATS
def test_holds_what_was_applied(tmp_path: Path, form: FilesFormat) -> None:
    """Applied is observed, by another target on the same directory too; acks say what is known and how."""
    target = FilesTarget(tmp_path / "deep" / "er", form)
    assert target.observe() is None
    acks = target.apply(FIRST)
    assert target.observe() == FIRST.digest
    assert FilesTarget(tmp_path / "deep" / "er", form).observe() == FIRST.digest
    assert names(tmp_path / "deep" / "er") == [f"cds.{form}", f"lds.{form}", f"rds.http-8080.{form}"]
    assert {(ack.state, ack.evidence) for ack in acks} == {(AckState.UNKNOWN, Evidence.READ_BACK)}
    assert {ack.type_url: ack.version for ack in acks} == {
        t: FIRST[t].version for t in (TypeUrl.CLUSTER, TypeUrl.LISTENER, TypeUrl.ROUTE)
    }
    assert target.name == f"files:{tmp_path}/deep/er"
    target.close()


@BOTH_FORMATS
def test_files_hold_the_same_resources(form: FilesFormat) -> None:
    """Encoding and decoding gives the very same bytes of every resource, in either format."""
    decoded = decode_all(encode_all(FIRST, Path("/d"), form), Path("/d"), form)
    assert decoded == FIRST


def test_unchanged_is_untouched(tmp_path: Path) -> None:
    """Applying the same again writes nothing."""
    target = FilesTarget(tmp_path)
    target.apply(FIRST)
    before = {path: path.stat().st_ino for path in tmp_path.iterdir()}
    target.apply(FIRST)
    assert {path: path.stat().st_ino for path in tmp_path.iterdir()} == before


def test_empty_is_a_snapshot_too(tmp_path: Path) -> None:
    """Nothing to serve is written and observed; the route file that no listener names is gone."""
    target = FilesTarget(tmp_path, settle_s=0)
    target.apply(FIRST)
    target.apply(EMPTY_SNAPSHOT)
    assert target.observe() == EMPTY_SNAPSHOT.digest
    assert names(tmp_path) == ["cds.pb", "lds.pb"]


def test_order_is_make_before_break() -> None:
    """Clusters old and new, time, routes, listeners, time, clusters that remain, files nobody names."""
    held = encode_all(FIRST, Path("/d"), FilesFormat.PB)
    other = table([listener(anyone(TWO), name="other")], cluster("two"))
    target = render(other, RenderOptions())
    todo = steps(held, target, Path("/d"), FilesFormat.PB)
    assert [(step.name, step.content is None, step.settled) for step in todo] == [
        ("cds.pb", False, False),
        ("rds.other.pb", False, True),
        ("lds.pb", False, False),
        ("cds.pb", False, True),
        ("rds.http-8080.pb", True, False),
    ]
    together = decode_all(held | {"cds.pb": todo[0].content or b""}, Path("/d"), FilesFormat.PB)
    assert set(together[TypeUrl.CLUSTER].resources) == {"one", "tls", "two"}


def test_only_routes_change_needs_no_pause() -> None:
    """A change of routes alone is one file, at once."""
    held = encode_all(snapshot([ONE], cluster("one")), Path("/d"), FilesFormat.PB)
    changed = snapshot([ONE, rule("more", "/more/", "one")], cluster("one"))
    todo = steps(held, changed, Path("/d"), FilesFormat.PB)
    assert todo == (Step("rds.http-8080.pb", todo[0].content, settled=False),)


def test_first_apply_needs_no_pause(tmp_path: Path) -> None:
    """Where nothing was, nobody has to settle."""
    FilesTarget(tmp_path, pause=lambda _: pytest.fail("paused")).apply(FIRST)


def test_pauses_where_clusters_come_and_go(tmp_path: Path) -> None:
    """Envoy gets its time before routes use a new cluster, and before an old one goes: the files prove the order."""
    seen: list[Snapshot] = []
    target = FilesTarget(
        tmp_path,
        settle_s=0.5,
        pause=lambda _: seen.append(decode_all(files(tmp_path), tmp_path, FilesFormat.PB)),
    )
    target.apply(FIRST)
    target.apply(SECOND)
    assert [set(s[TypeUrl.CLUSTER].resources) for s in seen] == [{"one", "tls", "two"}] * 2
    assert [s[TypeUrl.ROUTE] == FIRST[TypeUrl.ROUTE] for s in seen] == [True, False]
    assert target.observe() == SECOND.digest


def files(directory: Path) -> dict[str, bytes]:
    """The files of the layout, without temporary ones."""
    return {name: found for name, found in content(directory).items() if not name.startswith(".")}


@pytest.mark.parametrize("form", list(FilesFormat))
@pytest.mark.parametrize("name", ["cds", "lds", "rds.http-8080"])
def test_tampering_is_observed(tmp_path: Path, form: FilesFormat, name: str) -> None:
    """A file that is gone, cut, or exchanged for another is not what was applied; applying repairs it."""
    target = FilesTarget(tmp_path, form, settle_s=0)
    target.apply(SECOND)
    foreign = encode_all(snapshot([TWO, ONE], cluster("two"), cluster("one"), port=1), tmp_path, form)
    path = tmp_path / f"{name}.{form}"
    for damage in (path.unlink, lambda: path.write_bytes(b"\xff{"), lambda: path.write_bytes(foreign[path.name])):
        target.apply(SECOND)
        damage()
        assert target.observe() != SECOND.digest
        target.apply(SECOND)
        assert target.observe() == SECOND.digest


def test_foreign_directory_in_a_listener_is_observed(tmp_path: Path) -> None:
    """A listener that takes its routes from elsewhere is tampering, not our snapshot."""
    target = FilesTarget(tmp_path)
    target.apply(FIRST)
    (tmp_path / "lds.pb").write_bytes(encode_all(FIRST, Path("/elsewhere"), FilesFormat.PB)["lds.pb"])
    assert target.observe() is None


def test_directory_that_vanishes(tmp_path: Path) -> None:
    """Without the directory nothing is held; applying makes it again."""
    target = FilesTarget(tmp_path / "in")
    target.apply(FIRST)
    shutil.rmtree(tmp_path / "in")
    assert target.observe() is None
    target.apply(FIRST)
    assert target.observe() == FIRST.digest


def test_odd_names_stay_inside(tmp_path: Path) -> None:
    """A route configuration's name can't leave the directory or hide."""
    odd = render(table([listener(anyone(ONE), name="../../etc/x y")], cluster("one")), RenderOptions())
    target = FilesTarget(tmp_path / "in")
    target.apply(odd)
    assert target.observe() == odd.digest
    assert names(tmp_path) == ["in"]
    assert "rds...%2F..%2Fetc%2Fx%20y.pb" in names(tmp_path / "in")


def test_readable_for_envoy_whatever_the_umask(tmp_path: Path) -> None:
    """Envoy often runs as another user."""
    before = os.umask(0o077)
    try:
        FilesTarget(tmp_path).apply(FIRST)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o644}


def test_full_disk_leaves_everything(tmp_path: Path) -> None:
    """When the disk is full, the old files stay as they were and nothing half written is left; later it works."""
    target = FilesTarget(tmp_path, settle_s=0)
    target.apply(FIRST)
    before = content(tmp_path)
    with limited_file_size(64), pytest.raises(Transient, match=f"can't write to {tmp_path}"):
        target.apply(SECOND)
    assert content(tmp_path) == before
    target.apply(SECOND)
    assert target.observe() == SECOND.digest


def test_leftovers_of_a_killed_writer_go(tmp_path: Path) -> None:
    """What a process that was killed left half written is removed by the next apply."""
    (tmp_path / ".reconciler-abc").write_bytes(b"half")
    FilesTarget(tmp_path).apply(FIRST)
    assert not [name for name in names(tmp_path) if name.startswith(".")]


def test_directory_that_is_none(tmp_path: Path) -> None:
    """A file, or a symbolic link, in place of the directory needs a person."""
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(Stalled, match="a file stands in the way"):
        FilesTarget(tmp_path / "file")
    with pytest.raises(Stalled, match="a file stands in the way"):
        FilesTarget(tmp_path / "file" / "below")
    with pytest.raises(Stalled, match="is a symbolic link"):
        FilesTarget(tmp_path / "link")


@dataclasses.dataclass
class Serving:
    """An Envoy that watches the directory of a target."""

    target: FilesTarget
    envoy: EnvoyProcess
    addresses: dict[str, str]

    def apply(self, routes: Sequence[Route], *used: str) -> None:
        """Apply these routes; Envoy may take its time."""
        self.target.apply(snapshot(routes, *(cluster(name) for name in used), addresses=self.addresses))

    def ask(self, path: str) -> str:
        """Which upstream answers, or the status."""
        return get(self.envoy.listener_port("http-8080"), path).upstream


@pytest.fixture(params=list(FilesFormat))
def serving(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Serving]:
    """An Envoy that serves ``/one/`` from files."""
    binary = find_envoy("auto")
    assert binary
    with Upstream("one") as one, Upstream("two") as two:
        addresses = {"one.test": one.address, "two.test": two.address}
        target = FilesTarget(tmp_path / "watched", request.param, settle_s=0.3)
        target.apply(snapshot([ONE], cluster("one"), addresses=addresses))
        bootstrap = files_bootstrap(tmp_path / "watched", request.param)
        with EnvoyProcess(binary, bootstrap, tmp_path / "envoy") as envoy:
            yield Serving(target, envoy, addresses)


def test_envoy_follows(serving: Serving) -> None:
    """Envoy serves what is applied, then what is applied next, without a restart or a complaint."""
    assert serving.ask("/one/") == "one"
    assert serving.ask("/two/") == "(404)"
    serving.apply([ONE, TWO], "one", "two")
    eventually(lambda: serving.ask("/two/") == "two")
    serving.apply([TWO], "two")
    eventually(lambda: serving.ask("/one/") == "(404)")
    assert serving.ask("/two/") == "two"
    eventually(lambda: "cluster.one." not in serving.envoy.admin("/stats"), what="cluster one is removed")
    stats = serving.envoy.admin("/stats?filter=update_rejected|update_failure|deprecated_feature_use")
    assert {line.rpartition(" ")[2] for line in stats.splitlines()} == {"0"}


def test_envoy_survives_deletion(serving: Serving) -> None:
    """Files that vanish leave Envoy serving what it has; applying again goes on from there."""
    for path in (serving.envoy.access_log_path.parents[1] / "watched").iterdir():
        path.unlink()
    assert serving.target.observe() is None
    assert serving.ask("/one/") == "one"
    serving.apply([ONE, TWO], "one", "two")
    eventually(lambda: serving.ask("/two/") == "two")
    assert serving.ask("/one/") == "one"


def test_changes_lose_nothing(serving: Serving) -> None:
    """While routes and clusters around it come and go, a route answers every request, on connections that stay."""
    port = serving.envoy.listener_port("http-8080")
    done = threading.Event()
    answers: list[int] = []
    serving.target = FilesTarget(serving.target.directory, serving.target.form, settle_s=0.1)

    def keep_asking() -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        while not done.is_set():
            answers.append(ask(connection, "/one/").status)
        connection.close()

    client = threading.Thread(target=keep_asking)
    client.start()
    try:
        for number in range(10):
            serving.apply([ONE, rule("extra", f"/extra/{number}/", "one")], "one")
            serving.apply([ONE, TWO], "one", "two")
        eventually(lambda: serving.ask("/two/") == "two")
    finally:
        done.set()
        client.join()
    assert len(answers) > 100
    assert set(answers) == {200}


def test_a_route_that_changes_its_service_loses_nothing(serving: Serving) -> None:
    """A route that moves to a cluster that is new answers throughout: first from one, then from the other."""
    done = threading.Event()
    answers: list[str] = []

    def keep_asking() -> None:
        port = serving.envoy.listener_port("http-8080")
        while not done.is_set():
            answers.append(get(port, "/one/").upstream)

    client = threading.Thread(target=keep_asking)
    client.start()
    try:
        eventually(lambda: answers)
        serving.apply([rule("one", "/one/", "two")], "two")
        eventually(lambda: answers[-1] == "two")
    finally:
        done.set()
        client.join()
    assert answers == sorted(answers)
    assert set(answers) == {"one", "two"}
