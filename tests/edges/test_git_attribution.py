"""Which commit last changed each document."""

import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.model.source import SourceSnapshot
from reconciler.sources import GitSettings, GitSource
from tests.support.repositories import Repository, digests_of_text, local_source


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.create(tmp_path / "origin")


def _documents(*texts: str) -> str:
    return "\n---\n".join(texts) + "\n"


def _shas(snapshot: SourceSnapshot, path: str = "a.yaml") -> list[str]:
    [file] = [file for file in snapshot.files if file.path == path]
    return [commit.sha for commit in file.commits]


def test_each_document_has_its_own_commit(repository: Repository, tmp_path: Path) -> None:
    """Changing, adding and moving documents names the commits that did it, and leaves the others alone."""
    first = repository.commit({"a.yaml": _documents("one", "two", "three")})
    second = repository.commit({"a.yaml": _documents("one", "TWO", "three")})
    third = repository.commit({"a.yaml": _documents("three", "four", "TWO", "one")})
    repository.commit({"b.yaml": "b", "docs.md": "d"})
    snapshot = local_source(repository.path, tmp_path / "state").fetch(None)
    assert _shas(snapshot) == [first, third, second, first]


def test_merge_names_the_commit_of_the_branch(repository: Repository, tmp_path: Path) -> None:
    """A change that came by a merge is the branch's; what the merge itself changed is the merge's."""
    base = repository.commit({"a.yaml": _documents("one", "2", "2", "2", "2", "three")})
    repository.git("checkout", "--quiet", "-b", "side")
    side = repository.commit({"a.yaml": _documents("ONE", "2", "2", "2", "2", "three"), "evil.yaml": "good"})
    repository.git("checkout", "--quiet", "main")
    main = repository.commit({"a.yaml": _documents("one", "2", "2", "2", "2", "THREE")})
    repository.git("merge", "--quiet", "--no-commit", "side")
    merge = repository.commit({"evil.yaml": "evil"}, "Merge side")
    snapshot = local_source(repository.path, tmp_path / "state").fetch(None)
    assert _shas(snapshot) == [side, base, base, base, base, main]
    assert _shas(snapshot, "evil.yaml") == [merge]


def test_document_that_came_back_belongs_to_who_brought_it(repository: Repository, tmp_path: Path) -> None:
    """A revert is a change, also where the content is that of long ago; polled or not makes no difference."""
    repository.commit({"a.yaml": "old"})
    source = local_source(repository.path, tmp_path / "state")
    source.fetch(None)
    repository.commit({"a.yaml": "new"})
    revert = repository.commit({"a.yaml": "old"})
    assert _shas(source.fetch(None)) == [revert]
    assert _shas(local_source(repository.path, tmp_path / "cold").fetch(None)) == [revert]


def test_link_or_large_file_turned_into_a_document_is_new(repository: Repository, tmp_path: Path) -> None:
    """What was not readable before holds no documents."""
    (repository.path / "a.yaml").symlink_to("content")
    repository.commit({})
    (repository.path / "a.yaml").unlink()
    sha = repository.commit({"a.yaml": "content"})
    assert _shas(local_source(repository.path, tmp_path / "state").fetch(None)) == [sha]


def test_restart_walks_no_history(repository: Repository, tmp_path: Path) -> None:
    """After a restart only the files of the newest commits are digested again."""
    for number in range(5):
        repository.commit({"a.yaml": f"{number}", f"{number}.yaml": "x"})
    local_source(repository.path, tmp_path / "state").fetch(None)
    sha = repository.commit({"new.yaml": "new"})
    digested: list[bytes] = []

    def watched(content: bytes) -> Sequence[str]:
        digested.append(content)
        return digests_of_text(content)

    again = GitSource(GitSettings(str(repository.path), tmp_path / "state", allow_local=True), watched)
    assert _shas(again.fetch(None), "new.yaml") == [sha]
    assert digested[1:] == [b"new"]  # the first is how a changed way of digesting is noticed


def test_other_way_of_digesting_discards_what_was_kept(repository: Repository, tmp_path: Path) -> None:
    """Digests of an earlier release are not compared with those of this one."""
    first = repository.commit({"a.yaml": "a"})
    repository.commit({"a.yaml": "A"})
    local_source(repository.path, tmp_path / "state").fetch(None)
    blind_to_case = GitSource(
        GitSettings(str(repository.path), tmp_path / "state", allow_local=True),
        lambda content: digests_of_text(content.lower()),
    )
    assert _shas(blind_to_case.fetch(None)) == [first]


