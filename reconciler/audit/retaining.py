"""How long contents stay in the journal: deletes those that are old enough, and holds those that must stay."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.audit.store import holding, retention
from reconciler.audit.store.append import Hand, writing
from reconciler.audit.store.database import Database, reading
from reconciler.audit.store.keeping import Kept, kept
from reconciler.model.happening import Actor
from reconciler.model.retention import Deletion, Hold


@dataclass(slots=True)
class Retention:
    """The part of a journal's door for who deletes and holds. Methods raise as the journal's own do."""

    place: Database
    hand: Hand
    _spared: tuple[datetime, Kept] | None = field(default=None, init=False)

    def hold(self, since: datetime | None, until: datetime | None, reason: str, actor: Actor) -> int:
        """Keeps everything of a time from deletion; returns the number of the hold.

        Raises:
            Stalled: there is no such time.
        """
        with writing(self.place.writer, self.hand) as ledger:
            return holding.hold(ledger, since, until, reason, actor)

    def release(self, number: int, reason: str, actor: Actor) -> int:
        """Ends a hold; returns the number of the entry that says so.

        Raises:
            Stalled: there is no such hold (any more).
        """
        with writing(self.place.writer, self.hand) as ledger:
            return holding.release(ledger, number, reason, actor)

    def holds(self) -> Sequence[Hold]:
        """All holds, released ones too, oldest first."""
        with reading(self.place.reader) as connection:
            return holding.listed(connection)

    def step(self, before: datetime, actor: Actor, after: int = 0) -> Deletion:
        """Deletes some of what ended before a moment; an append waits for no more than that.

        Args:
            before: when.
            actor: who wants it.
            after: where the step before ended (`Deletion.reached`); 0 at first.
        """
        if after == 0 or self._spared is None or self._spared[0] != before:
            self._look(before)
        with writing(self.place.writer, self.hand) as ledger:
            done = retention.delete_some(ledger, before, self._spared[1], after, actor) if self._spared else Deletion()
        if not done.done and done.reached == after:
            self._spared = None  # somebody holds or releases something meanwhile
        return done

    def finished(self) -> str:
        """Before which moment (a stamp) all is deleted that need not stay; empty while there may be more."""
        with reading(self.place.reader) as connection:
            return retention.finished(connection)

    def would_delete(self, before: datetime) -> Deletion:
        """What all steps together would delete."""
        with reading(self.place.reader) as connection:
            return retention.would_delete(connection, kept(connection, before))

    def deleted_by(self, moment: str) -> int | None:
        """The entry by which what there was at a moment (a stamp) was deleted; None where nothing was deleted."""
        with reading(self.place.reader) as connection:
            return retention.deleted_by(connection, moment)

    def _look(self, before: datetime) -> None:
        with reading(self.place.reader) as connection:
            self._spared = before, kept(connection, before)
