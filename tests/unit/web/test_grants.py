"""The access file: what it says, and that nobody comes in by one that can't be trusted."""

import os
from pathlib import Path

import pytest
import yaml

from reconciler.model.errors import Stalled
from reconciler.web.access import EVERYTHING, Scope, digest_of
from reconciler.web.grants import AccessFile

GOOD = f"""\
tokens:
  - {{sha256: {digest_of("t")}, name: ann, namespaces: ["*"]}}
users: {{bob: [shop]}}
groups: {{ops: "*"}}
"""


def access_file(path: Path, text: str = GOOD, mode: int = 0o600) -> Path:
    """An access file with this text."""
    path.write_text(text)
    path.chmod(mode)
    return path


def test_it_says_who_may_see_what(tmp_path: Path) -> None:
    """Tokens, users and groups, each with namespaces or all of them."""
    grants = AccessFile(access_file(tmp_path / "access.yaml")).grants()
    assert [(token.name, token.scope) for token in grants.tokens] == [("ann", EVERYTHING)]
    assert (grants.users, grants.groups) == ({"bob": Scope.of(["shop"])}, {"ops": EVERYTHING})


def test_it_is_read_again_when_it_changes(tmp_path: Path) -> None:
    """A token that is taken back is gone with the next request, also by a file that was put in its place."""
    path = access_file(tmp_path / "access.yaml")
    found = AccessFile(path)
    access_file(tmp_path / "new.yaml", "tokens: []").rename(path)
    assert found.grants().tokens == ()


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o620, 0o666])
def test_others_may_neither_read_nor_write_it(tmp_path: Path, mode: int) -> None:
    """A group may read it: that is how Secrets come into a Pod."""
    access_file(tmp_path / "access.yaml", mode=0o440)
    AccessFile(tmp_path / "access.yaml").grants()
    (tmp_path / "access.yaml").chmod(mode)
    with pytest.raises(Stalled, match="others may"):
        AccessFile(tmp_path / "access.yaml").grants()


def test_a_file_that_can_not_be_used_any_more_lets_nobody_in(tmp_path: Path) -> None:
    """It fails closed, and comes back by itself."""
    path = access_file(tmp_path / "access.yaml")
    found = AccessFile(path)
    access_file(path, "tokens: {")
    with pytest.raises(Stalled, match="no YAML"):
        found.grants()
    path.unlink()
    with pytest.raises(Stalled, match="No such file"):
        found.grants()
    assert access_file(path)
    assert len(found.grants().tokens) == 1


def test_a_broken_file_is_read_once_and_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks without a token must not have it parsed again and again; once mended, it is told, too."""
    path, told, readings = access_file(tmp_path / "access.yaml", "tokens: {"), list[str](), list[int]()
    load = yaml.safe_load

    def counted(content: bytes) -> object:
        readings.append(1)
        return load(content)

    monkeypatch.setattr(yaml, "safe_load", counted)
    found = AccessFile(path, told.append)
    for _ in range(5):
        assert "no YAML" in found.trouble()
    assert len(readings) == len(told) == 1
    access_file(path)
    assert [len(found.grants().tokens) for _ in range(5)] == [1] * 5
    assert (len(readings), told[1:]) == (2, [""])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "expected tokens, users and groups"),
        ("tokens: {}\nuser: {}", "nothing else"),
        ("tokens: x", "expected a list"),
        ("tokens: [x]", "expected sha256, name and namespaces"),
        (GOOD.replace(digest_of("t"), "SECRET-token"), "expected 64 digits"),
        (GOOD.replace("ann", "''"), "name: expected a text"),
        (GOOD.replace('"*"]', '"a/b"]'), "names of namespaces"),
        (GOOD.replace("[shop]", "[1]"), "users.bob"),
        ("groups: [x]", "expected names"),
        ("groups: {1: [x]}", "expected names"),
        ("a: &a [*a]", "tokens"),
        ("- " * 5000, "YAML"),
        ("x" * (256 * 1024 + 1), "larger"),
    ],
)
def test_what_is_wrong_is_said_without_quoting(tmp_path: Path, text: str, words: str) -> None:
    """Somebody may have written a token where its hash belongs."""
    with pytest.raises(Stalled) as caught:
        AccessFile(access_file(tmp_path / "access.yaml", text)).grants()
    assert words in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    """One that never ends would never let anybody in."""
    os.mkfifo(tmp_path / "fifo", 0o600)
    (tmp_path / "directory").mkdir(mode=0o700)
    for name in ("fifo", "directory"):
        with pytest.raises(Stalled):
            AccessFile(tmp_path / name).grants()
