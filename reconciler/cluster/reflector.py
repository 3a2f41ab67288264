"""A copy of the objects of one type, kept up to date by list and watch."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from reconciler.cluster.backoff import Backoff
from reconciler.cluster.door import Body, Cluster, Expired, Watch
from reconciler.cluster.failures import Silent
from reconciler.cluster.types import EVERYWHERE, ObjectKey, ObjectType, Scope
from reconciler.cluster.versions import Version, goes_back, goes_on, identity
from reconciler.model.errors import ReconcileError, Transient

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Copy(Generic[T]):
    """The objects at one moment; consistent, never changed afterwards.

    Attributes:
        synced: whether they were ever listed; without that ``objects`` is empty and means nothing.
        generation: grows with every change of ``objects``.
        failure: why the copy can't be kept up to date at the moment; empty while it can.
        stale_s: seconds since the server was last heard of.
        answered: whether the last attempt to keep up with the server worked.
    """

    objects: Mapping[ObjectKey, T]
    synced: bool
    generation: int
    failure: str = ""
    stale_s: float = 0.0
    answered: bool = True


@dataclass(frozen=True, slots=True)
class Pace:
    """How a reflector spends its time, in seconds.

    Attributes:
        watch_s: longest watch; each lasts between a half and the whole of that. The server checks permissions only at
            its beginning, and replicas that began together drift apart.
        resync_s: time after which everything is listed anew, give or take a tenth: whatever a proxy on the way may have
            swallowed, this is how long it stays unseen.
        retry_s: first wait after a failure.
        retry_cap_s: longest wait between two attempts.
    """

    watch_s: float = 600.0
    resync_s: float = 900.0
    retry_s: float = 0.5
    retry_cap_s: float = 30.0


_QUICK_S = 1.0  # a watch that ends sooner and without a word did not work


class Reflector(Generic[T]):
    """Keeps a copy in a thread of its own: list, then watch from there, again and again.

    Args:
        cluster: the API server.
        kind: which type.
        reduce: what to keep of an object; None for nothing. Called once per version; must be quick and not raise. Where
            it does raise, what was kept before stays, and `Copy.failure` says so.
        on_change: called after ``objects`` differ, and after they were listed for the first time, from the thread; must
            be quick and not raise. Where it does raise, `Copy.failure` says so, and it is called again at the pace of
            failures. A version whose reduced form equals the one before makes no difference.
        scope: which objects.
        pace: how it spends its time.
    """

    def __init__(
        self,
        cluster: Cluster,
        kind: ObjectType,
        reduce: Callable[[Body], T | None],
        on_change: Callable[[], None],
        scope: Scope = EVERYWHERE,
        pace: Pace = Pace(),
    ) -> None:
        self._cluster, self._kind, self._scope, self._pace = cluster, kind, scope, pace
        self._reduce, self._on_change = reduce, on_change
        self._lock = threading.Lock()  # for what `copy` reads
        self._objects: dict[ObjectKey, T] = {}
        self._shown: Mapping[ObjectKey, T] | None = MappingProxyType({})
        self._generation = 0
        self._failure = ""
        self._heard_at = time.monotonic()
        self._synced = threading.Event()
        self._closing = threading.Event()
        self._watching: Watch | None = None
        self._thread = threading.Thread(target=self._run, name=f"cluster-{kind.plural}", daemon=True)
        self._unread: dict[ObjectKey, str] = {}
        # Only the thread uses these.
        self._versions: dict[ObjectKey, Version] = {}
        self._version = ""  # to watch from; empty: list first
        self._newest = ""  # heard of last
        self._untold = False  # of a change
        self._resync_at = 0.0
        self._backoff = Backoff(pace.retry_s, pace.retry_cap_s)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def copy(self) -> Copy[T]:
        """The objects as they are known now. The same mapping is given out until they differ."""
        with self._lock:
            if self._shown is None:
                self._shown = MappingProxyType(self._objects.copy())
            stale, failure = time.monotonic() - self._heard_at, self._failure or self._unreadable()
            return Copy(self._shown, self._synced.is_set(), self._generation, failure, stale, not self._failure)

    def _unreadable(self) -> str:
        one = next(iter(self._unread.copy().items()), None)
        return f"InternalError: {'/'.join(one[0])}: {one[1]}; kept as it was before" if one else ""

    def wait(self, seconds: float) -> bool:
        """Whether the objects were listed within that time."""
        return self._synced.wait(seconds)

    def close(self) -> None:
        """End the thread; waits two seconds for it, which is enough but where a server does not answer."""
        close_all((self,))

    def end(self) -> None:
        """Have the thread end; waits for nothing."""
        self._closing.set()
        if watching := self._watching:
            watching.close()

    def join(self, seconds: float) -> None:
        """Wait for the thread to end, for that time at most."""
        if self._thread.is_alive():
            self._thread.join(max(0.0, seconds))

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._follow()
            except Expired as error:
                self._version = ""
                if error.ahead:
                    self._versions = {}  # restored from a backup: the same versions have other contents
                self._fail(str(error) if self._backoff.failures else "")  # once is everyday life
            except ReconcileError as error:
                self._fail(str(error))
            except Exception as error:  # noqa: BLE001 - a thread that is gone would leave a copy that nobody renews
                self._version = ""
                self._fail(f"InternalError: {type(error).__name__}")

    def _follow(self) -> None:
        if not self._version or time.monotonic() >= self._resync_at:
            self._list()
        if self._watch():
            self._backoff.reset()
        else:
            self._fail("")

    def _fail(self, failure: str) -> None:
        with self._lock:
            self._failure = failure or self._failure
        self._closing.wait(self._backoff.next())

    def _list(self) -> None:
        """Everything anew; what is the same version as before is not looked at again."""
        objects: dict[ObjectKey, T] = {}
        versions: dict[ObjectKey, Version] = {}
        version = ""
        for page in self._cluster.pages(self._kind, self._scope):
            if not goes_on(self._newest, page.resource_version):
                # Restored from a backup: the same versions have other contents.
                self._versions = {}
            for body in page.items:
                key, written = identity(body)
                versions[key] = written
                known = written.number and self._versions.get(key) == written
                kept = self._objects.get(key) if known else self._reduced(key, body)
                if kept is not None:
                    objects[key] = kept
            version = page.resource_version
            self._hear()
        self._versions, self._version, self._newest = versions, version, version
        self._unread = {key: why for key, why in self._unread.items() if key in versions}
        self._resync_at = time.monotonic() + self._pace.resync_s * random.uniform(0.9, 1.1)  # noqa: S311 - no secret
        first = not self._synced.is_set()
        differs = objects != self._objects
        if differs:
            with self._lock:
                self._objects = objects
                self._changed()
        self._synced.set()
        if differs or first or self._untold:
            self._tell()

    def _watch(self) -> bool:
        """Follow until the watch ends. Whether it worked: it told something, or stood for a while.

        Raises:
            Expired: list again.
            Stalled, Transient: it did not begin, or broke at once. That one is cut which worked is everyday life.
        """
        longest = min(self._pace.watch_s * random.uniform(0.5, 1.0), self._resync_at - time.monotonic())  # noqa: S311
        watching = self._cluster.watch(self._kind, self._scope, self._version, longest)
        self._watching = watching
        self._hear()
        began, came = time.monotonic(), False
        try:
            if self._closing.is_set():
                return True
            for event in watching:
                came = True
                self._take(event.type, event.object)
        except Transient as error:
            if isinstance(error, Expired) or not (came or time.monotonic() - began > _QUICK_S):
                raise
            if isinstance(error, Silent) and not came:
                # Not even a bookmark: a dead connection, or the server waits for a version that it had before its data
                # was restored from a backup, and will give the same versions again.
                self._version, self._versions = "", {}
        finally:
            self._watching = None
            watching.close()
        return came or time.monotonic() - began > _QUICK_S

    def _take(self, kind: str, body: Body) -> None:
        key, version = identity(body)
        self._hear()
        if version.number:
            if kind != "DELETED" and goes_back(self._version, version.number):
                # Restored from a backup: what lies between is not told, and versions are given again.
                went = f"version {version.number} came after {self._version}"
                raise Expired("ClusterAnswerUnreadable", went, ahead=True)
            self._version = self._newest = version.number
        if kind == "BOOKMARK":
            return
        if kind == "DELETED":
            self._versions.pop(key, None)
            self._unread.pop(key, None)
            reduced = None
        else:
            self._versions[key] = version
            reduced = self._reduced(key, body)
        if reduced == self._objects.get(key):
            return
        with self._lock:
            if reduced is None:
                self._objects.pop(key, None)
            else:
                self._objects[key] = reduced
            self._changed()
        self._tell()

    def _tell(self) -> None:
        """What this raises, the thread survives; it lists anew then, and tells again."""
        self._untold = True
        self._on_change()
        self._untold = False

    def _reduced(self, key: ObjectKey, body: Body) -> T | None:
        """What to keep of an object; where that fails, what was kept before: others must not suffer from one."""
        try:
            reduced = self._reduce(body)
        except Exception as error:  # noqa: BLE001 - a bug, but objects are written by people we do not know
            self._unread[key] = type(error).__name__
            return self._objects.get(key)
        self._unread.pop(key, None)
        return reduced

    def _changed(self) -> None:
        self._generation += 1
        self._shown = None

    def _hear(self) -> None:
        with self._lock:
            self._heard_at = time.monotonic()
            self._failure = ""


def close_all(reflectors: Iterable[Reflector[Any]], seconds: float = 2.0) -> None:
    """End several; waits for all of them together as long as for one."""
    ending, deadline = tuple(reflectors), time.monotonic() + seconds
    for reflector in ending:
        reflector.end()
    for reflector in ending:
        reflector.join(deadline - time.monotonic())
