"""What a commit may hold: only regular files with honest names and sizes are read, and nothing is run."""

from pathlib import Path

import pytest

from reconciler.model.errors import Stalled
from reconciler.model.limits import Limits
from reconciler.model.problem import Code, Severity
from reconciler.model.source import SourceSnapshot
from tests.support.repositories import Repository, local_source

FILE, LINK, SUBMODULE, FOLDER = b"100644", b"120000", b"160000", b"40000"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.create(tmp_path / "origin")


def _fetch(repository: Repository, **settings: object) -> SourceSnapshot:
    return local_source(repository.path, repository.path.parent / "state", **settings).fetch(None)


def _entry(mode: bytes, name: bytes, sha: bytes) -> bytes:
    """One entry of a raw tree object."""
    return mode + b" " + name + b"\0" + sha


def _folder(repository: Repository, *entries: bytes) -> bytes:
    """Store a raw tree and return its id as a tree holds it."""
    listing = b"".join(entries)
    return bytes.fromhex(repository.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", feed=listing))


def test_only_input_files_are_read(repository: Repository) -> None:
    """YAML and JSON files are read in order; route tests, hidden files and folders, and all else are not."""
    names = ["b.yml", "a/z.yaml", "a.json", "x.test.yaml", "x.test.yml", ".hidden.yaml", ".github/w.yaml", "n.txt"]
    repository.commit(dict.fromkeys(names, "x"))
    snapshot = _fetch(repository)
    assert [file.path for file in snapshot.files] == ["a.json", "a/z.yaml", "b.yml"]
    assert snapshot.problems == ()


def test_symbolic_links_are_never_followed(repository: Repository) -> None:
    """A link to /etc/passwd, or a linked folder, gives none of what it points at; the link is reported."""
    repository.commit({"a.yaml": "a"})
    (repository.path / "passwd.yaml").symlink_to("/etc/passwd")
    (repository.path / "etc").symlink_to("/etc")
    repository.commit({})
    snapshot = _fetch(repository)
    assert [file.path for file in snapshot.files] == ["a.yaml"]
    assert snapshot.unreadable == ("passwd.yaml",)
    [problem] = snapshot.problems
    assert (problem.code, problem.severity) == (Code.NOT_A_REGULAR_FILE, Severity.ERROR)
    assert "symbolic link" in str(problem)


def test_sub_path_through_a_link_is_not_there(repository: Repository) -> None:
    """A sub-path that is a link, or leads through one, is no folder of the commit."""
    (repository.path / "etc").symlink_to("/etc")
    repository.commit({"a.yaml": "a"})
    for sub_path in ("etc", "etc/ssl"):
        with pytest.raises(Stalled) as caught:
            _fetch(repository, sub_path=sub_path)
        assert caught.value.reason == "GitPathNotFound"


def test_submodule_is_not_fetched(repository: Repository) -> None:
    """A submodule named like an input file is reported, and its URL is never used."""
    repository.commit({"a.yaml": "a", ".gitmodules": '[submodule "x"]\n\tpath = x.yaml\n\turl = ext::touch owned\n'})
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},x.yaml")
    repository.commit_staged()
    snapshot = _fetch(repository)
    assert [file.path for file in snapshot.files] == ["a.yaml"]
    assert "submodule" in str(snapshot.problems[0])


@pytest.mark.parametrize("name", [b"..", b".git", b".GIT", b"."])
def test_crafted_folder_names_do_not_lead_elsewhere(repository: Repository, name: bytes) -> None:
    """Trees can be crafted to hold names no work tree can; files below those are refused."""
    good = repository.blob(b"good")
    trap = _folder(repository, _entry(FILE, b"x.yaml", repository.blob(b"evil")))
    repository.commit_tree(_entry(FOLDER, name, trap) + _entry(FILE, b"a.yaml", good))
    snapshot = _fetch(repository)
    assert [file.content for file in snapshot.files] == [b"good"]
    assert snapshot.unreadable == (f"{name.decode()}/x.yaml",)
    assert [path.name for path in repository.path.parent.rglob("x.yaml")] == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"caf\xe9.yaml", "caf\\xe9.yaml"),
        (b"a\nforged: line.yaml", "a\\nforged: line.yaml"),
        (b"\x1b[31m.yaml", "\\x1b[31m.yaml"),
        ("txt.\u202elmay.yaml".encode(), "txt.\\u202elmay.yaml"),
        (b"../../etc/x.yaml", "../../etc/x.yaml"),
        (b"/etc/x.yaml", "/etc/x.yaml"),
    ],
)
def test_paths_that_cannot_be_trusted_are_refused(repository: Repository, name: bytes, shown: str) -> None:
    """Paths that are not UTF-8, hold control characters or climb are refused and printed escaped."""
    good, evil = repository.blob(b"good"), repository.blob(b"evil")
    repository.commit_tree(b"".join(sorted([_entry(FILE, b"a.yaml", good), _entry(FILE, name, evil)])))
    snapshot = _fetch(repository)
    assert [file.content for file in snapshot.files] == [b"good"]
    assert snapshot.unreadable == (shown,)
    assert shown in str(snapshot.problems[0])


