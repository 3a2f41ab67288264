"""What the journal proves, and where its checkpoints were left: exports, roots, keys."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, suppress

from sqlalchemy import Connection

from reconciler.audit.proof import note as notes
from reconciler.audit.proof.signing import PublicKey, Signer
from reconciler.audit.record import records
from reconciler.audit.record.groups import Facts, stamp
from reconciler.audit.store import append, database, proving
from reconciler.audit.store.append import Hand
from reconciler.audit.store.database import Database
from reconciler.audit.store.proving import Range
from reconciler.model.audit import Event
from reconciler.model.errors import Stalled
from reconciler.model.happening import Actor, Happening, Note
from reconciler.model.text import plural


class Proofs:
    """One journal's. Every method may raise `Stalled` (damaged, not signed) and `Transient` (not now)."""

    def __init__(self, place: Database, hand: Hand) -> None:
        self._place, self._hand = place, hand

    def newest(self) -> tuple[int, str]:
        """How many records there are, and the signed checkpoint over them; empty where nothing signs."""
        with self._reading() as connection:
            return proving.newest(connection)

    def origin(self) -> str:
        """The journal's name, as its newest checkpoint has it; empty where nothing signs, or that is none."""
        with suppress(ValueError):
            return notes.claimed(self.newest()[1]).origin
        return ""

    def root_at(self, size: int) -> bytes:
        """The root over the first records."""
        with self._reading() as connection:
            return proving.root_at(connection, size)

    def export(self, wanted: Range) -> Iterator[bytes]:
        """The lines of an export that proves itself, of the records there are now; however slowly they are taken."""
        return proving.export(self._reading, wanted, self._hand.clock(), self._hand.public)

    def note(self, note: Note) -> int:
        """Records something that happened; returns its number."""
        with append.writing(self._place.writer, self._hand) as ledger:
            return ledger.append(Event.NOTE, records.note(note)).sequence

    def anchored(self, place: str, size: int, text: str) -> int:
        """Keeps that a checkpoint was left at a place outside, and records it, or neither.

        Returns:
            The number of the record; 0 where that was known.
        """
        now = self._hand.clock()
        with append.writing(self._place.writer, self._hand) as ledger:
            if not proving.keep_checkpoint(ledger.connection, size, text, place, now):
                return 0
            message = f"the checkpoint of {plural(size, 'record')} was left outside"
            facts: Facts = {"places": [place], "size": size, "left_at": stamp(now)}
            return ledger.append(Event.NOTE, records.note(Note(Happening.ANCHORED, message, None, facts))).sequence

    def news(self, size: int) -> bool:
        """Whether anything was recorded after the first records but starts, stops and what was left outside."""
        with self._reading() as connection:
            return proving.news(connection, size)

    def left(self) -> dict[str, tuple[int, float]]:
        """Of how many records a checkpoint was last left, and when (seconds since 1970), by place."""
        with self._reading() as connection:
            return proving.left(connection)

    def trusted(self, keys: Sequence[PublicKey]) -> list[PublicKey]:
        """These keys, and those that they announced in the journal, one after the other."""
        found = list(keys)
        with self._reading() as connection:
            for origin, text in proving.announcements(connection):
                with suppress(ValueError):  # by a key that is not among them
                    new = notes.announced(text, origin, found)
                    found += [new] if new not in found else []
        return found

    def signed_by(self, keys: Sequence[PublicKey]) -> str:
        """Which of the keys signed the newest checkpoint; empty where none did."""
        with suppress(ValueError):
            return str(notes.signed_by(self.newest()[1], keys)[1])
        return ""

    def announce(self, new: Signer, actor: Actor) -> int:
        """Records, signed by the present key, that another one signs from now on; returns the number of the record.

        Raises:
            Stalled: nothing signs this journal now.
        """
        old = self._hand.signer
        if old is None:
            raise Stalled("JournalNotSigned", "no key signs the journal that could announce another", "")
        text = notes.announcement(self._hand.origin, new.public, old)
        message = f"the key {new.public.id.hex()} signs from now on, in place of {old.public.id.hex()}"
        facts: Facts = {"key": str(new.public), "announcement": text}
        with append.writing(self._place.writer, self._hand) as ledger:
            # The new one finds an end then that it signed itself, wherever the old one is.
            ledger.successor = new
            return ledger.append(Event.NOTE, records.note(Note(Happening.KEY_CHANGED, message, actor, facts))).sequence

    def adopt(self, actor: Actor) -> int:
        """Records that the present key signs from now on, whoever signed what there is; returns the record's number.

        Zero, and nothing is recorded, where it signs already.

        Raises:
            Stalled: there is no key, or the journal is damaged beyond its signature.
        """
        key = self._hand.signer
        if key is None:
            raise Stalled("JournalNotSigned", "no key is there that could sign the journal", "")
        with suppress(Stalled), append.writing(self._place.writer, self._hand):
            return 0
        size, before = self.newest()
        message = f"the key {key.public.id.hex()} signs from now on; no older key announced it"
        facts: Facts = {
            "key": str(key.public),
            # By itself alone: who trusts only older keys is not to follow it.
            "announcement": notes.announcement(self._hand.origin, key.public, key),
            "adopted": {"records": size, "checkpoint": before},
        }
        with append.writing(self._place.writer, self._hand, any_end=True) as ledger:
            return ledger.append(Event.NOTE, records.note(Note(Happening.KEY_CHANGED, message, actor, facts))).sequence

    def _reading(self) -> AbstractContextManager[Connection]:
        return database.reading(self._place.reader)
