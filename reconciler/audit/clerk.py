"""Writes the journal on behalf of the controller, and knows what to do while it can't be written.

Fail closed: what can't be recorded is not done. Fail open (NIST SP 800-53 AU-5): it is done, what was decided is kept
beside the journal, and as soon as the journal can be written again the gap is the first thing it is told.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.audit.journal import Journal
from reconciler.audit.record.clean import clean_text
from reconciler.audit.record.groups import stamp
from reconciler.audit.spool import Missed, Spool
from reconciler.model.audit import Attempt, Conclusion, Documents
from reconciler.model.digest import Digest, Json
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
    _first: list[Note] = field(default_factory=list, init=False)
    _attempt: Attempt | None = field(default=None, init=False)
    _owed: Callable[[], object] | None = field(default=None, init=False)

    @property
    def unrecorded(self) -> int:
        """How much was done that the journal does not tell of yet."""
        return len(self.spool)

    def open_with(self, note: Note) -> int:
        """Records that a process began: now, or before anything else it records; that keeps nobody from serving."""
        self._first.append(note)
        try:
            return self._settle()
        except ReconcileError as error:
            self._troubled(error)
            return UNRECORDED

    def intend(self, attempt: Attempt) -> int:
        """See `Journal.intend`; closes an intent whose result could not be written.

        Raises:
            Stalled, Transient: it can't be written, and nothing is done unrecorded.
        """
        self._attempt = attempt
        return self._write(lambda: self.journal.intend(attempt, instead=True), lambda: _attempted(attempt, "intent"))

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

        return self._write(write, lambda: _concluded(attempt, conclusion), late)

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

        return self._write(write, lambda: _concluded(attempt, conclusion), write if documents is not None else None)

    def note(self, note: Note) -> int:
        """See `Journal.note`.

        Raises:
            Stalled, Transient: as for `intend`.
        """
        return self._write(lambda: self.journal.note(note), lambda: {"happened": str(note.happening)})

    def settle(self) -> None:
        """Tell the journal what it does not know yet, if it can be told by now."""
        if self.trouble or self._first or len(self.spool):
            try:
                self._settle()
            except ReconcileError as error:
                self._troubled(error)

    def _write(
        self, write: Callable[[], int], missed: Callable[[], Missed], owed: Callable[[], object] | None = None
    ) -> int:
        """Writes a record after all that is still to be told; or keeps that there is one.

        Args:
            write: writes it.
            missed: what of it is kept where that fails.
            owed: records what is served from it on, later; only the last such is of interest.
        """
        try:
            self._settle(before=owed is None)
            sequence = write()
        except ReconcileError as error:
            self._troubled(error)
            if not self.goes_on:
                raise
            self.spool.add({"at": stamp(self.clock()), **missed()})
            self._owed = owed or self._owed
            return UNRECORDED
        self._owed = None if owed else self._owed
        return sequence

    def _settle(self, *, before: bool = True) -> int:
        """Writes what comes first; ``before``: also what is served, which the next record does not say by itself."""
        sequence = UNRECORDED
        while self._first:
            sequence = self.journal.note(self._first[0])
            self._first.pop(0)
        if len(self.spool):
            self.journal.note(self._gap())
            self.spool.clear()
        if before and self._owed is not None:
            self._owed()
            self._owed = None
        if self.trouble:
            self.trouble = ""
            self.on_trouble("")
        return sequence

    def _troubled(self, error: ReconcileError) -> None:
        if not self.trouble:
            self.on_trouble(str(error))
        self.trouble = str(error)

    def _gap(self) -> Note:
        spool = self.spool
        times = [str(missed.get("at", "")) for missed in spool.found]
        told: list[Json] = list(spool.found[:_MOST_TOLD])
        message = f"{len(spool)} records could not be written when they were due"
        return Note(
            Happening.AUDIT_GAP,
            message,
            facts={
                "from": min(times, default="unknown"),
                "to": max(times, default="unknown"),
                "missed": len(spool),
                "lost": len(spool) - len(told),
                "decisions": told,
                "why": clean_text(self.trouble) or "unknown",
            },
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
