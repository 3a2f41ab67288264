"""EDGE: says in the cluster what reconciles come to, in a thread of its own: whoever reconciles never waits for it."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from reconciler.announce.correlator import BOUNDS, Bounds, Correlator, Entry
from reconciler.announce.news import news
from reconciler.announce.notice import Notice
from reconciler.announce.object_status import object_statuses
from reconciler.announce.posting import EventPosting, Told
from reconciler.announce.progress import Progress
from reconciler.announce.repository_object import RepositoryObject
from reconciler.announce.status_writing import StatusWriting
from reconciler.model.decision import Decision, Trigger
from reconciler.model.errors import ReconcileError, Stalled
from reconciler.model.outcome import Outcome
from reconciler.model.resource import Resource

_MOST_HEARD = 64
_MOST_NOTICES = 1000
_REMIND_S = 1800.0  # the server forgets Events after an hour
_LOOK_S = 0.5
_RETRY_S = (0.5, 30.0)
_ATTEMPTS = 3
_FIRST_WORD_S = 10.0
_LAST_WORDS_S = 3.0


@dataclass(frozen=True, slots=True)
class Mouths:
    """Where things are said; None where the settings want none."""

    events: EventPosting | None
    statuses: StatusWriting | None
    repository: RepositoryObject | None


@dataclass(frozen=True, slots=True)
class _Heard:
    outcome: Outcome
    served: Sequence[Resource]
    handled: str


class Announcer:
    """Hears outcomes and says what they mean, if this replica leads.

    Args:
        mouths: where.
        leads: whether this replica may speak for all.
        identity: its name.
        tell: told what it is about and what is wrong, once as long as it lasts; an empty text after it.
        bounds: how much is said.
    """

    def __init__(
        self, mouths: Mouths, leads: Callable[[], bool], identity: str, tell: Told, bounds: Bounds = BOUNDS
    ) -> None:
        self._mouths, self._leads, self._identity, self._tell = mouths, leads, identity, tell
        self._inbox: deque[_Heard] = deque(maxlen=_MOST_HEARD)
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="announce", daemon=True)
        # Only the thread uses these.
        self._correlator = Correlator(bounds)
        self._queue: deque[Notice] = deque()
        self._standing: dict[Notice, float] = {}  # when it was last said
        self._progress = Progress()
        self._retry: tuple[Entry, int] | None = None
        self._troubles = 0
        self._trouble = ""
        self._overflowed = 0
        self._led = False
        self._patient_until = time.monotonic() + _FIRST_WORD_S

    @property
    def posted(self) -> int:
        """Events that were written."""
        return self._mouths.events.posted if self._mouths.events else 0

    @property
    def dropped(self) -> int:
        """Events that were not: too many, or not permitted."""
        return self._overflowed + (self._mouths.events.dropped if self._mouths.events else 0)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def hear(self, outcome: Outcome, served: Sequence[Resource], handled: str = "") -> None:
        """Take note of an outcome. Quick, never raises, and keeps the last ones only.

        Args:
            outcome: how a reconcile ended.
            served: the resources that are served after it.
            handled: the request of somebody that was there when it began.
        """
        with suppress(IndexError):  # the thread may take it meanwhile
            before = self._inbox[-1].outcome
            if before.quiet and outcome.quiet and before.trigger is not Trigger.LEADING:
                self._inbox.pop()
        self._inbox.append(_Heard(outcome, served, handled))
        self._wake.set()

    def close(self) -> None:
        """End, after a moment for what is still to be said."""
        self._closing.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(_LAST_WORDS_S)
        for mouth in (self._mouths.statuses, self._mouths.repository):
            if mouth is not None:
                mouth.close()

    def _run(self) -> None:
        while True:
            pause = self._step()
            if self._closing.is_set() and (pause or self._troubles):
                return
            if self._troubles:
                self._closing.wait(pause)  # whatever is heard meanwhile
            elif pause:
                self._wake.wait(pause)
                self._wake.clear()

    def _step(self) -> float:
        """Do one thing; returns the seconds until there is another."""
        try:
            pause = self._work()
        except ReconcileError as error:
            return self._failed(str(error))
        except Exception as error:  # noqa: BLE001 - a bug of ours must not end what is said
            return self._failed(f"{type(error).__name__}: {error}; this is a bug")
        self._troubles = 0
        if self._trouble and not pause:
            self._trouble = ""
            self._tell("the API server", "")
        return pause

    def _failed(self, trouble: str) -> float:
        if not self._trouble:
            self._tell("the API server", trouble)
        self._trouble = trouble
        self._troubles += 1
        return min(_RETRY_S[1], _RETRY_S[0] * 2.0 ** min(self._troubles, 10))

    def _work(self) -> float:
        repository = self._mouths.repository
        if repository is not None:
            repository.prepare()
        while self._inbox and not self._early():
            self._hear(self._inbox.popleft())
        if not self._leads():
            if self._led:
                self._forget()
            self._led = False
            return _LOOK_S
        self._led = True
        if repository is not None and repository.write(self._progress, self._identity):
            return 0.0
        now = time.monotonic()
        self._remind(now)
        waits = self._speak(now)
        if waits == 0.0 or (self._mouths.statuses is not None and self._mouths.statuses.step()):
            return 0.0
        return min(waits, _LOOK_S)

    def _early(self) -> bool:
        """Whether the object for the whole is still to be made; what is heard first is about it, too."""
        repository = self._mouths.repository
        return repository is not None and repository.subject() is None and time.monotonic() < self._patient_until

    def _hear(self, heard: _Heard) -> None:
        outcome = heard.outcome
        self._progress = self._progress.after(outcome, heard.handled)
        repository = self._mouths.repository
        told = news(outcome, repository.subject() if repository else None, self._identity)
        for notice in told.passing if self._leads() else ():
            self._enqueue(notice)
        if outcome.quiet or outcome.decision is Decision.FAILED:
            return
        self._standing = {notice: self._standing.get(notice, float("-inf")) for notice in told.standing}
        if self._mouths.statuses is not None:
            self._mouths.statuses.want(object_statuses(outcome, heard.served))

    def _forget(self) -> None:
        """Another replica speaks from now on; should it be us again, what holds then is said anew."""
        self._queue.clear()
        self._retry = None
        self._standing = dict.fromkeys(self._standing, float("-inf"))
        if self._mouths.statuses is not None:
            self._mouths.statuses.again()

    def _enqueue(self, notice: Notice) -> bool:
        if self._mouths.events is None:
            return False
        if len(self._queue) >= _MOST_NOTICES:
            self._overflowed += 1
            return False
        self._queue.append(notice)
        return True

    def _remind(self, now: float) -> None:
        """What still holds is said again before the server forgets it; and what there was no room for before."""
        for notice, said in self._standing.items():
            if now - said >= _REMIND_S:
                if len(self._queue) >= _MOST_NOTICES or not self._enqueue(notice):
                    return
                self._standing[notice] = now

    def _speak(self, now: float) -> float:
        """Say one thing; returns the seconds until the next may be said."""
        events = self._mouths.events
        if events is None or (not self._queue and self._retry is None):
            return _LOOK_S
        entry, attempts = self._retry or (None, 0)
        if entry is None:
            if (wait := self._correlator.wait(now)) > 0:
                return wait
            entry = self._correlator.admit(self._queue.popleft(), now, events.clock())
            if entry is None:
                events.dropped += 1
                return 0.0
        self._retry = entry, attempts + 1
        try:
            events.post(entry)
        except ReconcileError as error:
            if isinstance(error, Stalled) or attempts + 1 >= _ATTEMPTS:
                self._retry = None
                events.dropped += 1
            raise
        self._retry = None
        return 0.0
