"""What to fetch, from where, with which credentials, within which limits."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from reconciler.model.errors import Stalled
from reconciler.model.limits import DEFAULT_LIMITS, Limits
from reconciler.sources.git.semver import SemverRange

SHA = re.compile(r"[0-9a-f]{40}")
# What `git check-ref-format` refuses, and a little more: names here also end up in messages and file names.
_REF_NAME = re.compile(r"(?![-/.])(?!.*(?:\.\.|//|@\{|/\.|\.lock(?:/|$)|[/.]$))[^\x00-\x20\x7f~^:?*\[\\]+")

DEFAULT_USERNAME = "x-access-token"


class RefKind(StrEnum):
    """How the wanted commit is named."""

    BRANCH = "branch"
    TAG = "tag"
    SEMVER = "semver"
    COMMIT = "commit"


@dataclass(frozen=True, slots=True)
class Ref:
    """Which commit is wanted: ``branch:main``, ``tag:v1.2.3``, ``semver:^1.2`` or ``commit:<40 hex>``.

    Raises:
        Stalled: ``GitRefInvalid``, the value is not of its kind's form.
    """

    kind: RefKind
    value: str

    def __post_init__(self) -> None:
        match self.kind:
            case RefKind.COMMIT:
                fine = SHA.fullmatch(self.value) is not None
            case RefKind.SEMVER:
                fine = SemverRange.parse(self.value) is not None
            case _:
                fine = _REF_NAME.fullmatch(self.value) is not None and self.value.isprintable()
        if not fine:
            raise Stalled(
                "GitRefInvalid",
                f"{self.value!r} is not a {self.kind}",
                "write NAME, branch:NAME, tag:NAME, semver:RANGE or commit:<40 hex digits>",
            )

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"

    @classmethod
    def parse(cls, text: str) -> "Ref":
        """Read ``kind:value``; 40 hex digits alone are a commit, any other plain name is a branch."""
        kind, marker, value = text.partition(":")
        if marker and kind in set(RefKind):
            return cls(RefKind(kind), value.strip())
        return cls(RefKind.COMMIT if SHA.fullmatch(text) else RefKind.BRANCH, text)


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """A password or a token for https.

    Forges take a token as the password with any user name (GitHub, GitLab, Gitea) or with
    ``x-token-auth`` (Bitbucket).
    """

    password: str = field(repr=False)
    username: str = DEFAULT_USERNAME


@dataclass(frozen=True, slots=True)
class SshAuth:
    """A deploy key, and the host keys that are trusted: no others are, and no agent is asked."""

    key_file: Path
    known_hosts_file: Path


@dataclass(frozen=True, slots=True)
class GitSettings:
    """Everything a Git source needs to know.

    Attributes:
        url: ``https://``, ``ssh://``, ``user@host:path``; a path or ``file://`` with ``allow_local``;
            ``http://`` with ``allow_http``. User and password in it are moved to the credentials.
        clone_dir: private folder for the bare clone and what belongs to it; one process at a time.
        sub_path: folder (or one file) below the root of the repository.
        depth: commits the first clone fetches; 0 is all of them. A change older than the clone knows is
            attributed to its oldest commit, which is marked ``oldest_known``.
        ca_file: PEM certificates to trust for https instead of the system's.
        fetch_timeout_s: seconds one conversation with the remote may take.
        read_timeout_s: seconds one local git command may keep us waiting.
    """

    url: str = field(repr=False)
    clone_dir: Path
    ref: Ref = Ref(RefKind.BRANCH, "main")
    sub_path: str = ""
    depth: int = 0
    basic: BasicAuth | None = None
    ssh: SshAuth | None = None
    ca_file: Path | None = None
    allow_local: bool = False
    allow_http: bool = False
    fetch_timeout_s: float = 120.0
    read_timeout_s: float = 300.0
    limits: Limits = DEFAULT_LIMITS


def normal_sub_path(text: str) -> str:
    """A sub-path without leading ``./`` and trailing slashes; empty for the root.

    Raises:
        Stalled: ``GitPathInvalid``, it leaves the repository or cannot be printed.
    """
    parts = [part for part in text.split("/") if part not in {"", "."}]
    if text.startswith("/") or ".." in parts or not text.isprintable():
        raise Stalled("GitPathInvalid", f"{text!r} is not a folder of a repository", "write it as in: routes/prod")
    return "/".join(parts)