def test_malformed_objects_are_not_taken_in(repository: Repository, tmp_path: Path) -> None:
    """A tree that names one entry twice is caught on the way in, and nothing of it is kept."""
    blob = repository.blob(b"x")
    repository.commit_tree(_entry(FILE, b"a.yaml", blob) * 2)
    with pytest.raises(Stalled) as caught:
        _fetch(repository)
    assert caught.value.reason == "GitObjectRejected"
    assert not (tmp_path / "state" / "repository.git").exists()


def test_hooks_and_settings_of_a_repository_do_not_run(repository: Repository, tmp_path: Path) -> None:
    """Hooks, a file system monitor and filters of a malicious repository leave no trace."""
    repository.commit({"a.yaml": "a", ".gitattributes": "* filter=evil\n"})
    owned = tmp_path / "owned"
    for hook in ("post-checkout", "post-merge", "reference-transaction", "pre-auto-gc", "post-upload-pack"):
        path = repository.path / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {owned}\n")
        path.chmod(0o755)
    for key in ("core.fsmonitor", "filter.evil.smudge", "core.sshCommand", "uploadpack.packObjectsHook"):
        repository.git("config", key, f"touch {owned}; cat")
    assert _fetch(repository).files
    assert not owned.exists()
    assert not list((tmp_path / "state").rglob("hooks"))


def test_clone_has_no_work_tree(repository: Repository, tmp_path: Path) -> None:
    """Nothing of the repository is ever written out as a file."""
    repository.commit({"a.yaml": "a"})
    _fetch(repository)
    assert list((tmp_path / "state").rglob("*.yaml")) == []


def test_large_file_is_refused_alone_and_never_read(repository: Repository) -> None:
    """A 50 MB file is known by its size; the others are read."""
    repository.commit({"a.yaml": "a", "large.yaml": b"\0" * 50_000_000})
    snapshot = _fetch(repository)
    assert [file.path for file in snapshot.files] == ["a.yaml"]
    assert snapshot.unreadable == ("large.yaml",)
    [problem] = snapshot.problems
    assert (problem.code, problem.severity, problem.got) == (Code.FILE_TOO_LARGE, Severity.ERROR, "50000000 bytes")


def test_file_of_exactly_the_limit_is_read(repository: Repository) -> None:
    """The limit itself is allowed, one byte more is not."""
    repository.commit({"fits.yaml": "12345", "over.yaml": "123456"})
    snapshot = _fetch(repository, limits=Limits(max_file_bytes=5))
    assert [file.path for file in snapshot.files] == ["fits.yaml"]


def test_too_many_files_stall_before_they_are_listed(repository: Repository) -> None:
    """A tree of 10^12 files, 100 folders deep in each other six times, ends at the limit and at once."""
    level = _folder(repository, *(_entry(FILE, b"%02d.yaml" % n, repository.blob(b"x")) for n in range(1)))
    for _ in range(6):
        level = _folder(repository, *(_entry(FOLDER, b"%02d" % n, level) for n in range(100)))
    repository.commit_tree(_entry(FOLDER, b"many", level))
    with pytest.raises(Stalled, match="more than 2000 input files") as caught:
        _fetch(repository, limits=Limits(max_files=2_000))
    assert caught.value.reason == "TooManyFiles"


def test_too_much_content_stalls(repository: Repository) -> None:
    """The sum of the sizes is limited as well."""
    repository.commit({f"{n}.yaml": "1234567890" for n in range(3)})
    assert len(_fetch(repository, limits=Limits(max_total_bytes=30)).files) == 3
    with pytest.raises(Stalled) as caught:
        _fetch(repository, limits=Limits(max_total_bytes=29))
    assert caught.value.reason == "SourceTooLarge"


def test_commit_text_is_cleaned(repository: Repository) -> None:
    """Names, subjects and trailers from a commit cannot forge lines or colours, and are of bounded length."""
    message = "Sub\x1b[31mject\x07 " + "x" * 500 + "\n\nBody\n\nTeam: routing\x1b[0m\nReviewed-by: Bob\n"
    repository.commit({"a.yaml": "a"}, message, author="Eve\x1b]0;owned\x07 <eve@example.com>")
    commit = _fetch(repository).commit
    assert commit is not None
    assert commit.subject.startswith("Sub [31mject xxx")
    assert len(commit.subject) == 200
    assert commit.trailers == (("Team", "routing [0m"), ("Reviewed-by", "Bob"))
    assert commit.author.name.isprintable()
    assert commit.authored_at.utcoffset() is not None
