"""Keeps up to date what a cluster holds."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from reconciler.cluster import INGRESSES, SERVICES, Cluster, ObjectType, Pace, Reflector, Scope, close_all
from reconciler.model.errors import ReconcileError
from reconciler.sources.cluster.facts import Body
from reconciler.sources.cluster.holding import Holding
from reconciler.sources.cluster.kinds import ServedKinds, is_less
from reconciler.sources.cluster.reading import ClusterReading
from reconciler.sources.cluster.reduction import Reduced, reduce_custom, reduce_ingress, reduce_service, reduced
from reconciler.sources.cluster.view import ClusterView

_KINDS_EVERY_S = 30.0  # a kind that is installed later is found after this
_AGAIN_S = 1.0  # and what a server does not know at the start, it is asked again after this
_CLOSING_S = 2.0  # enough but where a server does not answer; what goes on after that changes nothing any more
_PACE = Pace()


@dataclass(frozen=True, slots=True)
class _Watched:
    """One collection that is watched."""

    kind: ObjectType
    reflector: Reflector[Reduced]


class ClusterSource:
    """Watches the objects that are read, in threads of their own.

    Args:
        cluster: the API server; it is not closed with the source.
        reading: which objects are read.
        on_change: called after a view differs from the one before, from one of the threads; must be quick and not
            raise. Writes that don't change what is read are not told.
        pace: how each collection is followed.
        kinds_every_s: seconds after which the server is asked again which custom resources it knows.
    """

    def __init__(
        self,
        cluster: Cluster,
        reading: ClusterReading,
        on_change: Callable[[], None],
        pace: Pace = _PACE,
        kinds_every_s: float = _KINDS_EVERY_S,
    ) -> None:
        self._cluster, self._reading, self._on_change = cluster, reading, on_change
        self._pace, self._kinds_every_s = pace, kinds_every_s
        self._lock = threading.Lock()
        self._holding = Holding(reading.limits)
        self._watched: dict[str, _Watched] = {}
        self._kinds_known = not reading.custom_resources
        self._kinds_failure = ""
        self._listed: set[str] = set()
        self._served = ServedKinds()
        self._complete = False
        self._told_complete = False
        self._untold = False
        self._closing = threading.Event()
        self._kinds = threading.Thread(target=self._follow_kinds, name="cluster-kinds", daemon=True)

    @property
    def describe(self) -> str:
        """The cluster, as people may see it."""
        return self._cluster.describe

    def start(self) -> None:
        """Begin; returns at once."""
        # All are known before one of them begins, else the first could count as all.
        reflectors = [self._watched_anew(kind, reduce, scope) for kind, reduce, scope in self._always()]
        for reflector in reflectors:
            reflector.start()
        if self._reading.custom_resources:
            self._kinds.start()

    def wait_synced(self, seconds: float) -> bool:
        """Whether everything was read once within that time."""
        deadline = time.monotonic() + seconds
        while not self.view().synced:
            if self._closing.wait(min(0.02, max(0.0, deadline - time.monotonic()))) or time.monotonic() >= deadline:
                return self.view().synced
        return True

    def view(self) -> ClusterView:
        """What is known now; the same files where nothing has changed."""
        with self._lock:
            copies = [watched.reflector.copy() for watched in self._watched.values()]
            failures = [self._kinds_failure, *(copy.failure for copy in copies)]
            return self._holding.view(
                synced=self._is_complete(),
                failure=next(filter(None, failures), ""),
                stale_s=max((copy.stale_s for copy in copies), default=0.0),
            )

    def close(self) -> None:
        """End the threads."""
        self._closing.set()
        close_all(self._reflectors(), 0.0)
        if self._kinds.is_alive():
            self._kinds.join(_CLOSING_S)  # it may be about to begin something
        close_all(self._reflectors(), _CLOSING_S)

    def _reflectors(self) -> list[Reflector[Reduced]]:
        with self._lock:
            return [watched.reflector for watched in self._watched.values()]

    def _always(self) -> Iterator[tuple[ObjectType, Callable[[Body], Reduced | None], Scope]]:
        """What every server has."""
        reading = self._reading
        # Ports are those of any Service, also of one that is not selected for its annotation.
        together = not reading.label_selector
        for scope in self._scopes(reading.label_selector):
            if reading.annotations or (reading.ingresses and together):
                ports = reading.ingresses and together
                reduce = partial(reduce_service, reading=reading, annotations=reading.annotations, ports=ports)
                yield SERVICES, reduce, scope
            if reading.annotations or reading.ingresses:
                yield INGRESSES, partial(reduce_ingress, reading=reading), scope
        if reading.ingresses and not together:
            for scope in self._scopes(""):
                yield SERVICES, partial(reduce_service, reading=reading, annotations=False, ports=True), scope

    def _scopes(self, labels: str) -> list[Scope]:
        return [Scope(namespace, labels) for namespace in self._reading.namespaces or ("",)]

    def _watched_anew(
        self, kind: ObjectType, reduce: Callable[[Body], Reduced | None], scope: Scope
    ) -> Reflector[Reduced]:
        """A reflector to be started; one of another version of the same kind ends, and what it found stays for now."""
        group = _group(kind.group, kind.plural, scope)
        told = lambda: self._changed(group, reflector)  # noqa: E731 - it is told by what it tells of
        contained = partial(reduced, kind=kind.kind, reduce=reduce)
        reflector: Reflector[Reduced] = Reflector(self._cluster, kind, contained, told, scope, self._pace)
        with self._lock:
            before = self._watched.get(group)
            self._watched[group] = _Watched(kind, reflector)
        if before is not None:
            before.reflector.close()
        return reflector

    def _changed(self, group: str, reflector: Reflector[Reduced]) -> None:
        with self._lock:
            watched = self._watched.get(group)
            if watched is None or watched.reflector is not reflector:
                return
            copy = reflector.copy()
            differs = self._holding.put(group, copy.objects) if copy.synced else False
            if copy.synced:
                self._listed.add(group)
        self._tell(differs)

    def _tell(self, differs: bool) -> None:
        """Tells of a change, and of one that nobody could be told of before; may raise what that raises."""
        if self._is_newly_complete() or differs or self._untold:
            self._untold = True
            self._on_change()
            self._untold = False

    def _is_complete(self) -> bool:
        """Whether everything was read once. It stays so when a kind comes that was not there: it begins empty.

        What counts is what has arrived in ``_holding``: a reflector knows that it has listed a moment earlier.
        """
        self._complete = self._complete or (self._kinds_known and self._watched.keys() <= self._listed)
        return self._complete

    def _is_newly_complete(self) -> bool:
        """Whether everything was read once, and nobody was told so yet."""
        with self._lock:
            newly = not self._told_complete and self._is_complete()
            self._told_complete = self._told_complete or newly
            return newly

    def _follow_kinds(self) -> None:
        while not self._closing.is_set():
            try:
                self._find_kinds()
                failure = ""
            except ReconcileError as error:
                failure = str(error)
            except Exception as error:  # noqa: BLE001 - without this thread kinds would never be found, nor known
                failure = _bug(error)
            certain = self._served.certain
            with self._lock:
                self._kinds_failure = failure
                self._kinds_known = self._kinds_known or (certain and not failure)
            try:
                self._tell(differs=False)
            except Exception as error:  # noqa: BLE001 - as above; it is told again the next time
                with self._lock:
                    self._kinds_failure = _bug(error)
            self._closing.wait(self._kinds_every_s if certain or failure else min(_AGAIN_S, self._kinds_every_s))

    def _find_kinds(self) -> None:
        """Follows what the server knows now, and forgets what it no longer does.

        Raises:
            ReconcileError: the server does not say; what was followed is followed further.
        """
        found: list[Reflector[Reduced]] = []
        for (kind_group, plural, name), kind in self._served.ask(self._cluster.served).items():
            for scope in self._scopes(self._reading.label_selector):
                group = _group(kind_group, plural, scope)
                watched = self._watched.get(group)
                if watched is not None and is_less(kind, watched.kind) and self._is_heard(watched.reflector):
                    continue
                if kind is not None and (watched is None or watched.kind != kind):
                    reduce = partial(reduce_custom, kind=name, reading=self._reading)
                    found.append(self._watched_anew(kind, reduce, scope))
                elif kind is None and watched is not None:
                    self._forget(group, watched)
        for reflector in found:
            if not self._closing.is_set():
                reflector.start()

    def _is_heard(self, reflector: Reflector[Reduced]) -> bool:
        """Whether the server still tells of a collection: then it is there, whatever else was heard of it."""
        copy = reflector.copy()
        longest = self._pace.retry_cap_s + (self._pace.watch_s if copy.answered else 0.0)
        return copy.synced and copy.stale_s <= longest

    def _forget(self, group: str, watched: _Watched) -> None:
        """The server no longer knows a kind, and tells nothing of it: all of its objects are gone."""
        with self._lock:
            self._watched.pop(group, None)
            self._listed.discard(group)
            differs = self._holding.drop(group)
        watched.reflector.close()
        self._tell(differs)


def _bug(error: Exception) -> str:
    return f"InternalError: {type(error).__name__}: {error}; this is a bug"


def _group(kind_group: str, plural: str, scope: Scope) -> str:
    return f"{kind_group}/{plural}/{scope.namespace}/{scope.labels}"
