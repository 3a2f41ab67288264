"""What notes in the journal say of the journal itself, held against its tables: holds, deletions, keys, checkpoints."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy import Connection, column, select, table

from reconciler.audit.proof import note
from reconciler.audit.proof.deleted import Deleted
from reconciler.audit.proof.merkle import Frontier
from reconciler.audit.proof.note import Checkpoint
from reconciler.audit.proof.signing import PublicKey
from reconciler.audit.store.beside import Differs
from reconciler.audit.store.traces import traces
from reconciler.model.digest import Json
from reconciler.model.happening import Happening

_ANOTHER = "what is left of the records whose contents it tells were deleted is not what it was then"
_HOLD = ("sequence", "since", "until", "reason", "released")


@dataclass(frozen=True, slots=True)
class _Deletion:
    """What a note tells of the records whose contents were deleted."""

    sequence: int
    stretches: tuple[tuple[int, int], ...]
    said: dict[str, Json]


@dataclass(slots=True)
class Told:
    """What was learnt from walking the records.

    Attributes:
        keys: who may have signed; none leaves signatures unchecked. Those that one of them announced count, too.
        checkpoints: of the tables, by size: they must be those of the tree.
        known_from: the first result whose documents are kept; those of earlier ones were not, before a migration.
        forgotten: stretches of results whose documents retention deleted, both ends among them.
    """

    keys: list[PublicKey]
    checkpoints: dict[int, str] = field(default_factory=dict)
    known_from: int = 0
    forgotten: list[tuple[int, int]] = field(default_factory=list)
    _deleted: Deleted = field(default_factory=Deleted)
    _holds: dict[int, list[Json]] = field(default_factory=dict)
    _announced: list[tuple[int, str]] = field(default_factory=list)
    _deletions: list[_Deletion] = field(default_factory=list)
    _left: dict[tuple[str, int], Json] = field(default_factory=dict)  # when, by place and size
    _roots: dict[int, bytes] = field(default_factory=dict)

    def take(self, sequence: int, body: dict[str, Json] | None, frontier: Frontier) -> None:
        """Takes in a record that verified; ``frontier`` is that of the tree up to it."""
        if sequence in self.checkpoints:
            self._roots[sequence] = frontier.root()
        if body is None:
            self._deleted.found(sequence, sequence)
            return
        happened = body.get("happened")
        for each in happened if isinstance(happened, list) else ():
            self._learn(sequence, str(each), body)

    def _learn(self, sequence: int, happened: str, body: dict[str, Json]) -> None:
        match happened:
            case Happening.RETENTION_DELETE:
                self._deleted.told(body)
                self.forgotten += _stretches(body.get("states"))
                said = {name: body.get(name) for name in ("records", "root", "columns")}
                self._deletions.append(_Deletion(sequence, tuple(_stretches(body.get("ranges"))), said))
            case Happening.HOLD:
                self._holds[sequence] = [*(body.get(name) for name in _HOLD[1:4]), None]
            case Happening.HOLD_RELEASED:
                held = self._holds.get(int(str(body.get("hold", 0))))
                if held is not None:
                    held[3] = sequence
            case Happening.MIGRATED:
                known = body.get("served_known_from")
                self.known_from = known if isinstance(known, int) else sequence
            case Happening.ANCHORED:
                self._left.update(_left(body))
            case Happening.KEY_CHANGED:
                self._announced.append((sequence, str(body.get("announcement"))))

    def check_deleted(self) -> None:
        """Sees to it that every content that is gone was deleted by the journal's own word.

        Raises:
            Differs: one was not.
        """
        untold, first = self._deleted.untold()
        if untold and first:
            raise Differs(first[0], "its content is gone, and no record tells that it was deleted")

    def check_traces(self, connection: Connection) -> int:
        """Holds what is left of records without a content against what was noted when that was deleted.

        Returns:
            How many of them said what is served.

        Raises:
            Differs: a column, a hash or a row is not as it was then.
        """
        states = 0
        for each in self._deletions:
            try:
                found = traces(connection, each.stretches)
            except (TypeError, ValueError, LookupError) as error:
                raise Differs(each.sequence, _ANOTHER) from error
            if found.facts() != each.said:
                raise Differs(each.sequence, _ANOTHER)
            states += found.states
        return states

    def end(self, connection: Connection, size: int, checkpoint: object, root: bytes) -> None:
        """Compares all that was learnt with the tables, and the signed checkpoint with the tree.

        Args:
            connection: reads the tables.
            size: how many records there are.
            checkpoint: what the head has: empty where nothing signs.
            root: of the tree over all records.

        Raises:
            Differs: something is not as the records say.
        """
        rows = table("holds", *map(column, _HOLD))
        held = {row[0]: list(row[1:]) for row in connection.execute(select(rows))}
        for number in sorted(held.keys() | self._holds.keys()):
            if held.get(number) != self._holds.get(number):
                raise Differs(number, "the table holds says something else of it than its content and later records")
        self._check_left(connection)
        if self.keys and not checkpoint:
            raise Differs(0, "nothing signs the journal, so that no key proves it")
        signed = {size: checkpoint} if checkpoint else {}
        for each, text in sorted({**self.checkpoints, **signed}.items()):
            self._check(each, text, root if each == size else self._roots.get(each), newest=each == size)

    def _check_left(self, connection: Connection) -> None:
        """Holds where checkpoints were left against the notes that tell it."""
        rows = table("anchors", *map(column, ("place", "size", "time")))
        there = {(row.place, row.size): row.time for row in connection.execute(select(rows))}
        for (place, size), told in sorted(self._left.items()):
            if there.get((place, size)) != told:
                raise Differs(0, f"the table anchors lacks what a record tells was left at {place}: size {size}")
        forged = sorted(there.keys() - self._left.keys())
        if forged:
            raise Differs(0, f"the table anchors says what no record tells: size {forged[0][1]} at {forged[0][0]}")
        first: dict[int, str] = {}
        for (_, size), time in there.items():
            first[size] = min(time, first.get(size, time))
        sizes = table("checkpoints", *map(column, ("size", "time")))
        if {row.size: row.time for row in connection.execute(select(sizes))} != first:
            raise Differs(0, "the tables anchors and checkpoints tell of other sizes or times")

    def _check(self, size: int, text: object, root: bytes | None, *, newest: bool) -> None:
        """Holds a checkpoint against the tree, and its signature against the keys."""
        try:
            found = note.claimed(str(text))
            if (found.size, found.root) != (size, root):
                raise Differs(0, f"the checkpoint over {size} records is not one over the records that are here")
            if self.keys:
                note.opened(str(text), self._known(found))
        except note.Unsigned as error:
            # An earlier one may be of a key that who asks does not have; it says nothing to them then.
            if newest:
                raise Differs(0, f"the checkpoint over {size} records: {error}") from error
        except ValueError as error:
            raise Differs(0, f"the checkpoint over {size} records: {error}") from error

    def _known(self, found: Checkpoint) -> list[PublicKey]:
        """The keys, and those that they announced."""
        known = list(self.keys)
        for _, text in self._announced:
            with suppress(ValueError):
                known.append(note.announced(text, found.origin, known))
        return known


def _left(body: dict[str, Json]) -> Iterator[tuple[tuple[str, int], Json]]:
    """Where a checkpoint was left, and over how many records, with the time."""
    places, size = body.get("places"), body.get("size")
    for place in places if isinstance(places, list) else ():
        if type(size) is int:
            yield (str(place), size), body.get("left_at")


def _stretches(told: Json) -> Iterator[tuple[int, int]]:
    for each in told if isinstance(told, list) else ():
        match each:
            case [int() as first, int() as last]:
                yield first, last


def checkpoints_of(connection: Connection) -> dict[int, str]:
    """The checkpoints of the table."""
    rows = table("checkpoints", *map(column, ("size", "text")))
    return {row.size: row.text for row in connection.execute(select(rows))}