TEXTS = ("one", "two", "three", "four", "five")
PATHS = ("r/a.yaml", "r/b.yaml", "r/deep/c.yaml", "r/skipped.txt", "outside.yaml")


def _change(chance: random.Random) -> dict[str, str | bytes | None]:
    """A few files with a few documents each."""
    return {
        path: _documents(*chance.choices(TEXTS, k=chance.randint(1, 4)))
        for path in chance.sample(PATHS, chance.randint(1, 3))
    }


def _grow(repository: Repository, chance: random.Random, steps: int) -> None:
    """Commits, branches and merges at random; merges are made by hand, so that some of them are evil."""
    heads = [repository.head]
    for _ in range(steps):
        repository.git("checkout", "--quiet", "--detach", chance.choice(heads[-3:]))
        other = chance.choice(heads[-3:])
        if chance.random() < 0.4 and other != repository.head:
            repository.git("read-tree", "--reset", "-u", chance.choice([repository.head, other]))
            tree = repository.git("write-tree")
            parents = chance.sample([repository.head, other], 2)
            merge = repository.git("commit-tree", tree, "-p", parents[0], "-p", parents[1], "-m", "Merge")
            repository.git("checkout", "--quiet", "--detach", "--force", merge)
            if chance.random() < 0.5:
                for path, content in _change(chance).items():
                    (repository.path / path).parent.mkdir(parents=True, exist_ok=True)
                    (repository.path / path).write_bytes(str(content).encode())
                repository.git("add", "--all", ".")
                repository.git("commit", "--quiet", "--amend", "--no-edit", "--allow-empty")
        else:
            change = _change(chance)
            existing = [path for path in PATHS if (repository.path / path).exists() and path not in change]
            gone: dict[str, str | bytes | None] = dict.fromkeys(chance.sample(existing, min(len(existing), 1)))
            repository.commit(change | (gone if chance.random() < 0.3 else {}))
        heads.append(repository.head)
    repository.git("branch", "--force", "main", heads[-1])


def _origin(repository: Repository, commit: str, path: str, digest: str, sub_path: str) -> str:
    """The obvious way: follow a document from parent to parent, one git command at a time."""

    @cache
    def folder(sha: str) -> str:
        return repository.git("ls-tree", sha, "--", sub_path) if sub_path else repository.git("ls-tree", sha)

    @cache
    def held(sha: str) -> frozenset[str]:
        listed = repository.git("ls-tree", sha, "--", path)
        return frozenset(
            digests_of_text(repository.git("cat-file", "blob", listed.split()[2]).encode()) if listed else ()
        )

    while True:
        parents = repository.git("show", "--no-patch", "--format=%P", commit).split()
        same = [parent for parent in parents if folder(parent) == folder(commit)]
        follow = same or [parent for parent in parents if digest in held(parent)]
        if not follow:
            return commit
        commit = follow[0]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 9), sub_path=st.sampled_from(["r", ""]))
def test_attribution_equals_the_obvious_way(
    tmp_path_factory: pytest.TempPathFactory, seed: int, steps: int, sub_path: str
) -> None:
    """Over any history with merges, polled in between or cold, each document's commit is the one found by hand."""
    chance = random.Random(seed)
    folder = tmp_path_factory.mktemp("history")
    repository = Repository.create(folder / "origin")
    repository.commit({"r/a.yaml": _documents("one"), "r/b.yaml": _documents("two", "three")})
    polled = local_source(repository.path, folder / "state", sub_path=sub_path)
    polled.fetch(None)
    for part in (steps // 2, steps - steps // 2):
        repository.git("checkout", "--quiet", "--detach", "main")
        _grow(repository, chance, part)
        warm = polled.fetch(None)
        cold = local_source(repository.path, folder / f"cold-{part}-{repository.commits}", sub_path=sub_path).fetch(
            None
        )
        assert warm == cold
    assert cold.commit is not None
    for file in cold.files:
        expected = [
            _origin(repository, cold.commit.sha, file.path, digest, sub_path)
            for digest in digests_of_text(file.content)
        ]
        assert [commit.sha for commit in file.commits] == expected
