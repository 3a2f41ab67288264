"""Leaves checkpoints outside, in the background, and holds what stands there against the journal first.

Nobody waits for a place: what fails is tried again at the next time, and told once. What stands outside counts for
more than the journal: where the two don't go together nothing more is left there, so that the evidence stays.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from reconciler.audit.anchor.place import Place
from reconciler.audit.proof import note
from reconciler.audit.proof.signing import PublicKey
from reconciler.model.errors import ReconcileError
from reconciler.model.happening import Happening, Note
from reconciler.model.health import AnchorHealth
from reconciler.model.text import plural

_STOP_S = 5.0  # how long the last checkpoint is waited for when the controller stops


class Past(Protocol):
    """What is needed of the journal. Every method may raise `Stalled` and `Transient`."""

    def newest(self) -> tuple[int, str]:
        """How many records there are, and the signed checkpoint over them."""

    def root_at(self, size: int) -> bytes:
        """The root over the first records."""

    def news(self, size: int) -> bool:
        """Whether anything was recorded after the first records but starts, stops and what was left outside."""

    def note(self, note: Note) -> int:
        """Records something that happened; returns its number."""

    def anchored(self, place: str, size: int, text: str) -> int:
        """Keeps and records that a checkpoint was left at a place; the record's number, 0 where that was known."""


class Anchoring:
    """Leaves checkpoints at some places, every so often and once more at the end.

    Args:
        past: the journal.
        places: where.
        pause: seconds between two times.
        clock: the time now, aware.
        on_trouble: told of a place that can't be used, or again can (empty text), and of an alarm; from the thread.
        known: of how many records a checkpoint was left at which place before, and when (seconds since 1970), as the
            journal says.
        keys: those that may have signed what stands at the places; without any, signatures are not looked at.
    """

    def __init__(
        self,
        past: Past,
        places: Sequence[Place],
        pause: float,
        clock: Callable[[], datetime],
        on_trouble: Callable[[AnchorHealth], None],
        known: Mapping[str, tuple[int, float]] = MappingProxyType({}),
        keys: Sequence[PublicKey] = (),
    ) -> None:
        self._keys = keys
        self._past, self._places, self._pause = past, tuple(places), pause
        self._clock, self._on_trouble = clock, on_trouble
        self._states = {each.name: AnchorHealth(each.name, *known.get(each.name, (0, 0.0))) for each in places}
        self._looked = 0  # how many records there were when what stands outside was last looked at
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="anchoring", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        if self._places:
            self._thread.start()

    def close(self) -> None:
        """Leaves a last checkpoint, and waits for that a few seconds at most."""
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)

    def states(self) -> tuple[AnchorHealth, ...]:
        """How the places are."""
        return tuple(self._states.values())

    def once(self) -> None:
        """Leaves what is new, at every place where it goes together with what stands there. Never raises."""
        try:
            size, text = self._past.newest()
            if not text or not self._needed():
                return
            self._looked = size
            for place in self._places:
                self._leave(place, size, text)
        except ReconcileError as error:
            self._trouble_everywhere(error)

    def _run(self) -> None:
        # Processes that begin and end more often than every so often, as those of a CronJob, leave no more for it.
        self._wake.wait(self._until_due())
        self._wake.clear()
        while True:
            self.once()
            if self._closing:
                return
            self._wake.wait(self._pause)
            self._wake.clear()

    def _until_due(self) -> float:
        """Seconds."""
        age = self._clock().timestamp() - min(state.left_at for state in self.states())
        return min(max(0.0, self._pause - age), self._pause)

    def _needed(self) -> bool:
        if any(state.failure for state in self.states()) or not (self._looked or self._closing):
            return True
        return self._past.news(self._looked or min(state.size for state in self.states()))

    def _leave(self, place: Place, size: int, text: str) -> None:
        state = self._states[place.name]
        try:
            there = place.newest()
            foreign = self._foreign(there)
            differs = self._differs("" if foreign else there, size, state.size)
            if differs:
                self._turn(state, replace(state, failure="", differs=differs))
                return
            if foreign:
                self._on_trouble(replace(state, failure=f"what stands there is passed over: {foreign}"))
            stands = note.claimed(there).size if there and not foreign else 0
            if stands != size and not self._past.news(stands):
                self._turn(state, AnchorHealth(place.name, stands, state.left_at))
                return
            if there != text:
                place.leave(text)
            now = self._clock().timestamp()
            self._past.anchored(place.name, size, text)
        except ReconcileError as error:
            self._turn(state, replace(state, failure=str(error)))
            return
        self._turn(state, AnchorHealth(place.name, size, now))

    def _foreign(self, there: str) -> str:
        """Why what stands outside says nothing of this journal: else anybody could end it all by writing there."""
        if not there:
            return ""
        try:
            left = note.claimed(there)
            if self._keys and not self._past_has(left):
                note.opened(there, self._keys)
        except ValueError as error:
            return str(error)
        return ""

    def _past_has(self, left: note.Checkpoint) -> bool:
        """Whether it is of this past, by whatever key: one that is gone by now may have signed it."""
        return left.size <= self._past.newest()[0] and self._past.root_at(left.size) == left.root

    def _differs(self, there: str, size: int, before: int) -> str:
        """Why what stands outside is not of this journal's past; empty where it is."""
        if not there:
            return f"the checkpoint of {plural(before, 'record')} that was left there is gone" if before else ""
        left = note.claimed(there)
        if left.size > size:
            return f"it was left when the journal had {left.size} records, and now it has {size}: its end was cut off"
        if self._past.root_at(left.size) != left.root:
            return f"the first {left.size} records are not those of the checkpoint there: they were written anew"
        return ""

    def _turn(self, before: AnchorHealth, after: AnchorHealth) -> None:
        """Takes a new state of a place in, and tells of trouble when it begins, and when it is over."""
        self._states[after.place] = after
        if after.differs and not before.differs:
            self._on_trouble(after)
            self._tell(Happening.ANCHOR_DIFFERS, f"{after.place}: {after.differs}", after.place)
        elif bool(after.failure) != bool(before.failure) or (before.differs and not after.differs):
            self._on_trouble(after)
            if after.failure:
                self._tell(Happening.ANCHOR_FAILED, f"{after.place}: {after.failure}", after.place)

    def _tell(self, happening: Happening, message: str, place: str) -> None:
        self._past.note(Note(happening, message, None, {"places": [place]}))

    def _trouble_everywhere(self, error: ReconcileError) -> None:
        """The journal itself can't be used: those who write it say so, too."""
        for state in self.states():
            if not state.failure:
                self._states[state.place] = replace(state, failure=str(error))
                self._on_trouble(self._states[state.place])
