"""What git's complaints are taken to mean."""

import errno

import pytest

from reconciler.model.errors import Stalled, Transient
from reconciler.sources import BasicAuth
from reconciler.sources.git.door import GitFailure
from reconciler.sources.git.failures import explain, explain_os, sanitised
from reconciler.sources.git.remote import Remote, Transport

REMOTE = Remote(Transport.HTTPS, "https://h/x", "https://h/x", "https://h", BasicAuth("p@ss/word", "ann"))


@pytest.mark.parametrize(
    ("stderr", "error", "reason"),
    [
        ("error: file write error: No space left on device\nfatal: unable to write", Transient, "DiskFull"),
        ("fatal: write error: Disk quota exceeded", Transient, "DiskFull"),
        ("Host key verification failed.\nfatal: Could not read from remote repository.", Stalled, "GitHostKeyMismatch"),
        ("git@h: Permission denied (publickey).", Stalled, "GitAuthenticationFailed"),
        ("fatal: Authentication failed for 'https://h/x/'", Stalled, "GitAuthenticationFailed"),
        (
            "fatal: could not read Username for 'https://h': terminal prompts disabled",
            Stalled,
            "GitAuthenticationFailed",
        ),
        ("The requested URL returned error: 403", Stalled, "GitAuthenticationFailed"),
        ("remote: Repository not found.\nfatal: repository 'https://h/x/' not found", Stalled, "GitRepositoryNotFound"),
        ("fatal: couldn't find remote ref refs/heads/x", Stalled, "GitRefNotFound"),
        ("fatal: transport 'ext' not allowed", Stalled, "GitUrlRefused"),
        ("ssh: Could not resolve hostname h: Name or service not known", Transient, "GitUnreachable"),
        ("Failed to connect to h port 443 after 0 ms: Couldn't connect to server", Transient, "GitUnreachable"),
        ("fatal: early EOF\nfatal: fetch-pack: invalid index-pack output", Transient, "GitUnreachable"),
        ("The requested URL returned error: 502", Transient, "GitUnreachable"),
        ("fatal: something new", Transient, "GitFetchFailed"),
        ("", Transient, "GitFetchFailed"),
    ],
)
def test_complaint_becomes_an_error(stderr: str, error: type[Exception], reason: str) -> None:
    """The kind of error says whether a person must act, the reason says about what."""
    explained = explain(GitFailure("fetch", 128, stderr), REMOTE)
    assert type(explained) is error
    assert explained.reason == reason
    assert "https://h/x" in explained.message


@pytest.mark.parametrize(
    ("number", "error", "reason"),
    [
        (errno.ENOSPC, Transient, "DiskFull"),
        (errno.EDQUOT, Transient, "DiskFull"),
        (errno.EMFILE, Transient, "GitFetchFailed"),
        (errno.EROFS, Stalled, "GitCloneUnwritable"),
    ],
)
def test_disk_trouble_becomes_an_error(number: int, error: type[Exception], reason: str) -> None:
    """A full disk passes, a read-only one does not."""
    explained = explain_os(OSError(number, "words", "/state/x"), REMOTE)
    assert (type(explained), explained.reason) == (error, reason)


def test_words_of_git_are_sanitised() -> None:
    """Passwords in any encoding, user infos, hints, colours and excess are gone."""
    said = (
        "hint: try harder\nfatal: p@ss/word p%40ss%2Fword p%40ss/word YW5uOnBAc3Mvd29yZA== "
        "at https://bob:other@h/x\x1b[31m\n" + "x" * 900
    )
    words = sanitised(said, REMOTE)
    assert "ss/word" not in words
    assert "ss%2Fword" not in words
    assert "YW5u" not in words
    assert "bob" not in words
    assert "hint" not in words
    assert words.isprintable()
    assert len(words) <= 300
