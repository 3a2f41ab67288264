"""Checkpoints of the journal, left as commits in a ref of the repository that is followed.

A repository of its own on disk, so that it never meets the clone that is read from; nothing is ever forced.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.model.errors import Stalled
from reconciler.sources.git.door import Door, GitFailure
from reconciler.sources.git.environment import git_environment
from reconciler.sources.git.failures import explain, explain_os
from reconciler.sources.git.remote import parse_remote
from reconciler.sources.git.settings import SHA, GitSettings

_KEPT = "refs/reconciler/left"
_LOCAL_S = 30.0
_LARGEST = 65_536  # bytes of a checkpoint
_WHO = {"NAME": "reconciler", "EMAIL": "reconciler@localhost"}


class InRef:
    """One file for each journal, in the tree of the last commit of a ref; each checkpoint is one commit.

    Args:
        settings: of the repository; ``clone_dir`` is for this alone.
        ref: full name.
        entry: name of the file.
    """

    def __init__(self, settings: GitSettings, ref: str, entry: str) -> None:
        self._settings, self._ref, self._entry = settings, ref, entry
        self._remote = parse_remote(settings)
        self._folder = settings.clone_dir
        self._git = settings.clone_dir / "left.git"
        who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in _WHO.items()}
        environment = git_environment(settings, self._remote, settings.clone_dir / "home")
        self._door = Door(settings.clone_dir, environment | who)
        self._last: tuple[str, str] = ("", "")  # a commit, and what it holds for us

    @property
    def name(self) -> str:
        """As the setting says it."""
        return f"git:{self._ref}"

    def newest(self) -> str:
        """The one of the last commit; the ref is fetched where it has moved."""
        with self._explained():
            commit = self._stands()
            if commit and commit != self._last[0]:
                self._last = commit, self._read()
            return self._last[1] if commit else ""

    def leave(self, text: str) -> None:
        """One more commit onto the last; fails where somebody else was quicker."""
        with self._explained():
            parent = self._stands()
            if parent and parent != self._last[0]:
                self._last = parent, self._read()
            blob = self._run("hash-object", "-w", "--stdin", feed=text.encode())
            listed = self._run("ls-tree", "-z", parent) if parent else ""
            others = [one for one in listed.split("\0") if one and one.partition("\t")[2] != self._entry]
            entries = [*others, f"100644 blob {blob}\t{self._entry}"]
            tree = self._run("mktree", "-z", feed="".join(f"{one}\0" for one in entries).encode())
            message = f"Checkpoint of {text.partition(chr(10))[0]}"
            commit = self._run("commit-tree", *(("-p", parent) if parent else ()), "-m", message, tree)
            self._run("push", "--quiet", "--", self._remote.url, f"{commit}:{self._ref}", remote=True)
            self._last = commit, text

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turns failures of git and of the disk into ours."""
        try:
            yield
        except GitFailure as failure:
            raise explain(failure, self._remote) from failure
        except OSError as error:
            raise explain_os(error, self._remote) from error

    def _stands(self) -> str:
        """The commit the ref stands at; empty where there is none."""
        if not self._git.is_dir():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._door.run("init", "--quiet", "--bare", "--template=", str(self._git), timeout_s=_LOCAL_S)
        listed = self._run("ls-remote", "--quiet", "--", self._remote.url, self._ref, remote=True)
        for line in listed.splitlines():
            sha, _, name = line.partition("\t")
            if name == self._ref and SHA.fullmatch(sha):
                return sha
        return ""

    def _read(self) -> str:
        wanted = f"+{self._ref}:{_KEPT}"
        self._run("fetch", "--quiet", "--no-tags", "--depth=1", "--", self._remote.url, wanted, remote=True)
        found = self._run("ls-tree", "-z", "--long", _KEPT, self._entry)
        facts, _, _ = found.partition("\t")
        words = facts.split()
        if not words:
            return ""
        if len(words) != 4 or words[1] != "blob" or not words[3].isdigit() or int(words[3]) > _LARGEST:  # noqa: PLR2004 - mode, type, object, size
            raise Stalled("AnchorUnusable", f"{self.name}: {self._entry} is no checkpoint", "Use a ref of its own.")
        return self._run("cat-file", "blob", words[2], strip=False)

    def _run(self, *arguments: str, feed: bytes = b"", remote: bool = False, strip: bool = True) -> str:
        timeout = self._settings.fetch_timeout_s if remote else _LOCAL_S
        words = ("--git-dir", str(self._git), *arguments)
        found = self._door.run(*words, timeout_s=timeout, feed=feed).decode("utf-8", "replace")
        return found.strip("\n") if strip else found
