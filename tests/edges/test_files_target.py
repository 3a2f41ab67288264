"""The file target: what it writes, in which order, and what a real Envoy makes of it."""

import os
import shutil
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.apply.files import FilesTarget, Step, steps
from reconciler.apply.files_format import decode_all, encode_all
from reconciler.envoy import RenderOptions, render
from reconciler.model.effect import AckState, Evidence
from reconciler.model.errors import Stalled, Transient
from reconciler.model.files import FilesFormat
from reconciler.model.snapshot import EMPTY_SNAPSHOT, Snapshot, TypeUrl
from tests.support.disk import limited_file_size
from tests.support.routing import ONE, TWO, anyone, cluster, listener, rule, snapshot, table

BOTH_FORMATS = pytest.mark.parametrize("form", list(FilesFormat))


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


def test_drift_names_the_files_and_the_time(tmp_path: Path) -> None:
    """What this process did not write itself; nothing before it wrote, and nothing after it put it back."""
    target = FilesTarget(tmp_path, FilesFormat.PB, pause=lambda _seconds: None)
    target.observe()
    assert target.drift() == ()
    target.apply(SECOND)
    assert (target.observe(), target.drift()) == (SECOND.digest, ())
    (tmp_path / "lds.pb").unlink()
    clusters = tmp_path / "cds.pb"
    clusters.write_bytes(clusters.read_bytes() + b"#")
    os.utime(clusters, (1_000, 1_000))
    target.observe()
    (drift,) = target.drift()
    assert (drift.target, drift.what, drift.by) == (target.name, "cds.pb, lds.pb is gone", "")
    assert drift.at == datetime.fromtimestamp(1_000, UTC)
    target.apply(SECOND)
    assert target.drift() == ()


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
    assert "rds..._2F.._2Fetc_2Fx_20y.pb" in names(tmp_path / "in")


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
