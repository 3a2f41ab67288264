"""Mapping files in a Git repository, polled."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property

from reconciler.model.decision import Trigger
from reconciler.model.digest import digest_bytes
from reconciler.model.errors import ReconcileError, Transient
from reconciler.model.health import SourceHealth
from reconciler.model.source import Commit, Realm, Revision, Signature, SourceDelta, SourceSnapshot
from reconciler.sources.git.attribution import Attributions
from reconciler.sources.git.clone import Clone
from reconciler.sources.git.commits import MAX_COMMITS_IN_RANGE, is_ancestor, read_range
from reconciler.sources.git.documents import BlobDigests, DocumentDigests, fingerprint
from reconciler.sources.git.door import Door, GitFailure
from reconciler.sources.git.environment import git_environment
from reconciler.sources.git.failures import explain, explain_os
from reconciler.sources.git.memory import AttributionMemory
from reconciler.sources.git.objects import Corrupt
from reconciler.sources.git.refs import Wanted
from reconciler.sources.git.remote import parse_remote
from reconciler.sources.git.settings import GitSettings, normal_sub_path
from reconciler.sources.git.signatures import read_signatures
from reconciler.sources.git.standing import Standing, advance
from reconciler.sources.git.whole import read_whole


class GitSource:
    """Keeps a bare clone and reads files at a commit out of it; nothing is ever checked out.

    Not safe for two threads or processes at once: the caller holds the lock of the state directory.

    Args:
        settings: what to fetch and how.
        document_digests: one digest per YAML document of a file, in order; equal digests mean that a
            document has not changed. ``SourceFile.commits`` is aligned with it.

    Raises:
        Stalled: ``GitUrlRefused``, ``GitPathInvalid``, ``GitCredentialsInvalid``.
    """

    def __init__(self, settings: GitSettings, document_digests: DocumentDigests) -> None:
        self._settings = replace(settings, sub_path=normal_sub_path(settings.sub_path))
        self._remote = parse_remote(settings)
        self._home = settings.clone_dir / "home"
        self._clone = Clone(
            self._settings,
            self._remote,
            Door(settings.clone_dir, git_environment(settings, self._remote, self._home)),
        )
        self._document_digests = document_digests
        self._standing: Standing | None = None
        self._answer: SourceSnapshot | None = None
        self._answered: Revision | None = None
        self._heard_at = time.monotonic()
        self._failure = ""

    @property
    def describe(self) -> str:
        """The URL without user and password, or the path."""
        return self._remote.described

    def fetch(
        self,
        previous: Revision | None,
        trigger: Trigger = Trigger.NEW_REVISION,  # noqa: ARG002 - asking the remote tells, whatever one expects
    ) -> SourceSnapshot:
        """All input files at the commit the ref points at now.

        The remote is asked for the ref first; when it still points where it did, the same snapshot is
        returned without more ado. ``fast_forward`` and ``commits_in_range`` are plain facts about the two
        commits, also where ``previous`` came from another branch or tag.

        Raises:
            Stalled: ``GitAuthenticationFailed``, ``GitHostKeyMismatch``, ``GitRefNotFound``, ``GitPathNotFound``,
                ``TooManyFiles`` and others that ``failures`` lists. A forge in trouble may also refuse good
                credentials, so a caller does well to try again now and then.
            Transient: ``GitUnreachable``, ``GitFetchFailed``, ``GitReadTimedOut``, ``GitCloneCorrupt``, ``DiskFull``.
        """
        with self._translated():
            self._settings.clone_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._home.mkdir(mode=0o700, exist_ok=True)
            wanted = self._clone.ask()
            if self._is_answered(wanted, previous) and self._answer is not None:
                return self._answer
            try:
                answer = self._read(wanted, previous)
            except Corrupt:
                self._clone.rebuild(wanted)
                answer = self._read(wanted, previous)
            self._answer, self._answered = answer, previous
            return answer

    def health(self) -> tuple[SourceHealth, ...]:
        """How it is, by what the last fetch came to. Safe from any thread."""
        standing, silent = self._standing, time.monotonic() - self._heard_at
        files = len(standing.snapshot.files) if standing else 0
        return (SourceHealth(str(Realm.GIT), silent, self._failure, standing is None, files),)

    def close(self) -> None:
        """Forget what is held in memory; nothing else outlives a fetch."""
        self._standing = self._answer = None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Only our own errors leave; the last of them is remembered until all is well."""
        try:
            with self._explained():
                yield
        except ReconcileError as error:
            self._failure = str(error)
            raise
        self._heard_at, self._failure = time.monotonic(), ""

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except Corrupt as error:
            raise Transient(
                "GitCloneCorrupt",
                f"{self.describe}: the clone was built anew and still cannot be read",
                "run git fsck in the repository, and check the disk",
            ) from error
        except GitFailure as failure:
            raise explain(failure, self._remote) from failure
        except OSError as error:
            raise explain_os(error, self._remote) from error

    def _is_answered(self, wanted: Wanted, previous: Revision | None) -> bool:
        standing = self._standing
        return standing is not None and standing.snapshot.revision == _revision(wanted) and self._answered == previous

    def _read(self, wanted: Wanted, previous: Revision | None) -> SourceSnapshot:
        """What is wanted, as seen from the previous revision, and how what is new of it is signed."""
        found = self._related(wanted, previous)
        if found.commit is None or (previous is not None and previous.sha == found.commit.sha):
            return found
        # Those of the range come with the paths they changed.
        commits = {commit.sha: commit for commit in (found.commit, *found.commits_in_range)}
        unseen = [sha for sha, commit in commits.items() if commit.signature is Signature.UNKNOWN]
        for sha, signature in read_signatures(self._clone.objects, unseen).items():
            commits[sha] = replace(commits[sha], signature=signature)
        head = commits[found.commit.sha]
        if self._standing is not None:
            self._standing = replace(self._standing, snapshot=replace(self._standing.snapshot, commit=head))
        return replace(found, commit=head, commits_in_range=tuple(commits[c.sha] for c in found.commits_in_range))

    def _related(self, wanted: Wanted, previous: Revision | None) -> SourceSnapshot:
        standing = self._standing
        if standing is None or standing.snapshot.revision != _revision(wanted):
            standing = self._take(replace(wanted, sha=self._clone.bring(wanted)))
            self._standing = standing
        latest = standing.snapshot
        if previous is None or latest.commit is None:
            return latest
        if previous.sha == latest.commit.sha:
            return replace(latest, fast_forward=True)
        if standing.line is not None and standing.line[0] == previous.sha:
            commits = standing.line[1]
            listed, omitted = commits[:MAX_COMMITS_IN_RANGE], len(commits[MAX_COMMITS_IN_RANGE:])
            return replace(latest, commits_in_range=listed, commits_omitted=omitted, fast_forward=True)
        return self._relate(latest, latest.commit, previous, wanted)

    def _relate(self, latest: SourceSnapshot, commit: Commit, previous: Revision, wanted: Wanted) -> SourceSnapshot:
        """The snapshot as seen from another commit."""
        if not self._descends(commit.sha, previous.sha) and self._clone.boundary:
            # In a shallow clone the old commit may lie beyond what is here: look before calling history rewritten.
            self._clone.deepen(wanted)
        objects = self._clone.objects
        if objects.commit(previous.sha) is None:
            return replace(latest, fast_forward=False)
        listed, omitted = read_range(objects, previous.sha, commit.sha, self._clone.boundary)
        return replace(
            latest,
            commits_in_range=listed,
            commits_omitted=omitted,
            fast_forward=is_ancestor(objects, previous.sha, commit.sha),
        )

    def _descends(self, sha: str, old: str) -> bool:
        objects = self._clone.objects
        return objects.commit(old) is not None and is_ancestor(objects, old, sha)

    def _take(self, wanted: Wanted) -> Standing:
        """Read what is not known yet of a commit that is in the clone."""
        objects, limits = self._clone.objects, self._settings.limits
        digests = BlobDigests(objects, self._document_digests, limits.max_file_bytes)
        boundary = self._clone.boundary
        if self._standing is not None:
            step = self._advance(self._standing, wanted, digests, boundary)
            if step is not None:
                self._keep(self._standing.attributions, step.attributions, step.snapshot.delta)
                return step
        self._clone.check_commit(wanted)
        known = self._standing.attributions if self._standing else self._memory.recall()
        standing = read_whole(
            self._standing, _revision(wanted), objects, self._settings.sub_path, limits, known, digests, boundary
        )
        if standing.attributions != known:
            self._memory.keep(standing.attributions, None)
        return standing

    def _advance(
        self, standing: Standing, wanted: Wanted, digests: BlobDigests, boundary: frozenset[str]
    ) -> Standing | None:
        settings = self._settings
        try:
            return advance(
                standing,
                _revision(wanted),
                self._clone.objects,
                settings.sub_path,
                settings.limits,
                digests,
                boundary,
            )
        except Corrupt:
            return None  # the earlier commit may just be gone; reading everything tells whether the clone is broken

    def _keep(self, before: Attributions, after: Attributions, delta: SourceDelta | None) -> None:
        paths = delta.paths if delta else ()
        changed = {path: after.files.get(path) for path in paths if before.files.get(path) != after.files.get(path)}
        if changed or before.head != after.head:
            self._memory.keep(after, changed)

    @cached_property
    def _memory(self) -> AttributionMemory:
        return AttributionMemory(self._settings.clone_dir / "attributions", self._circumstances())

    def _circumstances(self) -> str:
        """Names all that attributions depend on besides the history itself."""
        settings = self._settings
        parts = (
            settings.sub_path,
            str(settings.depth),
            str(settings.limits.max_file_bytes),
            fingerprint(self._document_digests),
        )
        return digest_bytes("\0".join(parts).encode())


def _revision(wanted: Wanted) -> Revision:
    return Revision(wanted.pointer, wanted.sha)
