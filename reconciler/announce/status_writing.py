"""EDGE: keeps the status of custom resources at what it is to say."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.announce.notice import Subject
from reconciler.announce.object_status import ObjectStatus, differs, peer_json, status_json
from reconciler.announce.posting import Muted, Told
from reconciler.cluster import Body, Cluster, Conflict, ObjectType, Reflector, Scope
from reconciler.model.digest import Json
from reconciler.model.errors import ReconcileError, Stalled

MANAGER = "reconciler"
_KINDS_EVERY_S = 30.0
_LOOK_S = 600.0


@dataclass(frozen=True, slots=True)
class Found:
    """What an object says now.

    Attributes:
        status: all of it.
    """

    uid: str
    generation: int
    status: Mapping[str, Json]


def _found(body: Body) -> Found:
    metadata, status = body.get("metadata"), body.get("status")
    known = metadata if isinstance(metadata, dict) else {}
    generation = known.get("generation")
    return Found(
        str(known.get("uid") or ""),
        generation if isinstance(generation, int) else 0,
        status if isinstance(status, dict) else {},
    )


class StatusWriting:
    """Writes what differs, one object at a time. One thread.

    Args:
        cluster: the API server.
        scopes: where objects are read.
        kinds: asks the server for the types that are read, as it has them.
        clock: the time now, aware.
        tell: see `Muted`.
    """

    def __init__(
        self,
        cluster: Cluster,
        scopes: Sequence[Scope],
        kinds: Callable[[], Sequence[ObjectType]],
        clock: Callable[[], datetime],
        tell: Told,
    ) -> None:
        self._cluster, self._scopes, self._ask_kinds, self._clock = cluster, tuple(scopes), kinds, clock
        self._muted = Muted(tell)
        self._kinds: dict[str, ObjectType] = {}
        self._asked_at = float("-inf")
        self._reflectors: dict[tuple[str, str], Reflector[Found]] = {}
        self._peers: set[str] = set()  # kinds whose definition has no room for conditions
        self._wanted: Mapping[Subject, ObjectStatus] = {}
        self._due: dict[Subject, ObjectStatus] = {}
        self._looked_at = float("-inf")

    def want(self, statuses: Mapping[Subject, ObjectStatus]) -> None:
        """From now on objects are to say this; those that are broken first.

        What was wanted before is taken to be there, but for a look at everything from time to time.
        """
        all_of_them = time.monotonic() - self._looked_at > _LOOK_S
        self._looked_at = time.monotonic() if all_of_them else self._looked_at
        due = [
            status
            for subject, status in statuses.items()
            if all_of_them or subject in self._due or self._wanted.get(subject) != status
        ]
        due.sort(key=lambda status: status.ready)
        self._due = {status.subject: status for status in due}
        self._wanted = statuses

    def again(self) -> None:
        """Somebody else may have written meanwhile: look at everything."""
        self._due = dict(self._wanted)

    def step(self) -> bool:
        """Write one status that differs; False where there is nothing to do for now.

        Raises:
            Transient: it may work later; nothing is lost.
        """
        waiting: list[Subject] = []
        try:
            while self._due:
                subject = next(iter(self._due))
                ready = self._ready(subject)
                if ready is None:
                    waiting.append(subject)
                    # To the end: others need not wait until its kind is known.
                    self._due[subject] = self._due.pop(subject)
                    if len(waiting) >= len(self._due):
                        return False
                    continue
                if self._write(self._due[subject], ready):
                    del self._due[subject]
                    return True
                del self._due[subject]
        except Conflict:
            self._due.pop(subject, None)
        return False

    def close(self) -> None:
        """End the watches."""
        for reflector in self._reflectors.values():
            reflector.close()

    def _ready(self, subject: Subject) -> "Found | bool | None":
        """What the object says; False where nothing can be written to it, None where that is not known yet."""
        kind = self._kind(subject.kind)
        if kind is None:
            return False
        namespaces = {scope.namespace: scope for scope in self._scopes}
        scope = namespaces.get(subject.namespace) or namespaces.get("")
        if scope is None or _about(subject.kind) in self._muted:
            return False
        key = subject.kind, scope.namespace
        if key not in self._reflectors:
            self._reflectors[key] = Reflector(self._cluster, kind, _found, lambda: None, scope)
            self._reflectors[key].start()
        copy = self._reflectors[key].copy()
        if not copy.synced:
            return None
        found = copy.objects.get((subject.namespace, subject.name))
        # Another object of that name will have a status of its own.
        return found if found is not None and found.uid == subject.uid else False

    def _kind(self, name: str) -> ObjectType | None:
        if name not in self._kinds and time.monotonic() - self._asked_at > _KINDS_EVERY_S:
            self._asked_at = time.monotonic()
            self._kinds = {kind.kind: kind for kind in self._ask_kinds()}
        return self._kinds.get(name)

    def _write(self, status: ObjectStatus, found: "Found | bool") -> bool:
        """Whether anything was written."""
        if not isinstance(found, Found):
            return False
        known = status if status.generation else replace(status, generation=found.generation)
        peer = peer_json(known)
        wanted = peer if known.subject.kind in self._peers else status_json(known, found.status, self._clock())
        if not wanted or not differs(wanted, found.status):
            return False
        with self._muted.watching(_about(known.subject.kind)):
            try:
                self._apply(known.subject, wanted)
            except ReconcileError as error:
                if wanted is peer or "field not declared in schema" not in str(error):
                    raise
                self._peers.add(known.subject.kind)
                if peer:
                    self._apply(known.subject, peer)
        return True

    def _apply(self, subject: Subject, status: dict[str, Json]) -> None:
        metadata: Body = {"name": subject.name, "namespace": subject.namespace, "uid": subject.uid}
        try:
            self._cluster.apply(
                self._kinds[subject.kind], {"metadata": metadata, "status": status}, MANAGER, subresource="status"
            )
        except Conflict as error:
            if "conflict with" in str(error):
                words = f"{subject.place}: {error.message}"
                raise Stalled(error.reason, words, "another controller writes its status, too") from None
            raise


def _about(kind: str) -> str:
    return f"status of {kind}"
