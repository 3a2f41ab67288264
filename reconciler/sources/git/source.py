"""Mapping files in a Git repository, polled."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from reconciler.model.digest import digest_bytes
from reconciler.model.errors import Transient
from reconciler.model.source import Commit, Revision, SourceFile, SourceSnapshot
from reconciler.sources.git.attribution import Attributions
from reconciler.sources.git.clone import Clone
from reconciler.sources.git.commits import is_ancestor, read_commits, read_range
from reconciler.sources.git.documents import BlobDigests, DocumentDigests, attribute_documents, fingerprint
from reconciler.sources.git.door import Door, GitFailure
from reconciler.sources.git.environment import git_environment
from reconciler.sources.git.failures import explain, explain_os
from reconciler.sources.git.memory import recall, remember
from reconciler.sources.git.objects import Corrupt
from reconciler.sources.git.reading import Inputs, read_inputs
from reconciler.sources.git.refs import Wanted
from reconciler.sources.git.remote import parse_remote
from reconciler.sources.git.settings import GitSettings, normal_sub_path


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
        self._latest: SourceSnapshot | None = None
        self._answer: SourceSnapshot | None = None
        self._answered: Revision | None = None
        self._attributions: Attributions | None = None

    @property
    def describe(self) -> str:
        """The URL without user and password, or the path."""
        return self._remote.described

    def fetch(self, previous: Revision | None) -> SourceSnapshot:
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

    def close(self) -> None:
        """Forget what is held in memory; nothing else outlives a fetch."""
        self._latest = self._answer = self._attributions = None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Only our own errors leave."""
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
        latest = self._latest
        return latest is not None and latest.revision == _revision(wanted) and self._answered == previous

    def _read(self, wanted: Wanted, previous: Revision | None) -> SourceSnapshot:
        latest = self._latest
        if latest is None or latest.revision != _revision(wanted):
            latest = self._take(replace(wanted, sha=self._clone.bring(wanted)))
            self._latest = latest
        if previous is None or latest.commit is None:
            return latest
        if previous.sha == latest.commit.sha:
            return replace(latest, fast_forward=True)
        return self._relate(latest, latest.commit, previous, wanted)

    def _relate(self, latest: SourceSnapshot, commit: Commit, previous: Revision, wanted: Wanted) -> SourceSnapshot:
        """The snapshot as seen from another commit."""
        if not self._descends(commit.sha, previous.sha) and self._clone.boundary:
            # In a shallow clone the old commit may lie beyond what is here: look before calling history rewritten.
            self._clone.deepen(wanted)
        objects = self._clone.objects
        if objects.commit(previous.sha) is None:
            return replace(latest, fast_forward=False)
        return replace(
            latest,
            commits_in_range=read_range(objects, previous.sha, commit.sha, self._clone.boundary),
            fast_forward=is_ancestor(objects, previous.sha, commit.sha),
        )

    def _descends(self, sha: str, old: str) -> bool:
        objects = self._clone.objects
        return objects.commit(old) is not None and is_ancestor(objects, old, sha)

    def _take(self, wanted: Wanted) -> SourceSnapshot:
        """Read everything at a commit that is in the clone."""
        settings, objects = self._settings, self._clone.objects
        held = {file.blob: file.content for file in self._latest.files} if self._latest else {}
        inputs = read_inputs(objects, wanted.sha, settings.sub_path, settings.limits, held)
        attributions = self._attribute(wanted.sha, inputs)
        shas = {sha for file in attributions.files.values() for _, sha in file.documents}
        commits = read_commits(objects, shas | {wanted.sha}, self._clone.boundary)
        return SourceSnapshot(
            revision=_revision(wanted),
            commit=commits[wanted.sha],
            files=tuple(
                SourceFile(
                    path,
                    file.blob,
                    file.content,
                    tuple(commits[sha] for _, sha in attributions.files[path].documents),
                )
                for path, file in inputs.files.items()
            ),
            unreadable=tuple(sorted(refused.path for refused in inputs.refused)),
            problems=tuple(refused.problem for refused in sorted(inputs.refused, key=lambda refused: refused.path)),
        )

    def _attribute(self, sha: str, inputs: Inputs) -> Attributions:
        settings, objects = self._settings, self._clone.objects
        kept, circumstances = settings.clone_dir / "attributions.json", self._circumstances()
        known = self._attributions or recall(kept, circumstances)
        digests = BlobDigests(objects, self._document_digests, settings.limits.max_file_bytes)
        attributions = attribute_documents(objects, sha, settings.sub_path, inputs.files, known, digests)
        if attributions != known:
            remember(kept, attributions, circumstances)
        self._attributions = attributions
        return attributions

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
