"""Which commit is read: branch, tag, range, commit, sub-path."""

from pathlib import Path

import pytest

from reconciler.model.errors import Stalled
from reconciler.model.source import Revision
from reconciler.sources import GitSettings, GitSource, Ref, RefKind
from tests.support.repositories import Repository, digests_of_text, local_source


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Three commits; the first two are tagged, the second with an annotated tag."""
    made = Repository.create(tmp_path / "origin")
    made.commit({"routes/a.yaml": "one"})
    made.git("tag", "v1.0.0")
    made.commit({"routes/a.yaml": "two"})
    made.git("tag", "--annotate", "--message=Second", "v1.1.0")
    made.commit({"routes/a.yaml": "three", "README.md": "hello"})
    return made


def _content(source: GitSource) -> tuple[str, bytes]:
    snapshot = source.fetch(None)
    assert snapshot.revision is not None
    return snapshot.revision.pointer, snapshot.files[0].content


@pytest.mark.parametrize(
    ("ref", "pointer", "content"),
    [
        ("main", "main", b"three"),
        ("branch:main", "main", b"three"),
        ("tag:v1.0.0", "v1.0.0", b"one"),
        ("tag:v1.1.0", "v1.1.0", b"two"),
        ("semver:^1.0", "v1.1.0", b"two"),
        ("semver:<1.1", "v1.0.0", b"one"),
    ],
)
def test_ref_is_followed(repository: Repository, tmp_path: Path, ref: str, pointer: str, content: bytes) -> None:
    """Branches, plain and annotated tags and ranges lead to their commit, and the revision says by which name."""
    assert _content(local_source(repository.path, tmp_path / "state", ref=Ref.parse(ref))) == (pointer, content)


def test_commit_is_read_without_asking_again(repository: Repository, tmp_path: Path) -> None:
    """A pinned commit stays readable once it is here, even with the remote gone."""
    sha = repository.git("rev-parse", "HEAD~1")
    ref = Ref(RefKind.COMMIT, sha)
    assert _content(local_source(repository.path, tmp_path / "state", ref=ref)) == ("commit", b"two")
    repository.path.rename(tmp_path / "gone")
    again = local_source(repository.path, tmp_path / "state", ref=ref)
    assert again.fetch(None).revision == Revision("commit", sha)


def test_commit_is_found_on_a_server_that_hands_out_refs_only(repository: Repository, tmp_path: Path) -> None:
    """Where a commit cannot be asked for by its id, everything is fetched and it is looked for there."""
    repository.git("config", "uploadpack.allowAnySHA1InWant", "false")
    lost = repository.git("commit-tree", "HEAD^{tree}", "-m", "In no branch")
    with pytest.raises(Stalled) as caught:
        local_source(repository.path, tmp_path / "state", ref=Ref.parse("f" * 40)).fetch(None)
    assert caught.value.reason == "GitRefNotFound"
    sha = repository.git("rev-parse", "v1.0.0")
    assert _content(local_source(repository.path, tmp_path / "state", ref=Ref.parse(sha))) == ("commit", b"one")
    assert lost != sha


def test_new_tag_in_the_range_is_picked_up(repository: Repository, tmp_path: Path) -> None:
    """A range moves on when a higher version is tagged."""
    source = local_source(repository.path, tmp_path / "state", ref=Ref.parse("semver:^1"))
    assert _content(source) == ("v1.1.0", b"two")
    repository.git("tag", "v1.2.0")
    assert _content(source) == ("v1.2.0", b"three")


@pytest.mark.parametrize("ref", ["branch:missing", "tag:v9.9.9", "semver:^9"])
def test_missing_ref_stalls(repository: Repository, tmp_path: Path, ref: str) -> None:
    """A ref that is not there is named, with what to do."""
    with pytest.raises(Stalled, match=ref.split(":", maxsplit=1)[1].replace("^", r"\^")) as caught:
        local_source(repository.path, tmp_path / "state", ref=Ref.parse(ref)).fetch(None)
    assert caught.value.reason == "GitRefNotFound"


def test_empty_repository_stalls(tmp_path: Path) -> None:
    """A repository without a commit has no main, and the message says that it may be empty."""
    empty = Repository.create(tmp_path / "origin")
    with pytest.raises(Stalled, match="empty") as caught:
        local_source(empty.path, tmp_path / "state").fetch(None)
    assert caught.value.reason == "GitRefNotFound"


def test_tag_of_a_file_stalls(repository: Repository, tmp_path: Path) -> None:
    """A tag may point at a blob; that is no revision."""
    repository.git("tag", "odd", "HEAD:README.md")
    with pytest.raises(Stalled) as caught:
        local_source(repository.path, tmp_path / "state", ref=Ref.parse("tag:odd")).fetch(None)
    assert caught.value.reason == "GitRefNotFound"


def test_branch_whose_name_ends_alike_is_not_taken(repository: Repository, tmp_path: Path) -> None:
    """Git lists refs by the end of their name; only the exact one counts."""
    repository.git("branch", "refs/heads/prod")
    with pytest.raises(Stalled) as caught:
        local_source(repository.path, tmp_path / "state", ref=Ref.parse("prod")).fetch(None)
    assert caught.value.reason == "GitRefNotFound"


@pytest.mark.parametrize(
    "text", ["", "-x", "a..b", "a b", "a\nb", "branch:", "commit:abc", "semver:main", "tag:a~1", "a.lock", "x@{1}"]
)
def test_ref_that_git_could_misread_is_refused(text: str) -> None:
    """A name that is an option, an expression or no name at all never reaches git."""
    with pytest.raises(Stalled) as caught:
        Ref.parse(text)
    assert caught.value.reason == "GitRefInvalid"


def test_sub_path_limits_what_is_read(repository: Repository, tmp_path: Path) -> None:
    """Only files below the sub-path are input, with paths from the root of the repository."""
    repository.commit({"other/b.yaml": "b", "routes/deep/c.json": "{}"})
    source = local_source(repository.path, tmp_path / "state", sub_path="./routes/")
    assert [file.path for file in source.fetch(None).files] == ["routes/a.yaml", "routes/deep/c.json"]


def test_sub_path_may_be_one_file(repository: Repository, tmp_path: Path) -> None:
    """The sub-path may name a file."""
    source = local_source(repository.path, tmp_path / "state", sub_path="routes/a.yaml")
    assert [file.path for file in source.fetch(None).files] == ["routes/a.yaml"]


def test_missing_sub_path_stalls(repository: Repository, tmp_path: Path) -> None:
    """A sub-path that is not in the commit is named."""
    with pytest.raises(Stalled, match="nowhere") as caught:
        local_source(repository.path, tmp_path / "state", sub_path="nowhere").fetch(None)
    assert caught.value.reason == "GitPathNotFound"


@pytest.mark.parametrize("sub_path", ["../x", "a/../../x", "/etc", "a\nb"])
def test_sub_path_that_leaves_the_repository_is_refused(tmp_path: Path, sub_path: str) -> None:
    """A sub-path is a folder of the repository."""
    with pytest.raises(Stalled) as caught:
        GitSource(
            GitSettings(url=str(tmp_path), clone_dir=tmp_path / "s", allow_local=True, sub_path=sub_path),
            digests_of_text,
        )
    assert caught.value.reason == "GitPathInvalid"
