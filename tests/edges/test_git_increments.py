"""The snapshot of the next commit, made of the last one, is the one that reading everything gives."""

import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.model.errors import Stalled
from reconciler.model.limits import Limits
from reconciler.model.source import Revision, SourceSnapshot
from reconciler.sources import GitSource, Ref
from reconciler.sources.git import source as source_module
from reconciler.sources.git.door import Door
from reconciler.sources.git.whole import read_whole
from tests.support.repositories import Repository, local_source

_LIMITS = Limits(max_file_bytes=200)
_PATHS = ("r/a.yaml", "r/b.yml", "r/deep/c.yaml", "r/deep/.hidden/d.yaml", "r/e.test.yaml", "r/n.txt", "out.yaml")
_TEXTS = ("one", "two\n---\nthree", "three\n---\ntwo\n---\none", "x" * 300, "four")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.create(tmp_path / "origin")


@pytest.fixture
def wholes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commits that are read whole from here on."""
    shas: list[str] = []

    def watched(before: object, revision: Revision, *rest: object) -> object:
        shas.append(revision.sha)
        return read_whole(before, revision, *rest)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(source_module, "read_whole", watched)
    return shas


def _edit(repository: Repository, chance: random.Random) -> None:
    path = chance.choice(_PATHS)
    target = repository.path / path
    target.unlink(missing_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(chance.choice(_TEXTS))


def _remove(repository: Repository, chance: random.Random) -> None:
    (repository.path / chance.choice(_PATHS)).unlink(missing_ok=True)


def _rename(repository: Repository, chance: random.Random) -> None:
    one, other = (repository.path / path for path in chance.sample(_PATHS, 2))
    if one.exists() and not one.is_symlink():
        other.parent.mkdir(parents=True, exist_ok=True)
        one.replace(other)


def _link(repository: Repository, chance: random.Random) -> None:
    path = repository.path / chance.choice(_PATHS)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to("/etc/passwd")


def _folder_for_file(repository: Repository, _chance: random.Random) -> None:
    """A folder with the name of an input file, in the place of one."""
    path = repository.path / "r/b.yml"
    if path.is_dir():
        shutil.rmtree(path)
        path.write_text("two")
    else:
        path.unlink(missing_ok=True)
        path.mkdir(parents=True)
        (path / "in.yaml").write_text("in")


def _submodule(repository: Repository, chance: random.Random) -> None:
    name = chance.choice(("r/sub.yaml", "r/sub.txt"))
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{str(chance.randint(1, 3)) * 40},{name}")
    repository.commit_staged("Submodule")


def _odd_name(repository: Repository, chance: random.Random) -> None:
    name = chance.choice((b"r/bad\xff.yaml", b"r/line\nbreak.yaml", "r/\u00fcber.yaml".encode()))
    folder = bytes(repository.path)
    (repository.path / "r").mkdir(exist_ok=True)
    with open(folder + b"/" + name, "wb") as file:  # noqa: PTH123 - a path that is no text
        file.write(chance.choice(_TEXTS).encode())


_EDITS: Sequence[Callable[[Repository, random.Random], None]] = (
    *(_edit,) * 6,
    _remove,
    _rename,
    _link,
    _folder_for_file,
    _submodule,
    _odd_name,
)


def _commit(repository: Repository, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 3)):
        edit = chance.choice(_EDITS)
        try:
            edit(repository, chance)
        except (IsADirectoryError, NotADirectoryError, FileExistsError):
            continue  # a file is where a folder would have to be, or the other way round
    repository.git("add", "--all", "--force", ".")
    repository.commit_staged(f"Change {chance.random()}")


def _merge(repository: Repository, chance: random.Random) -> None:
    """A branch off an earlier commit, brought back: by a merge, by one made by hand, or from the wrong side."""
    main = repository.head
    base = chance.choice(repository.git("rev-list", "--max-count=4", "HEAD").split())
    repository.git("checkout", "--quiet", "--force", "--detach", base)
    for _ in range(chance.randint(1, 2)):
        _commit(repository, chance)
    side = repository.head
    parents = [main, side] if chance.random() < 0.7 else [side, main]
    tree = f"{chance.choice(parents)}^{{tree}}"
    merge = repository.git("commit-tree", tree, "-p", parents[0], "-p", parents[1], "-m", "Merge")
    repository.git("checkout", "--quiet", "--force", "-B", "main", merge)
    if chance.random() < 0.6:
        _edit(repository, chance) if not (repository.path / "r/b.yml").is_dir() else None
        repository.git("add", "--all", "--force", ".")
        repository.git("commit", "--quiet", "--amend", "--no-edit", "--allow-empty")


def _push(repository: Repository, chance: random.Random) -> None:
    what = chance.random()
    if what < 0.15:
        back = chance.choice(repository.git("rev-list", "--max-count=4", "HEAD").split())
        repository.git("reset", "--quiet", "--hard", back)
    elif what < 0.4:
        _merge(repository, chance)
    else:
        for _ in range(chance.randint(1, 3)):
            _commit(repository, chance)


def _given(source: GitSource, previous: Revision | None) -> SourceSnapshot | str:
    try:
        return source.fetch(previous)
    except Stalled as stalled:
        return stalled.reason


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), sub_path=st.sampled_from(["r", "", "r/deep"]))
def test_step_by_step_gives_what_a_fresh_start_gives(
    tmp_path_factory: pytest.TempPathFactory, seed: int, sub_path: str
) -> None:
    """Edits, deletes, renames, links, submodules, odd names, merges, pushes back: no difference, and it is told."""
    chance = random.Random(seed)
    folder = tmp_path_factory.mktemp("steps")
    repository = Repository.create(folder / "origin")
    repository.commit({"r/a.yaml": "one", "r/b.yml": "two", "r/deep/c.yaml": "three", "out.yaml": "x"})
    chosen = {"sub_path": sub_path, "limits": _LIMITS}
    polled = local_source(repository.path, folder / "state", **chosen)
    last, previous = polled.fetch(None), None
    for number in range(4):
        _push(repository, chance)
        fresh = local_source(repository.path, folder / f"fresh-{number}", **chosen)
        now, expected = _given(polled, previous), _given(fresh, previous)
        assert _comparable(now) == _comparable(expected)
        if isinstance(now, SourceSnapshot) and now.delta is not None and now.delta.since == last.revision:
            assert now.delta.paths == _differences(last, now)
        again = local_source(repository.path, folder / "state", **chosen)
        assert _comparable(_given(again, previous)) == _comparable(expected)  # what is kept on disk is right as well
        if isinstance(now, SourceSnapshot):
            last, previous = now, (now.revision if chance.random() < 0.8 else previous)


def _comparable(given: SourceSnapshot | str) -> SourceSnapshot | str:
    """Of a rewritten history a clone that saw the old one can tell more than a new one."""
    if isinstance(given, str) or given.fast_forward is not False:
        return given
    return replace(given, commits_in_range=())


def _differences(before: SourceSnapshot, after: SourceSnapshot) -> tuple[str, ...]:
    def told(snapshot: SourceSnapshot) -> dict[str, object]:
        files: dict[str, object] = {file.path: file for file in snapshot.files}
        return files | dict(zip(snapshot.unreadable, snapshot.problems, strict=True))

    one, other = told(before), told(after)
    return tuple(sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path)))


def _chosen(repository: Repository, folder: Path, **chosen: object) -> GitSource:
    return local_source(repository.path, folder / "state", **chosen)


def test_plain_commits_and_merges_are_not_read_whole(repository: Repository, tmp_path: Path, wholes: list[str]) -> None:
    """Edits, adds, deletes, several commits at once, a merge, one elsewhere: only what changed is looked at."""
    repository.commit({f"r/{number}.yaml": f"{number}" for number in range(9)} | {"out.txt": "x"})
    source = _chosen(repository, tmp_path, sub_path="r")
    first = source.fetch(None)
    assert wholes == [repository.head]
    edit = repository.commit({"r/3.yaml": "three", "r/new.yaml": "new", "r/5.yaml": None})
    second = source.fetch(first.revision)
    assert second.delta is not None
    assert second.delta.paths == ("r/3.yaml", "r/5.yaml", "r/new.yaml")
    assert [commit.sha for commit in second.commits_in_range] == [edit]
    same = {file.path: file for file in first.files}
    assert all(file is same[file.path] for file in second.files if file.path not in second.delta.paths)
    repository.commit({"out.txt": "y"})
    third = source.fetch(second.revision)
    assert (third.delta.paths if third.delta else None, third.files) == ((), second.files)
    repository.git("checkout", "--quiet", "-b", "side", "HEAD~1")
    side = repository.commit({"r/7.yaml": "seven"})
    repository.git("checkout", "--quiet", "main")
    repository.commit({"r/8.yaml": "eight"})
    repository.git("merge", "--quiet", "--no-ff", "-m", "Merge", "side")
    fourth = source.fetch(third.revision)
    assert fourth.delta is not None
    assert fourth.delta.paths == ("r/7.yaml", "r/8.yaml")
    [seven] = [file for file in fourth.files if file.path == "r/7.yaml"]
    assert [commit.sha for commit in seven.commits] == [side]
    assert len(wholes) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"r/large.yaml": "x" * 300},
        {"r/a.yaml": None, "r/b.yaml": None, "r/more.yaml": None},
        {f"r/{number}.yaml": "n" for number in range(20)},
        {"r/a.yaml": "a" * 199, "r/b.yaml": "b" * 199},
    ],
    ids=["large-file", "folder-gone", "too-many", "too-much"],
)
def test_what_meets_a_limit_is_what_reading_everything_says(
    repository: Repository, tmp_path: Path, wholes: list[str], change: dict[str, str | bytes | None]
) -> None:
    """A large file, a folder that is gone, too many files, too many bytes: the same word as without a short way."""
    repository.commit({"r/a.yaml": "a", "r/b.yaml": "b", "r/more.yaml": "m", "x.txt": "x"})
    chosen = {"sub_path": "r", "limits": Limits(max_files=10, max_file_bytes=200, max_total_bytes=350)}
    source = _chosen(repository, tmp_path, **chosen)
    source.fetch(None)
    repository.commit(change)
    assert _given(source, None) == _given(local_source(repository.path, tmp_path / "fresh", **chosen), None)
    assert wholes[1:2] == [repository.head]


def test_a_sub_path_that_becomes_something_else_is_noticed(repository: Repository, tmp_path: Path) -> None:
    """A file or a link in the place of the folder, and the folder back again: as a fresh start sees it."""
    repository.commit({"r/a.yaml": "a", "x.txt": "x"})
    source = _chosen(repository, tmp_path, sub_path="r")
    source.fetch(None)
    shutil.rmtree(repository.path / "r")
    repository.commit({"r": "content"})
    assert _given(source, None) == _given(local_source(repository.path, tmp_path / "one", sub_path="r"), None)
    (repository.path / "r").unlink()
    (repository.path / "r").symlink_to("/etc")
    repository.commit({})
    assert _given(source, None) == "GitPathNotFound"
    (repository.path / "r").unlink()
    repository.commit({"r/b.yaml": "b"})
    assert _given(source, None) == _given(local_source(repository.path, tmp_path / "two", sub_path="r"), None)


def test_few_git_commands_are_run_per_commit(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One to ask, one to fetch, one for the history, one for the contents; nothing new is one."""
    repository.commit({"r/a.yaml": "a", "r/b.yaml": "b"})
    source = _chosen(repository, tmp_path, sub_path="r")
    revision = source.fetch(None).revision
    verbs: list[str] = []
    stream = Door.stream

    def counted(door: Door, *arguments: str, timeout_s: float, feed: bytes = b"") -> object:
        verbs.append(next(word for word in arguments if not word.startswith("-")))
        return stream(door, *arguments, timeout_s=timeout_s, feed=feed)

    monkeypatch.setattr(Door, "stream", counted)
    repository.commit({"r/b.yaml": "B"})
    assert source.fetch(revision).fast_forward is True
    assert verbs == ["ls-remote", "fetch", "log", "cat-file"]
    verbs.clear()
    source.fetch(revision)
    assert verbs == ["ls-remote"]


