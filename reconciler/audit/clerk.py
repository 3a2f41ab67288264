"""Writes the journal on behalf of the controller, and knows what to do while it can't be written.

Fail closed: what can't be recorded is not done. Fail open (NIST SP 800-53 AU-5): it is done, what was decided is kept
beside the journal, and as soon as the journal can be written again the gap is the first thing it is told.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.audit.journal import Journal
from reconciler.audit.record.clean import clean_text
from reconciler.audit.record.groups import stamp
from reconciler.audit.spool import Missed, Part, Spool
from reconciler.model.audit import Attempt, Conclusion, Documents
from reconciler.model.digest import Digest
from reconciler.model.errors import ReconcileError
from reconciler.model.happening import Happening, Note

UNRECORDED = 0
_MOST_TOLD = 200


@dataclass(slots=True)
class Clerk:
    """The journal's methods that write; a sequence of `UNRECORDED` stands for what was not recorded.

    Attributes:
        journal: written.
        clock: the time now, aware.
        goes_on: whether what can't be recorded is done all the same.
        spool: where it is kept then.
        on_trouble: told why the journal can't be written, and with an empty text that it can again; once each.
    """

    journal: Journal
    clock: Callable[[], datetime]
    goes_on: bool = False
    spool: Spool = field(default_factory=lambda: Spool(None))
    on_trouble: Callable[[str], None] = lambda _why: None
    trouble: str = field(default="", init=False)
    _first: Note | None = field(default=None, init=False)
    _waits: bool = field(default=False, init=False)
    _began: int = field(default=UNRECORDED, init=False)
    _attempt: Attempt | None = field(default=None, init=False)
    _owed: Callable[[], object] | None = field(default=None, init=False)

    @property
    def unrecorded(self) -> int:
        """How much was done that the journal does not tell of yet."""
        return len(self.spool)

    @property
    def ours(self) -> tuple[Digest, ...]:
        """Digests of what targets may hold that we applied, this process or one before it, and did not record."""
        return self.spool.ours

    def open_with(self, note: Note, *, waits: bool = False) -> int:
        """Records that a process began: now, or before anything else it records; that keeps nobody from serving.

        Args:
            note: says so.
            waits: for something else to record; where nothing comes, neither beginning nor end are recorded.
        """
        self._first, self._waits = note, waits
        self._try_to_settle()
        return self._began

    def close_with(self, last: Callable[[int], Note]) -> None:
        """Records that the process ends, where it is recorded that it began; given the number of that record."""
        if self._nothing_to_tell and self._first is not None:
            return
        with suppress(ReconcileError):  # then the next process finds that this one ended without a word
            self._write(lambda: self.journal.note(last(self._began)), lambda: {"happened": str(Happening.AUDIT_STOP)})

    def intend(self, attempt: Attempt) -> int:
        """See `Journal.intend`; closes an intent whose result could not be written.

        Raises:
            Stalled, Transient: it can't be written, and nothing is done unrecorded.
        """
        self._attempt = attempt
        return self._write(
            lambda: self.journal.intend(attempt, instead=True),
            lambda: _attempted(attempt, "intent"),
            ours=(*self.ours[-1:], attempt.plan.after),
        )

    def conclude(
        self, sequence: int, conclusion: Conclusion, documents: Documents | None, digest: Digest | None
    ) -> int:
        """See `Journal.conclude`.

        Raises:
            Stalled, Transient: as for `intend`.
        """
        attempt = self._attempt

        def late() -> int:
            if attempt is None:
                raise AssertionError("what is concluded was intended")
            intended = self.journal.intend(attempt, instead=True)
            return self.journal.conclude(intended, conclusion, documents, digest)

        def write() -> int:
            return late() if sequence == UNRECORDED else self.journal.conclude(sequence, conclusion, documents, digest)

        ours = None if documents is None or digest is None else (digest,)
        return self._write(write, lambda: _concluded(attempt, conclusion), late, ours)

    def decide(
        self,
        attempt: Attempt,
        conclusion: Conclusion,
        documents: Documents | None = None,
        digest: Digest | None = None,
    ) -> int:
        """See `Journal.decide`.

        Raises:
            Stalled, Transient: as for `intend`.
        """

        def write() -> int:
            return self.journal.decide(attempt, conclusion, documents, digest)

        owed = write if documents is not None else None
        return self._write(write, lambda: _concluded(attempt, conclusion), owed)

    def note(self, note: Note) -> int:
        """See `Journal.note`.

        Raises:
            Stalled, Transient: as for `intend`.
        """
        return self._write(lambda: self.journal.note(note), lambda: {"happened": str(note.happening)})

    def settle(self) -> None:
        """Tell the journal what it does not know yet, if it can be told by now."""
        self._try_to_settle()

    @property
    def _nothing_to_tell(self) -> bool:
        return not self.trouble and not len(self.spool) and (self._first is None or self._waits)

    def _try_to_settle(self) -> None:
        if not self._nothing_to_tell:
            try:
                self._settle()
            except ReconcileError as error:
                self._troubled(error)

    def _write(
        self,
        write: Callable[[], int],
        missed: Callable[[], Missed],
        owed: Callable[[], object] | None = None,
        ours: tuple[Digest, ...] | None = None,
    ) -> int:
        """Writes a record after all that is still to be told; or keeps that there is one.

        Args:
            write: writes it.
            missed: what of it is kept where that fails.
            owed: records what is served from it on, later; only the last such is of interest.
            ours: what targets may hold without the journal knowing, where it is not written; None: as before.
        """
        try:
            self._settle(before=owed is None)
            sequence = write()
        except ReconcileError as error:
            self._troubled(error)
            if not self.goes_on:
                raise
            self.spool.add({"at": stamp(self.clock()), **missed()}, ours)
            self._owed = owed or self._owed
            return UNRECORDED
        if owed:
            self._served_is_recorded()
        return sequence

    def _settle(self, *, before: bool = True) -> None:
        """Writes what comes first; ``before``: also what is served, which the next record does not say by itself."""
        if self._first is not None:
            self._began = self.journal.note(self._first)
            self._first = None
        self._tell_gap()
        if before and self._owed is not None:
            self._owed()
            self._served_is_recorded()
        if self.trouble:
            self.trouble = ""
            self.on_trouble("")

    def _served_is_recorded(self) -> None:
        self._owed = None
        self.spool.recorded()

    def _tell_gap(self) -> None:
        """Tells all that was missed, in as many notes as that takes, and none of it twice."""
        spool = self.spool
        if spool.unreadable:
            self.journal.note(_unknown_gap(spool.unreadable))
            spool.set_aside()
        if not len(spool):
            return
        # A process may have died, or a connection, between a note and the mark that it was told.
        before = self.journal.latest(Happening.AUDIT_GAP)
        body = before.records[0].body if before else {}
        through = body.get("through") if body.get("gap") == spool.gap else 0
        spool.tell(through if isinstance(through, int) else 0)
        while len(spool):
            part = spool.part(_MOST_TOLD)
            self.journal.note(_gap(spool, part, self.trouble))
            spool.tell(part.through)

    def _troubled(self, error: ReconcileError) -> None:
        if not self.trouble:
            self.on_trouble(str(error))
        self.trouble = str(error)


def _gap(spool: Spool, part: Part, why: str) -> Note:
    times = [str(missed.get("at", "")) for missed in part.kept]
    more = f" ({part.through} of {spool.missed} told by now)" if part.missed != spool.missed else ""
    return Note(
        Happening.AUDIT_GAP,
        f"{part.missed} records could not be written when they were due{more}",
        facts={
            "gap": spool.gap,
            "through": part.through,
            "from": min(times, default="unknown"),
            "to": max(times, default="unknown") if len(part.kept) == part.missed else "unknown",
            "missed": part.missed,
            "lost": part.missed - len(part.kept),
            "decisions": [*part.kept],
            "unrecorded": [*spool.ours],
            "why": clean_text(why) or "unknown",
        },
    )


def _unknown_gap(why: str) -> Note:
    """Where nobody knows how much was missed."""
    return Note(
        Happening.AUDIT_GAP,
        "what could not be recorded when it was due was kept beside the journal, and can't be read",
        facts={"missed": "unknown", "lost": "unknown", "decisions": [], "why": clean_text(why) or "unknown"},
    )


def _attempted(attempt: Attempt, what: str) -> Missed:
    return {
        "what": what,
        "trigger": str(attempt.trigger),
        "revision": str(attempt.revision) if attempt.revision else None,
        "plan": attempt.plan.digest,
    }


def _concluded(attempt: Attempt | None, conclusion: Conclusion) -> Missed:
    ended: Missed = {"decision": str(conclusion.decision), "reason": conclusion.reason}
    return {**(_attempted(attempt, "result") if attempt else {}), **ended}
