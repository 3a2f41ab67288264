"""How a revision relates to the one before: new commits, rewritten history, shallow clones."""

from pathlib import Path

import pytest

from reconciler.model.source import Revision, SourceSnapshot
from reconciler.sources import GitSource
from tests.support.repositories import BOB, Repository, local_source


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository.create(tmp_path / "origin")
    for number in range(6):
        made.commit({"a.yaml": f"{number}\n---\nstays"}, f"Change {number}")
    return made


@pytest.fixture
def source(repository: Repository, tmp_path: Path) -> GitSource:
    return local_source(repository.path, tmp_path / "state")


def _shallow(repository: Repository, tmp_path: Path, depth: int) -> GitSource:
    return local_source(repository.path, tmp_path / "shallow", depth=depth)


def _subjects(snapshot: SourceSnapshot) -> list[str]:
    return [commit.subject for commit in snapshot.commits_in_range]


def test_first_fetch_relates_to_nothing(source: GitSource) -> None:
    """Without a previous revision there is neither a range nor a direction."""
    snapshot = source.fetch(None)
    assert (snapshot.commits_in_range, snapshot.fast_forward) == ((), None)


def test_same_commit_is_a_fast_forward_of_nothing(source: GitSource) -> None:
    """A restart that finds what was served finds no new commits."""
    snapshot = source.fetch(source.fetch(None).revision)
    assert (snapshot.commits_in_range, snapshot.fast_forward) == ((), True)


def test_new_commits_are_listed_newest_first(repository: Repository, source: GitSource) -> None:
    """The range holds each commit since, with its author and committer."""
    first = source.fetch(None)
    repository.commit({"b.yaml": "b"}, "Seven", author=BOB)
    repository.commit({"b.yaml": "bb"}, "Eight")
    snapshot = source.fetch(first.revision)
    assert _subjects(snapshot) == ["Eight", "Seven"]
    assert snapshot.fast_forward is True
    assert [str(commit.author) for commit in snapshot.commits_in_range][1] == BOB
    assert snapshot.commits_in_range[0].committer.name == "Cee Committer"


def test_same_question_gets_the_same_object(repository: Repository, source: GitSource) -> None:
    """While nothing changes, neither does the answer; once it has been applied, the range is empty."""
    first = source.fetch(None)
    repository.commit({"b.yaml": "b"})
    second = source.fetch(first.revision)
    assert source.fetch(first.revision) is second
    assert source.fetch(second.revision).commits_in_range == ()


def test_each_commit_of_a_range_names_the_files_it_changed(
    repository: Repository, source: GitSource, tmp_path: Path
) -> None:
    """One after the other while it runs, and with a merge, and by one who just started: the same."""
    first = source.fetch(None)
    repository.commit({"b.yaml": "b", "odd\nname \x01.yaml": "o"}, "Two files")
    repository.commit({"b.yaml": None}, "One goes")
    expected = {"Two files": ("b.yaml", "odd\nname \x01.yaml"), "One goes": ("b.yaml",)}
    assert _paths(source.fetch(first.revision)) == expected
    assert _paths(local_source(repository.path, tmp_path / "restarted").fetch(first.revision)) == expected
    repository.git("checkout", "-q", "-b", "side")
    repository.commit({"side.yaml": "s"}, "Aside")
    repository.git("checkout", "-q", "main")
    repository.commit({"a.yaml": "main"}, "Meanwhile")
    repository.git("merge", "-q", "-m", "Merged", "side")
    merged = {"Merged": (), "Meanwhile": ("a.yaml",), "Aside": ("side.yaml",), **expected}
    assert _paths(source.fetch(first.revision)) == merged


def _paths(snapshot: SourceSnapshot) -> dict[str, tuple[str, ...] | None]:
    return {commit.subject: commit.paths for commit in snapshot.commits_in_range}


def test_range_is_capped(repository: Repository, source: GitSource, tmp_path: Path) -> None:
    """A push of very many commits names the newest 250, and says how many more there are."""
    first = source.fetch(None)
    stream = "".join(
        f"commit refs/heads/main\ncommitter C <c@example.com> {1_800_000_000 + n} +0000\ndata 4\nn{n:03d}\n"
        + (f"from {repository.head}\n" if n == 0 else "")
        for n in range(300)
    )
    repository.git("fast-import", "--quiet", feed=stream.encode())
    snapshot = source.fetch(first.revision)
    assert _subjects(snapshot)[::249] == ["n299", "n050"]
    assert snapshot.commits_omitted == 50
    assert local_source(repository.path, tmp_path / "restarted").fetch(first.revision).commits_omitted == 50


def test_force_push_is_no_fast_forward(repository: Repository, source: GitSource) -> None:
    """A rewritten branch is told apart, and what is new on it listed."""
    first = source.fetch(None)
    repository.git("reset", "--hard", "HEAD~2")
    repository.commit({"a.yaml": "rewritten"}, "Rewritten")
    snapshot = source.fetch(first.revision)
    assert snapshot.fast_forward is False
    assert _subjects(snapshot) == ["Rewritten"]
    assert snapshot.files[0].content == b"rewritten"


def test_going_back_is_no_fast_forward(repository: Repository, source: GitSource) -> None:
    """A branch reset to an older commit has no new commits and is no fast-forward."""
    first = source.fetch(None)
    repository.git("reset", "--hard", "HEAD~2")
    snapshot = source.fetch(first.revision)
    assert (snapshot.commits_in_range, snapshot.fast_forward) == ((), False)


def test_commit_that_is_gone_is_no_fast_forward(source: GitSource) -> None:
    """A previous commit nobody knows any more counts as rewritten."""
    snapshot = source.fetch(Revision("main", "1" * 40))
    assert (snapshot.commits_in_range, snapshot.fast_forward) == ((), False)


def test_shallow_clone_marks_the_oldest_commit(repository: Repository, tmp_path: Path) -> None:
    """What is older than the clone is attributed to its oldest commit, and that is said."""
    [file] = _shallow(repository, tmp_path, 2).fetch(None).files
    assert [(commit.subject, commit.oldest_known) for commit in file.commits] == [
        ("Change 5", False),
        ("Change 4", True),
    ]


def test_shallow_clone_follows_new_commits(repository: Repository, tmp_path: Path) -> None:
    """Later commits are added to a shallow clone without losing the thread."""
    source = _shallow(repository, tmp_path, 1)
    first = source.fetch(None)
    for number in range(3):
        repository.commit({"b.yaml": str(number)}, f"Later {number}")
    snapshot = source.fetch(first.revision)
    assert snapshot.fast_forward is True
    assert _subjects(snapshot) == ["Later 2", "Later 1", "Later 0"]


def test_shallow_clone_looks_deeper_before_it_calls_history_rewritten(repository: Repository, tmp_path: Path) -> None:
    """A fresh shallow clone that lacks the previous commit fetches the rest and finds it."""
    old = Revision("main", repository.git("rev-parse", "HEAD~4"))
    snapshot = _shallow(repository, tmp_path, 1).fetch(old)
    assert snapshot.fast_forward is True
    assert len(snapshot.commits_in_range) == 4


def test_change_outside_the_sub_path_changes_no_file(repository: Repository, tmp_path: Path) -> None:
    """A docs-only commit gives a new revision with the same files, attributed as before."""
    repository.commit({"routes/r.yaml": "r"})
    source = local_source(repository.path, tmp_path / "sub", sub_path="routes")
    first = source.fetch(None)
    repository.commit({"README.md": "hello"})
    second = source.fetch(first.revision)
    assert second.revision != first.revision
    assert second.files == first.files
