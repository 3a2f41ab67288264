"""The clone on disk: broken, locked, killed, full; and that nothing leaks."""

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.model.errors import Stalled, Transient
from reconciler.sources import GitSource
from tests.support.processes import children, descriptors
from tests.support.repositories import Repository, local_source


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository.create(tmp_path / "origin")
    for number in range(3):
        made.commit({"a.yaml": f"a{number}", f"b{number}.yaml": "b"})
    return made


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return tmp_path / "state" / "repository.git"


def _source(repository: Repository, clone: Path) -> GitSource:
    return local_source(repository.path, clone.parent)


def _no_objects(clone: Path) -> None:
    shutil.rmtree(clone / "objects")
    (clone / "objects").mkdir()


def _no_blobs(clone: Path) -> None:
    """Loose objects that begin alike go missing, as after an interrupted copy."""
    for path in list((clone / "objects").glob("[0-9a-f][0-9a-f]/*"))[::2]:
        path.unlink()


def _garbled(clone: Path) -> None:
    for path in (clone / "objects").glob("[0-9a-f][0-9a-f]/*"):
        path.chmod(0o600)
        path.write_bytes(b"garbage")


def _bad_head(clone: Path) -> None:
    (clone / "HEAD").write_bytes(b"\0garbage")


def _bad_packed_refs(clone: Path) -> None:
    (clone / "packed-refs").write_bytes(b"# pack-refs with: nonsense\ngarbage\n")


def _bad_config(clone: Path) -> None:
    (clone / "config").write_bytes(b"[core\nbroken")


def _bad_ref(clone: Path) -> None:
    (clone / "refs/reconciler/wanted").write_bytes(b"garbage\n")


def _dangling_ref(clone: Path) -> None:
    (clone / "refs/reconciler/wanted").write_text("1" * 40 + "\n")


def _emptied(clone: Path) -> None:
    shutil.rmtree(clone)
    clone.mkdir()


BREAKAGES = [
    _no_objects,
    _no_blobs,
    _garbled,
    _bad_head,
    _bad_packed_refs,
    _bad_config,
    _bad_ref,
    _dangling_ref,
    _emptied,
]


@pytest.mark.parametrize("changed", [False, True], ids=["unchanged", "changed"])
@pytest.mark.parametrize("damage", BREAKAGES)
def test_broken_clone_is_built_anew(
    repository: Repository, clone: Path, damage: Callable[[Path], None], *, changed: bool
) -> None:
    """After any damage a restart reads the same as a fresh clone does, and leaves one sound clone."""
    first = _source(repository, clone).fetch(None)
    damage(clone)
    if changed:
        repository.commit({"a.yaml": "new"})
    repaired = _source(repository, clone).fetch(first.revision)
    fresh = local_source(repository.path, clone.parent.parent / "fresh").fetch(first.revision)
    assert repaired == fresh
    assert sorted(path.name for path in clone.parent.iterdir()) == ["attributions", "home", "repository.git"]


def test_truncated_pack_is_built_anew(repository: Repository, clone: Path) -> None:
    """Half a pack file, as a full disk leaves it, is noticed."""
    repository.commit({f"{number}.yaml": f"content {number}" * 50 for number in range(150)})
    first = _source(repository, clone).fetch(None)
    [pack] = (clone / "objects/pack").glob("*.pack")
    pack.chmod(0o600)
    os.truncate(pack, pack.stat().st_size // 2)
    (clone.parent / "attributions").unlink()
    assert _source(repository, clone).fetch(None) == first


def test_source_that_is_running_notices_damage(repository: Repository, clone: Path) -> None:
    """The clone may break between two polls of one source."""
    source = _source(repository, clone)
    first = source.fetch(None)
    _no_objects(clone)
    sha = repository.commit({"a.yaml": "new"})
    assert [commit.sha for commit in source.fetch(first.revision).commits_in_range] == [sha]


def test_broken_remote_is_reported_once_rebuilt(repository: Repository, clone: Path) -> None:
    """Where it is the remote that lacks objects, building anew does not help and the error says so."""
    source = _source(repository, clone)
    source.fetch(None)
    sha = repository.commit({"a.yaml": "new"})
    (repository.path / ".git/objects" / sha[:2] / sha[2:]).unlink()
    with pytest.raises(Transient) as caught:
        source.fetch(None)
    assert caught.value.reason in {"GitFetchFailed", "GitUnreachable"}
    assert clone.is_dir()


@pytest.mark.parametrize(
    "name", ["HEAD.lock", "config.lock", "packed-refs.lock", "shallow.lock", "refs/reconciler/wanted.lock", "gc.pid"]
)
def test_locks_of_a_killed_git_are_removed(repository: Repository, clone: Path, name: str) -> None:
    """A lock left behind does not block for ever, nor cost a new clone."""
    first = _source(repository, clone).fetch(None)
    inode = clone.stat().st_ino
    (clone / name).write_bytes(b"")
    repository.commit({"a.yaml": "new"})
    assert _source(repository, clone).fetch(first.revision).fast_forward is True
    assert not (clone / name).exists()
    assert clone.stat().st_ino == inode


def test_leftovers_of_a_killed_clone_are_removed(repository: Repository, clone: Path) -> None:
    """Half a clone, and half a pack, from before a crash do not stay."""
    half = clone.parent / "making-xyz"
    half.mkdir(parents=True)
    (half / "objects").mkdir()
    _source(repository, clone).fetch(None)
    assert not half.exists()
    pack = clone / "objects/pack/tmp_pack_xyz"
    pack.write_bytes(b"half")
    repository.commit({"a.yaml": "new"})
    _source(repository, clone).fetch(None)
    assert not pack.exists()


@pytest.mark.parametrize("content", [b"", b"garbage", b'sha256:00\n{"format":1}'])
def test_damaged_attributions_are_found_anew(repository: Repository, clone: Path, content: bytes) -> None:
    """The file beside the clone saves time and decides nothing."""
    first = _source(repository, clone).fetch(None)
    (clone.parent / "attributions").write_bytes(content)
    assert _source(repository, clone).fetch(None) == first


def test_folder_that_cannot_be_written_stalls(repository: Repository) -> None:
    """A state directory that cannot be made is for a person to repair."""
    with pytest.raises(Stalled) as caught:
        local_source(repository.path, Path("/proc/nowhere")).fetch(None)
    assert caught.value.reason == "GitCloneUnwritable"


def test_polls_leak_nothing(repository: Repository, clone: Path) -> None:
    """After 200 polls, some with changes, there are as many descriptors, children and threads as before."""
    source = _source(repository, clone)
    snapshot = source.fetch(None)
    before = (descriptors(), children(), threading.active_count())
    for number in range(200):
        if number % 20 == 0:
            repository.commit({"a.yaml": f"poll {number}"})
        snapshot = source.fetch(snapshot.revision)
    assert snapshot.files[0].content == b"poll 180"
    assert (descriptors(), children(), threading.active_count()) == before


def test_failed_polls_leak_nothing(repository: Repository, clone: Path) -> None:
    """Failures close what they opened as well."""
    source = _source(repository, clone)
    source.fetch(None)
    repository.path.rename(repository.path.with_name("gone"))
    before = (descriptors(), children())
    for _ in range(20):
        with pytest.raises(Stalled) as caught:
            source.fetch(None)
        assert caught.value.reason == "GitRepositoryNotFound"
    assert (descriptors(), children()) == before
