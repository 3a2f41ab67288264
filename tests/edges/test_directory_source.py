"""A folder read as it is on disk."""

import gc
import os
from pathlib import Path

import pytest

from reconciler.model.digest import digest_bytes
from reconciler.model.errors import Stalled
from reconciler.model.limits import Limits
from reconciler.model.problem import Code, Severity
from reconciler.sources import DirectorySource, Source
from tests.support.processes import descriptors


def _write(folder: Path, *names: str, content: bytes = b"x") -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def test_input_files_are_read_in_order(tmp_path: Path) -> None:
    """The same names count as in a repository; there is no revision and no history."""
    _write(tmp_path, "b.yml", "a/z.yaml", "a.json", "x.test.yaml", ".hidden.yaml", ".git/config.yaml", "n.txt")
    source: Source = DirectorySource(tmp_path)
    snapshot = source.fetch(None)
    source.close()
    assert [file.path for file in snapshot.files] == ["a.json", "a/z.yaml", "b.yml"]
    assert (snapshot.revision, snapshot.commit, snapshot.problems) == (None, None, ())
    assert snapshot.files[0].blob == digest_bytes(b"x")
    assert snapshot.files[0].commits == ()


def test_single_file_is_read(tmp_path: Path) -> None:
    """The path may be one file, whose path is its name."""
    _write(tmp_path, "a.yaml", "b.yaml")
    assert [file.path for file in DirectorySource(tmp_path / "a.yaml").fetch(None).files] == ["a.yaml"]


def test_links_are_never_followed(tmp_path: Path) -> None:
    """Links to files are reported, links to folders are no folders; a link as the root is the user's own word."""
    _write(tmp_path / "real", "a.yaml")
    (tmp_path / "real" / "passwd.yaml").symlink_to("/etc/passwd")
    (tmp_path / "real" / "etc").symlink_to("/etc")
    (tmp_path / "real" / "loop").symlink_to(".")
    (tmp_path / "root").symlink_to("real")
    snapshot = DirectorySource(tmp_path / "root").fetch(None)
    assert [file.path for file in snapshot.files] == ["a.yaml"]
    assert snapshot.unreadable == ("passwd.yaml",)
    [problem] = snapshot.problems
    assert (problem.code, problem.severity) == (Code.NOT_A_REGULAR_FILE, Severity.ERROR)


def test_pipe_does_not_block(tmp_path: Path) -> None:
    """A named pipe with the name of an input file is reported and not opened."""
    os.mkfifo(tmp_path / "pipe.yaml")
    snapshot = DirectorySource(tmp_path).fetch(None)
    assert snapshot.unreadable == ("pipe.yaml",)
    assert "named pipe" in str(snapshot.problems[0])


def test_bad_names_are_refused_and_escaped(tmp_path: Path) -> None:
    """Names with control characters or bytes that are not UTF-8 are not read."""
    for name in (b"a\nforged.yaml", b"caf\xe9.yaml"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(b"x")
    snapshot = DirectorySource(tmp_path).fetch(None)
    assert snapshot.files == ()
    assert snapshot.unreadable == ("a\\nforged.yaml", "caf\\udce9.yaml")


def test_limits_hold(tmp_path: Path) -> None:
    """A large file is refused alone; too many files, too many bytes or folders too deep refuse all."""
    _write(tmp_path, "a.yaml", "b.yaml")
    _write(tmp_path, "large.yaml", content=b"123456")
    snapshot = DirectorySource(tmp_path, Limits(max_file_bytes=5)).fetch(None)
    assert [file.path for file in snapshot.files] == ["a.yaml", "b.yaml"]
    assert snapshot.problems[0].code is Code.FILE_TOO_LARGE
    deep = tmp_path / "deep"
    _write(tmp_path, "deep" + "/d" * 70 + "/a.yaml")
    for limits, reason in [
        (Limits(max_files=2), "TooManyFiles"),
        (Limits(max_total_bytes=7), "SourceTooLarge"),
        (Limits(), "FoldersTooDeep"),
    ]:
        with pytest.raises(Stalled) as caught:
            DirectorySource(deep if reason == "FoldersTooDeep" else tmp_path, limits).fetch(None)
        assert caught.value.reason == reason


def test_missing_path_stalls(tmp_path: Path) -> None:
    """A path that is not there is named."""
    with pytest.raises(Stalled, match="nowhere") as caught:
        DirectorySource(tmp_path / "nowhere").fetch(None)
    assert caught.value.reason == "PathNotFound"


def test_reading_leaks_nothing(tmp_path: Path) -> None:
    """Folders and files are closed, also when a limit ends the walk."""
    _write(tmp_path, *(f"f{number}/a.yaml" for number in range(20)))
    gc.collect()  # what earlier tests left is none of ours
    before = descriptors()
    for _ in range(20):
        DirectorySource(tmp_path).fetch(None)
        with pytest.raises(Stalled):
            DirectorySource(tmp_path, Limits(max_files=5)).fetch(None)
    assert descriptors() == before
