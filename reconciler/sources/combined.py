"""A repository and a cluster as one source: what the one says is not kept waiting by what befalls the other."""

import threading
import time
from bisect import bisect_left
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from operator import attrgetter

from reconciler.model.decision import Trigger
from reconciler.model.errors import ReconcileError, Transient
from reconciler.model.health import SourceHealth
from reconciler.model.problem import Code, Problem, Severity, rank
from reconciler.model.provenance import CLUSTER_PREFIX, Provenance
from reconciler.model.source import Realm, Revision, SourceDelta, SourceFile, SourceSnapshot
from reconciler.sources.background import in_background
from reconciler.sources.cluster import ClusterReader, ClusterView
from reconciler.sources.source import Source

_PATH = attrgetter("path")
_NO_FILES = SourceSnapshot(None, None, ())
_MAX_OBJECTS = 100  # named in a record; the plan tells of all that comes of them
_LOOK_S = 0.2
_CLOSING_S = 5.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long, in seconds.

    Attributes:
        poll_s: the repository is asked again after this, even while the cluster changes all the time.
        start_s: the first time both are waited for, since what the one lacks would be taken from who is served.
    """

    poll_s: float = 30.0
    start_s: float = 30.0


@dataclass(frozen=True, slots=True)
class _Told:
    """A snapshot, and what it was made of."""

    files: SourceSnapshot | None
    view: ClusterView
    previous: Revision | None
    failure: str
    snapshot: SourceSnapshot


class CombinedSource:
    """The files of a repository beside the objects of a cluster.

    The repository is asked in a thread of its own: a change in the cluster is told without waiting for it, and a commit
    without waiting for the cluster. As long as nothing is known of one of them, the snapshot says that it is dark: what
    is served from there stays served. Where nothing is served yet there is nothing to go on with; both are waited for.

    Args:
        git: the repository; None to serve what the cluster says alone.
        cluster: what is known of the cluster; `cluster_changed` is to be called after it differs.
        patience: see `Patience`.
        wake: called when a fetch would find something; must be quick and not raise.
        ending: whether the process is to end: then nothing is waited for.
    """

    def __init__(
        self,
        git: Source | None,
        cluster: ClusterReader,
        patience: Patience,
        wake: Callable[[Trigger], None],
        ending: Callable[[], bool] = lambda: False,
    ) -> None:
        self._ending = ending
        self._git = git
        self._cluster = cluster
        self._patience = patience
        self._wake = wake
        self._news = threading.Condition()
        self._waiting = False
        self._asking: Future[SourceSnapshot] | None = None
        self._asked_at = float("-inf")
        self._files: SourceSnapshot | None = None
        self._heard_at = time.monotonic()
        self._failure = ""
        self._told: _Told | None = None
        self._views: dict[str, ClusterView] = {}

    @property
    def describe(self) -> str:
        """The repository, as people may see it, and the cluster."""
        return " and ".join(part.describe for part in (self._git, self._cluster) if part is not None)

    def cluster_changed(self) -> None:
        """To be called when the cluster has something new. Safe from any thread."""
        with self._news:
            self._news.notify_all()
        self._wake(Trigger.ANNOTATION_CHANGED)

    def fetch(self, previous: Revision | None, trigger: Trigger = Trigger.NEW_REVISION) -> SourceSnapshot:
        """What both say now; of the repository what is known, where only the cluster has changed.

        Raises:
            Stalled, Transient: the repository can't be read, and the cluster says nothing new.
            Transient: ``GitNotRead``, ``ClusterNotRead``: nothing is served yet, and one of them has not answered.
                ``Ending``: nothing is waited for any more.
        """
        if trigger is not Trigger.ANNOTATION_CHANGED or self._is_due():
            self._ask(previous)
        if trigger is not Trigger.ANNOTATION_CHANGED or self._told is None:
            self._wait(previous)
        failure = self._take()
        view = self._cluster.view()
        nothing_new = self._told is not None and self._told.view.generation == view.generation
        if failure is not None and nothing_new:
            raise failure
        if previous is None:
            self._need_both(view, failure)
        return self._tell(previous, view)

    def _need_both(self, view: ClusterView, failure: ReconcileError | None) -> None:
        """Where nothing is served yet, half of what is to be served is not told, whatever was new."""
        if self._git is not None and self._files is None:
            raise failure or Transient("GitNotRead", self._failure or "the repository has not answered yet")
        if not view.synced:
            hint = "see --kubernetes for how the API server is reached"
            raise Transient("ClusterNotRead", view.failure or "the API server has not answered yet", hint)

    def health(self) -> tuple[SourceHealth, ...]:
        """How each of them is. Safe from any thread."""
        view, files = self._cluster.view(), self._files
        cluster = SourceHealth(str(Realm.CLUSTER), view.stale_s, view.failure, not view.synced, len(view.files))
        if self._git is None:
            return (cluster,)
        stale, read = time.monotonic() - self._heard_at, len(files.files) if files else 0
        return SourceHealth(str(Realm.GIT), stale, self._failure, files is None, read), cluster

    def close(self) -> None:
        """Ends both."""
        if self._asking is not None:
            wait([self._asking], _CLOSING_S)
        self._cluster.close()
        if self._git is not None:
            self._git.close()

    def _is_due(self) -> bool:
        return time.monotonic() - self._asked_at >= self._patience.poll_s

    def _ask(self, previous: Revision | None) -> None:
        git = self._git
        if git is not None and self._asking is None:
            self._asked_at = time.monotonic()
            before = previous.commit if previous else None
            self._asking = in_background(lambda: git.fetch(before), self._answered)

    def _answered(self) -> None:
        """The repository has: whoever waits is told, and if nobody does, the loop is."""
        with self._news:
            waiting = self._waiting
            self._news.notify_all()
        if not waiting:
            self._wake(Trigger.NEW_REVISION)

    def _wait(self, previous: Revision | None) -> None:
        """Until there is something to tell: of both at first, of either later."""
        deadline = time.monotonic() + self._patience.start_s
        with self._news:
            self._waiting = True
            try:
                while not self._ready(previous, late=time.monotonic() >= deadline):
                    if self._ending():
                        raise Transient("Ending", "the controller is to end")
                    self._news.wait(_LOOK_S)
            finally:
                self._waiting = False

    def _ready(self, previous: Revision | None, late: bool) -> bool:
        answered = self._asking is None or self._asking.done()
        view = self._cluster.view()
        if self._told is not None:
            return answered or view.generation != self._told.view.generation
        if late:
            # A first clone may take long, and has a time limit of its own.
            return answered or (previous is not None and view.synced)
        return answered and view.synced

    def _take(self) -> ReconcileError | None:
        """The repository's answer, if it is there; its failure, if it failed."""
        if self._asking is None or not self._asking.done():
            return None
        answer, self._asking = self._asking, None
        try:
            self._files = answer.result()
        except ReconcileError as error:
            self._failure = str(error)
            return error
        self._heard_at, self._failure = time.monotonic(), ""
        return None

    def _tell(self, previous: Revision | None, view: ClusterView) -> SourceSnapshot:
        told, files = self._told, self._files
        same = told is not None and told.files is files and told.view.generation == view.generation
        if told is not None and same and (told.previous, told.failure) == (previous, self._failure):
            return told.snapshot
        dark = _dark(self._git is not None and files is None, view)
        read = files or _NO_FILES
        revision = _revision(files, view, previous)
        base = self._base(previous, view)
        moved = files is not None and (previous is None or previous.commit != files.revision)
        snapshot = replace(
            read,
            revision=revision,
            commit=read.commit if moved else None,
            files=_joined(read.files, view) if view.synced else read.files,
            unreadable=tuple(sorted((*read.unreadable, *view.refused))) if view.synced else read.unreadable,
            problems=tuple(sorted((*read.problems, *_unread(dark, view, self._failure)), key=rank)),
            commits_in_range=read.commits_in_range if moved else (),
            commits_omitted=read.commits_omitted if moved else 0,
            fast_forward=read.fast_forward if moved or previous is None else True,
            delta=_delta(told, files, view, dark),
            objects=view.changes_since(base)[:_MAX_OBJECTS] if base is not None else (),
            dark=dark,
        )
        self._told = _Told(files, view, previous, self._failure, snapshot)
        return snapshot

    def _base(self, previous: Revision | None, view: ClusterView) -> ClusterView | None:
        """The cluster as it was at the previous revision, if that was told here."""
        wanted = previous.cluster if previous else ""
        told = self._told.view if self._told else view
        known = (self._views.get(wanted), told, view)
        self._views = {one.digest: one for one in known if one is not None and one.synced}
        return self._views.get(wanted)


