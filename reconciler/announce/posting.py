"""EDGE: writes Events through the API server, and remembers where it may not."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.announce.correlator import Entry
from reconciler.announce.event import CONTROLLER, Said, event_body
from reconciler.announce.notice import Subject
from reconciler.cluster import CONFIG_MAPS, EVENTS, Body, Cluster, Conflict
from reconciler.model.errors import Stalled

_AGAIN_S = 300.0  # what is not permitted is tried again after this: a Role may have come

Told = Callable[[str, str], None]


@dataclass(slots=True)
class Muted:
    """Where something is not permitted, for a while; it is told once as long as it lasts.

    Attributes:
        tell: told what it is about and what is wrong; an empty text when it works again.
    """

    tell: Told
    _until: dict[str, float] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def __contains__(self, about: str) -> bool:
        return time.monotonic() < self._until.get(about, 0.0)

    @contextmanager
    def watching(self, about: str) -> Iterator[None]:
        """Takes note of what a person must change, and goes on without.

        Raises:
            Transient: it may work later.
        """
        try:
            yield
        except Stalled as error:
            self._until[about] = time.monotonic() + _AGAIN_S
            if about not in self._told:
                self._told.add(about)
                self.tell(about, str(error))
            return
        if about in self._told:
            self._told.discard(about)
            self.tell(about, "")


class EventPosting:
    """Writes Events. One thread.

    Args:
        cluster: the API server.
        instance: the name of this replica.
        clock: the time now, aware.
        tell: see `Muted`.
    """

    def __init__(self, cluster: Cluster, instance: str, clock: Callable[[], datetime], tell: Told) -> None:
        self._cluster, self._instance, self.clock = cluster, instance, clock
        self._muted = Muted(tell)
        self.posted = 0
        self.dropped = 0

    def post(self, entry: Entry) -> None:
        """Write an Event, or count it as dropped where that is not permitted.

        Args:
            entry: what.

        Raises:
            Transient: it may work later; sent again, it is the same Event.
        """
        about = f"events in namespace {entry.notice.subject.namespace}"
        if about in self._muted:
            self.dropped += 1
            return
        before = self.posted
        with self._muted.watching(about):
            known = self._identified(entry.notice.subject)
            if known is not None:
                found = replace(entry, notice=replace(entry.notice, subject=known))
                self._write(event_body(Said(found, self.clock(), self._instance)), entry.count)
                self.posted += 1
        self.dropped += self.posted == before

    def _write(self, body: Body, count: int) -> None:
        try:
            if count == 1:
                self._cluster.create(EVENTS, body)
            else:
                self._cluster.apply(EVENTS, body, CONTROLLER, force=True)
        except Conflict:
            pass  # an earlier attempt arrived, though its answer did not

    def _identified(self, subject: Subject) -> Subject | None:
        """With its uid, by which tools find the Events of an object; None where a ConfigMap is gone."""
        if subject.uid or subject.kind != CONFIG_MAPS.kind:
            return subject
        found = self._cluster.get(CONFIG_MAPS, subject.namespace, subject.name)
        metadata = found.get("metadata") if found else None
        return replace(subject, uid=str(metadata.get("uid") or "")) if isinstance(metadata, dict) else None
