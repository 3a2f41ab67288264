"""What git's complaints mean: which of the two errors, with which reason, in words that hold no secret.

Git has no error codes, so its English text is all there is (``LC_ALL=C`` is set). The table is tried from
the top; the first match wins, so that causes come before their consequences.
"""

import base64
import errno
import re
from dataclasses import dataclass
from urllib.parse import quote

from reconciler.model.errors import Stalled, Transient
from reconciler.sources.git.door import GitFailure
from reconciler.sources.git.remote import Remote

_MAX_WORDS = 300


@dataclass(frozen=True, slots=True)
class _Meaning:
    pattern: re.Pattern[str]
    error: type[Stalled] | type[Transient]
    reason: str
    sentence: str
    hint: str = ""


def _means(
    pattern: str, error: type[Stalled] | type[Transient], reason: str, sentence: str, hint: str = ""
) -> _Meaning:
    return _Meaning(re.compile(pattern, re.IGNORECASE), error, reason, sentence, hint)


_MEANINGS = (
    _means(
        r"no space left on device|disk quota exceeded", Transient, "DiskFull", "the disk is full", "free some space"
    ),
    _means(
        r"host key verification failed|remote host identification has changed|no \S+ host key is known",
        Stalled,
        "GitHostKeyMismatch",
        "the server's host key is not the one in the known_hosts file",
        "find out why it changed before trusting the new one: somebody may be in between",
    ),
    _means(
        r"authentication failed|could not read (username|password)|returned error: 40[13]|permission denied \("
        r"|unprotected private key|access denied|load key .*: ",
        Stalled,
        "GitAuthenticationFailed",
        "the server refused the credentials",
        "check the token, password or deploy key, its expiry, and (ssh) that only its owner can read the key file",
    ),
    _means(
        r"dubious ownership|unsafe repository",
        Stalled,
        "GitDubiousOwnership",
        "the local repository belongs to another user, whose settings git will not trust",
        "have the same user own it and run this, or serve it over https or ssh",
    ),
    _means(
        r"repository .*not found|does not appear to be a git repository|returned error: 404|no such repository"
        r"|not a git repository",
        Stalled,
        "GitRepositoryNotFound",
        "there is no such repository, or the credentials may not see it",
        "check the URL and what the credentials are allowed to read",
    ),
    _means(
        r"couldn't find remote ref|no such remote ref",
        Stalled,
        "GitRefNotFound",
        "the ref is not there",
        "check the name of the branch or tag",
    ),
    _means(
        r"transport '[^']*' not allowed",
        Stalled,
        "GitUrlRefused",
        "the URL leads to a transport that is not allowed",
    ),
    _means(
        r"returned error: 30\d|unable to update url base from redirection",
        Stalled,
        "GitRedirectRefused",
        "the server redirects elsewhere, and credentials do not follow redirects",
        "write the URL it redirects to",
    ),
    _means(
        r"certificate|\bCAfile\b|ssl: no alternative",
        Stalled,
        "GitCertificateRefused",
        "the server's certificate is not trusted",
        "set the file of the certificate authority that signed it",
    ),
    _means(
        r"fsck error|fsck-objects|object corrupt or missing.*unpack",
        Stalled,
        "GitObjectRejected",
        "the repository holds malformed objects, which are not taken in",
        "run git fsck in it",
    ),
    _means(
        r"could not resolve|failed to connect|couldn't connect|connection (refused|reset|closed|timed out)|timed out"
        r"|network is unreachable|no route to host|returned error: (5\d\d|429)|empty reply|early eof"
        r"|unexpected disconnect|hung up|rpc failed|gnutls|openssl|ssl_",
        Transient,
        "GitUnreachable",
        "the server cannot be reached or gave up",
        "what is served stays; it is tried again, so check the URL and the network if it lasts",
    ),
)


def explain(failure: GitFailure, remote: Remote) -> Stalled | Transient:
    """The error for a failed conversation with the remote."""
    if failure.timed_out:
        reason = "GitUnreachable" if failure.command in {"fetch", "ls-remote"} else "GitReadTimedOut"
        return Transient(reason, f"{remote.described}: git {failure.command} took too long and was ended")
    words = sanitised(failure.stderr, remote)
    for meaning in _MEANINGS:
        if meaning.pattern.search(failure.stderr):
            return meaning.error(meaning.reason, f"{remote.described}: {meaning.sentence}; git: {words}", meaning.hint)
    said = words or f"exit status {failure.status}"
    return Transient("GitFetchFailed", f"{remote.described}: git {failure.command} failed: {said}")


def explain_os(error: OSError, remote: Remote) -> Stalled | Transient:
    """The error for a disk that does not do as asked."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Transient("DiskFull", f"{remote.described}: the disk of the clone is full", "free some space")
    if error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN}:
        return Transient("GitFetchFailed", f"{remote.described}: {error.strerror}")
    where = f"{error.filename}: " if error.filename else ""
    return Stalled(
        "GitCloneUnwritable",
        f"{remote.described}: the clone cannot be kept: {where}{error.strerror}",
        "make the state directory writable for this user",
    )


def is_disk_full(failure: GitFailure) -> bool:
    """Whether the disk is to blame, so that building the clone anew would not help."""
    return _MEANINGS[0].pattern.search(failure.stderr) is not None


def sanitised(text: str, remote: Remote) -> str:
    """What git said, on one line, without secrets, hints and control characters."""
    for secret in _secrets(remote):
        text = text.replace(secret, "***")
    text = re.sub(r"://[^/@\s]*@", "://", text)
    lines = (" ".join(line.split()) for line in text.splitlines())
    useful = [line for line in lines if line and not line.startswith(("hint:", "@@@"))]
    words = "; ".join(useful)
    words = "".join(char if char.isprintable() else " " for char in words)
    return words if len(words) <= _MAX_WORDS else words[: _MAX_WORDS - 1] + "…"


def _secrets(remote: Remote) -> list[str]:
    if remote.basic is None or not remote.basic.password:
        return []
    password, user = remote.basic.password, remote.basic.username
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return sorted({password, quote(password, safe=""), quote(password), encoded}, key=len, reverse=True)