def _revision(files: SourceSnapshot | None, view: ClusterView, previous: Revision | None) -> Revision | None:
    """What is known of both; of a dark one the revision that is served of it."""
    before = previous or Revision("", "")
    commit = (files.revision if files else before.commit) or Revision("", "")
    cluster = view.digest if view.synced else before.cluster
    return replace(commit, cluster=cluster) if commit.sha or cluster else None


def _joined(files: tuple[SourceFile, ...], view: ClusterView) -> tuple[SourceFile, ...]:
    """By path. The objects come in one piece, since no path of a repository begins as theirs do."""
    at = bisect_left(files, CLUSTER_PREFIX, key=_PATH)
    return (*files[:at], *sorted(view.files.values(), key=_PATH), *files[at:])


def _dark(git: bool, view: ClusterView) -> frozenset[Realm]:
    realms = ((Realm.GIT, git), (Realm.CLUSTER, not view.synced))
    return frozenset(realm for realm, dark in realms if dark)


def _delta(
    told: _Told | None, files: SourceSnapshot | None, view: ClusterView, dark: frozenset[Realm]
) -> SourceDelta | None:
    """What differs from what was told before, where that is known without looking at all."""
    if told is None or told.snapshot.revision is None or told.snapshot.dark or dark:
        return None
    paths: tuple[str, ...] = ()
    if files is not None and files is not told.files:
        before = told.files.revision if told.files else None
        if files.revision != before:
            if files.delta is None or files.delta.since != before:
                return None
            paths = files.delta.paths
    objects = (change.path for change in view.changes_since(told.view))
    return SourceDelta(told.snapshot.revision, tuple(sorted((*paths, *objects))))


def _unread(dark: frozenset[Realm], view: ClusterView, failure: str) -> tuple[Problem, ...]:
    """What is to be said of a realm that can't be read, and of objects that are not."""
    why = {Realm.CLUSTER: view.failure, Realm.GIT: failure}
    told = [_nothing_known(realm, why[realm]) for realm in sorted(dark)]
    if failure and Realm.GIT not in dark:
        told.append(_out_of_date(failure))
    return (*told, *(view.problems if view.synced else ()))


def _out_of_date(why: str) -> Problem:
    return Problem(
        Code.SOURCE_STALE,
        Severity.WARNING,
        f"the repository can't be read at the moment: {why}",
        Provenance(str(Realm.GIT)),
        hint="What is known of it is served further, and it is asked again",
    )


def _nothing_known(realm: Realm, why: str) -> Problem:
    return Problem(
        Code.SOURCE_DARK,
        Severity.WARNING,
        f"nothing is known of the {realm} since the start{': ' if why else ''}{why}",
        Provenance(str(realm)),
        hint="What was served from there stays served, as it was",
    )
