"""Scratch Git repositories with pinned people and times: equal steps give equal commit ids."""

import hashlib
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.sources import GitSettings, GitSource

FIRST_COMMIT_AT = 1_700_000_000
SECONDS_BETWEEN_COMMITS = 60

ANN = "Ann Author <ann@example.com>"
BOB = "Bob Builder <bob@example.com>"


@dataclass(slots=True)
class Repository:
    """A repository with a work tree, driven by real git with nobody's configuration."""

    path: Path
    commits: int = field(default=0, init=False)

    @classmethod
    def create(cls, path: Path, branch: str = "main") -> "Repository":
        """An empty repository."""
        path.mkdir(parents=True)
        made = cls(path)
        made.git("init", "--quiet", f"--initial-branch={branch}")
        return made

    def commit(self, files: Mapping[str, str | bytes | None], message: str = "Change", author: str = ANN) -> str:
        """Write the files (None removes one), commit, and return the commit's id."""
        for name, content in files.items():
            path = self.path / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "--all", "--force", ".")
        return self.commit_staged(message, author)

    def commit_staged(self, message: str = "Change", author: str = ANN) -> str:
        """Commit the index as it is."""
        self.git("commit", "--quiet", "--allow-empty", f"--author={author}", f"--message={message}")
        return self.head

    def commit_tree(self, listing: bytes, message: str = "Craft a tree") -> str:
        """Point main at a commit of a tree given as its raw bytes, which no work tree need be able to hold."""
        tree = self.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", feed=listing)
        commit = self.git("commit-tree", tree, "-m", message)
        self.git("update-ref", "refs/heads/main", commit)
        return commit

    def blob(self, content: bytes) -> bytes:
        """Store a blob and return its id as the 20 bytes a tree holds."""
        return bytes.fromhex(self.git("hash-object", "-w", "--stdin", feed=content))

    @property
    def head(self) -> str:
        """The id of the current commit."""
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str, feed: bytes = b"") -> str:
        """Run git here and return what it prints; each call is a minute after the one before."""
        self.commits += 1
        now = f"{FIRST_COMMIT_AT + SECONDS_BETWEEN_COMMITS * self.commits} +0000"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | {
            "HOME": str(self.path),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_AUTHOR_NAME": "Ann Author",
            "GIT_AUTHOR_EMAIL": "ann@example.com",
            "GIT_COMMITTER_NAME": "Cee Committer",
            "GIT_COMMITTER_EMAIL": "cee@example.com",
            "GIT_AUTHOR_DATE": now,
            "GIT_COMMITTER_DATE": now,
        }
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, env=environment, input=feed, capture_output=True, check=False
        )
        assert done.returncode == 0, f"git {arguments}: {done.stderr.decode()}"
        return done.stdout.decode().strip()


def digests_of_text(content: bytes) -> list[str]:
    """One digest per document, of its text: the simplest thing that a source can be given."""
    return [hashlib.sha256(part.strip()).hexdigest() for part in re.split(rb"^---$", content, flags=re.MULTILINE)]


def local_source(repository: Path, clone_dir: Path, **settings: object) -> GitSource:
    """A source that reads a repository on this machine."""
    return GitSource(
        GitSettings(url=str(repository), clone_dir=clone_dir, allow_local=True, **settings),  # type: ignore[arg-type] # each test names real settings
        digests_of_text,
    )