def test_tag_that_moves_to_the_same_commit_changes_nothing(
    repository: Repository, tmp_path: Path, wholes: list[str]
) -> None:
    """A new version of the same commit: another revision, the same files."""
    repository.commit({"a.yaml": "a"})
    repository.git("tag", "v1.0.0")
    source = _chosen(repository, tmp_path, ref=Ref.parse("semver:^1"))
    first = source.fetch(None)
    repository.git("tag", "v1.0.1")
    second = source.fetch(first.revision)
    assert (str(second.revision).split("@")[0], second.files, second.fast_forward) == ("v1.0.1", first.files, True)
    assert second.delta is not None
    assert second.delta.paths == ()
    assert len(wholes) == 1


def test_additions_on_disk_survive_a_restart(repository: Repository, tmp_path: Path) -> None:
    """What a commit adds to the attributions is there for the next start; damage costs a walk, not a wrong commit."""
    repository.commit({"a.yaml": "a", "b.yaml": "b"})
    source = _chosen(repository, tmp_path)
    source.fetch(None)
    kept = tmp_path / "state" / "attributions"
    size = kept.stat().st_size
    edit = repository.commit({"b.yaml": "B", "a.yaml": None})
    expected = source.fetch(None)
    assert kept.stat().st_size > size
    assert [commit.sha for commit in expected.files[0].commits] == [edit]
    assert _chosen(repository, tmp_path).fetch(None) == expected
    kept.write_bytes(kept.read_bytes()[:-3])
    assert _chosen(repository, tmp_path).fetch(None) == expected
    assert kept.stat().st_size != size - 3
