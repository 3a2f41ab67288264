"""The bare clone on disk: made aside and renamed, cleaned of what a killed git leaves, rebuilt when it is broken."""

import shutil
import tempfile
from pathlib import Path

from reconciler.model.errors import Stalled
from reconciler.sources.git.door import Door, GitFailure
from reconciler.sources.git.failures import explain, is_disk_full
from reconciler.sources.git.objects import Corrupt, Objects
from reconciler.sources.git.refs import Wanted, choose, parse_listing, patterns
from reconciler.sources.git.remote import Remote
from reconciler.sources.git.settings import SHA, GitSettings, RefKind

_KEPT_REF = "refs/reconciler/wanted"
_TEMPORARY = "making-"
_REPLACED = "replaced-"
_INIT_TIMEOUT_S = 30.0
# Failures of a fetch that a broken clone can look like; the others are clearly the remote's.
_DOUBTFUL = frozenset(
    {"GitFetchFailed", "GitObjectRejected", "GitRefNotFound", "GitRepositoryNotFound", "GitUnreachable"}
)


class Clone:
    """One repository's objects below ``clone_dir``. Only one process may use it at a time.

    Args:
        settings: where it is kept and how long git may take.
        remote: where it comes from.
        door: runs git, in ``clone_dir``.
    """

    def __init__(self, settings: GitSettings, remote: Remote, door: Door) -> None:
        self._settings = settings
        self._remote = remote
        self._door = door
        self._path = settings.clone_dir / "repository.git"

    @property
    def objects(self) -> Objects:
        """Reads what the clone holds."""
        return Objects(self._door, self._path, self._settings.read_timeout_s)

    @property
    def boundary(self) -> frozenset[str]:
        """Commits whose parents are not here because the clone is shallow."""
        try:
            return frozenset((self._path / "shallow").read_text("ascii", "replace").split())
        except FileNotFoundError:
            return frozenset()

    def ask(self) -> Wanted:
        """Which commit the remote's ref stands at, without fetching anything.

        Raises:
            Stalled, Transient: as ``failures.explain`` says; ``GitRefNotFound``.
        """
        ref = self._settings.ref
        if ref.kind is RefKind.COMMIT:
            return choose(ref, {}, self._remote.described)
        arguments = ("ls-remote", "--quiet", "--", self._remote.url, *patterns(ref))
        try:
            listing = self._door.run(*arguments, timeout_s=self._settings.fetch_timeout_s)
        except GitFailure as failure:
            raise explain(failure, self._remote) from failure
        return choose(ref, parse_listing(listing), self._remote.described)

    def bring(self, wanted: Wanted) -> str:
        """Have the wanted commit here, fetching only when it is not.

        Returns:
            The commit; another one than asked for if the ref moved meanwhile.

        Raises:
            Corrupt: the clone is broken.
            Stalled, Transient: the remote failed.
        """
        if not self._path.is_dir():
            return self.rebuild(wanted)
        if self._kept() in (wanted.sha, "") and self.objects.commit(_KEPT_REF) == wanted.sha:
            return wanted.sha
        self._sweep()
        try:
            self._fetch(self._path, wanted)
        except GitFailure as failure:
            error = explain(failure, self._remote)
            if error.reason in _DOUBTFUL and not failure.timed_out:
                self.objects.check(_KEPT_REF)
            raise error from failure
        return self._kept() or self.check_commit(wanted)

    def rebuild(self, wanted: Wanted) -> str:
        """Clone anew beside the old one, and replace it only once that has worked.

        Raises:
            Stalled, Transient: the remote failed; what was there is untouched.
        """
        self._clear_leftovers()
        made = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=self._settings.clone_dir))
        depth = [f"--depth={self._settings.depth}"] if self._settings.depth else []
        try:
            self._door.run("init", "--quiet", "--bare", "--template=", "--", str(made), timeout_s=_INIT_TIMEOUT_S)
            self._fetch(made, wanted, *depth)
            if self._path.exists():
                self._path.rename(self._settings.clone_dir / f"{_REPLACED}{made.name}")
            made.rename(self._path)
        except GitFailure as failure:
            raise explain(failure, self._remote) from failure
        finally:
            self._clear_leftovers()
        return self.check_commit(wanted)

    def deepen(self, wanted: Wanted) -> None:
        """Fetch the history that a shallow clone lacks.

        Raises:
            Stalled, Transient: the remote failed.
        """
        try:
            self._fetch(self._path, wanted, "--unshallow")
        except GitFailure as failure:
            raise explain(failure, self._remote) from failure

    def _fetch(self, repository: Path, wanted: Wanted, *options: str) -> None:
        try:
            self._run_fetch(repository, *options, refspecs=(f"+{wanted.source}:{_KEPT_REF}",))
        except GitFailure as failure:
            if self._settings.ref.kind is not RefKind.COMMIT or failure.timed_out or is_disk_full(failure):
                raise
            # Not every server hands out a commit by its id: have everything, and look for it there.
            everything = ("+refs/heads/*:refs/reconciler/heads/*", "+refs/tags/*:refs/reconciler/tags/*")
            self._run_fetch(repository, refspecs=everything)
            objects = Objects(self._door, repository, self._settings.read_timeout_s)
            if objects.commit(wanted.sha) is None:
                raise self._no_commit(wanted) from failure
            objects.output("update-ref", _KEPT_REF, wanted.sha)

    def _run_fetch(self, repository: Path, *options: str, refspecs: tuple[str, ...]) -> None:
        self._door.run(
            f"--git-dir={repository}",
            "fetch",
            "--quiet",
            "--force",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--update-shallow",
            *options,
            "--",
            self._remote.url,
            *refspecs,
            timeout_s=self._settings.fetch_timeout_s,
        )

    def _kept(self) -> str:
        """The commit the kept ref names, as far as that is plain to see: without starting git.

        Only of a branch: a tag may name something else, that leads to a commit. Git keeps a ref that was just fetched
        in a file of its own (gitrepository-layout(5)); where it is not there git itself is asked.
        """
        if self._settings.ref.kind is not RefKind.BRANCH:
            return ""
        try:
            text = (self._path / _KEPT_REF).read_text("ascii", "replace").strip()
        except OSError:
            return ""
        return text if SHA.fullmatch(text) else ""

    def check_commit(self, wanted: Wanted) -> str:
        """The commit that was fetched.

        Raises:
            Corrupt: there is none.
            Stalled: ``GitRefNotFound``, what was fetched is none.
        """
        sha = self.objects.commit(_KEPT_REF)
        if sha is not None:
            return sha
        if self.objects.facts((_KEPT_REF,))[0] is None:
            raise Corrupt("the fetched ref is not there")
        raise self._no_commit(wanted)

    def _no_commit(self, wanted: Wanted) -> Stalled:
        message = f"{self._remote.described}: {wanted.source} is no commit there"
        return Stalled("GitRefNotFound", message, "push it, or correct the ref")

    def _sweep(self) -> None:
        """Remove what a killed git leaves: locks that would block us for ever, and half-written packs."""
        for pattern in ("*.lock", "refs/**/*.lock", "objects/info/**/*.lock", "objects/pack/tmp_*", "gc.pid"):
            for path in self._path.glob(pattern):
                path.unlink(missing_ok=True)

    def _clear_leftovers(self) -> None:
        for prefix in (_TEMPORARY, _REPLACED):
            for path in self._settings.clone_dir.glob(prefix + "*"):
                shutil.rmtree(path, ignore_errors=True)
