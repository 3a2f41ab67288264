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
from reconciler.sources import GitSource
from reconciler.sources.git import source as source_module
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
    read_whole = source_module.read_whole

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
