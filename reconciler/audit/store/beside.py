"""Holds what the database repeats of the records against what the records say: works it out again and compares."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, column, exists, func, select, table

from reconciler.audit.proof.merkle import Frontier, Node, leaf
from reconciler.audit.record.groups import read_stamp
from reconciler.audit.record.projection import LISTED, Projection, Touched, milliseconds, of
from reconciler.audit.store import schema
from reconciler.model.audit import AuditRecord, Event
from reconciler.model.digest import Digest, Json

_AT_ONCE = 300  # parameters of one statement; every database takes more
_LARGE = 5_000  # rows of resources that are held in memory
_ENDS = (Event.RESULT, Event.INTERRUPTED)
_COUNTED = (
    schema.entries,
    schema.touched,
    schema.happenings,
    schema.entry_commits,
    schema.entry_people,
    schema.nodes,
    schema.served_states,
)
_STATE = ("entry", "time_ms", "revision", "snapshot", "resources", "documents")


class Differs(Exception):
    """The first difference: number of the record, 0 where it is none's, and what differs."""

    def __init__(self, record: int, finding: str) -> None:
        super().__init__(finding)
        self.record, self.finding = record, finding


@dataclass(slots=True)
class Beside:
    """What the records that were read say should stand beside them.

    Attributes:
        frontier: of the tree over them.
    """

    connection: Connection
    frontier: Frontier = field(default_factory=Frontier)
    _begun: dict[int, AuditRecord] = field(default_factory=dict)
    _entries: list[Projection] = field(default_factory=list)
    _nodes: list[Node] = field(default_factory=list)
    _states: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    _rows: Counter[str] = field(default_factory=Counter)
    _large: int = 0
    _last: int = 0
    _stated: int = 0

    def take(self, sequence: int, digest: Digest, body: dict[str, Json] | None) -> None:
        """Takes in a record that verified; ``body`` None: it was deleted, and nothing stands beside it.

        Raises:
            Differs: something is not as the records say.
        """
        self._last = sequence
        self.frontier, completed = self.frontier.append(leaf(digest))
        self._nodes += completed
        if body is not None:
            record = AuditRecord(sequence, read_stamp(str(body["time"])), Event(str(body["event"])), body, digest)
            self._learn(record)
        if len(self._entries) >= _AT_ONCE or len(self._nodes) >= _LARGE or self._large >= _LARGE:
            self.compare()

    def rest(self) -> None:
        """Compares what is left: also entries that are still under way.

        Raises:
            Differs: likewise.
        """
        for first in self._begun.values():
            self._expect(first, None)
        self.compare()

    def count(self, deleted: int) -> None:
        """Sees to it that there is no more than what was compared.

        Args:
            deleted: rows of `served_states` that are of records without a content, and are as they were then.

        Raises:
            Differs: likewise.
        """
        self._rows[schema.served_states.name] += deleted
        for each in _COUNTED:
            found = self.connection.execute(select(func.count()).select_from(table(each.name))).scalar()
            if found != self._rows[each.name]:
                raise Differs(0, f"the table {each.name} has {found} rows; the records tell of {self._rows[each.name]}")
        # Not `NOT IN`: for that PostgreSQL walks the whole of one table for each row of the other.
        people, named = table("people", column("id")), table("entries", column("author_id"))
        wrote = table("entry_people", column("person_id"))
        idle = (
            select(func.count())
            .select_from(people)
            .where(~exists().where(named.c.author_id == people.c.id), ~exists().where(wrote.c.person_id == people.c.id))
        )
        if self.connection.execute(idle).scalar():
            raise Differs(0, "the table people names somebody whom no entry names")

    def compare(self) -> None:
        """Compares what was taken in since the last time.

        Raises:
            Differs: likewise.
        """
        self._compare_entries()
        for name, columns in _LISTS:
            self._compare_lists(name, columns)
        self._compare_people()
        self._compare_nodes()
        self._compare_states()
        self._entries, self._nodes, self._states, self._large = [], [], {}, 0

    def _learn(self, record: AuditRecord) -> None:
        if record.event is Event.INTENT:
            self._begun[record.sequence] = record
        elif record.event in LISTED:
            self._expect(record, None)
        first = None
        if record.event in _ENDS:
            first = self._begun.pop(int(str(record.body["intent"])), None)
            if first is not None:
                self._expect(first, record)
        told = record.body.get("served")
        if isinstance(told, dict):
            entry = first.sequence if first else record.sequence
            said = tuple(told.get(name) for name in _STATE[2:])
            self._states[record.sequence] = (entry, milliseconds(record.time), *said)

    def _expect(self, first: AuditRecord, last: AuditRecord | None) -> None:
        try:
            made = of(first, last)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            finding = f"its content lacks what a record has: {type(error).__name__}"
            raise Differs((last or first).sequence, finding) from error
        self._entries.append(made)
        self._large += len(made.touched)

    def _compare_entries(self) -> None:
        wanted = {made.entry.number: asdict(made.entry) for made in self._entries}
        names = [name for name in next(iter(wanted.values()), {}) if name != "author"]
        lines, people = (
            table("entries", column("author_id"), *map(column, names)),
            table("people", *map(column, ("id", "text"))),
        )
        chosen = select(*(lines.c[name] for name in names), people.c.text.label("author"))
        chosen = chosen.select_from(lines.outerjoin(people, people.c.id == lines.c.author_id))
        for some in _some(sorted(wanted)):
            found = {row["number"]: row for row in self._read(chosen.where(lines.c.number.in_(some)))}
            for number in some:
                _differing(number, "entries", wanted[number], found.get(number))
        self._rows["entries"] += len(wanted)

    def _compare_lists(self, name: str, columns: tuple[str, ...]) -> None:
        wanted = {made.entry.number: _rows_of(made, name) for made in self._entries}
        rows = table(name, *map(column, ("entry", *columns)))
        for some in _some(sorted(wanted)):
            found: dict[int, list[tuple[Any, ...]]] = {}
            for row in self._read(select(rows).where(rows.c.entry.in_(some))):
                found.setdefault(row["entry"], []).append(tuple(row[each] for each in columns))
            for number in some:
                expected = wanted[number]
                if Counter(found.get(number, [])) != Counter(expected):
                    raise Differs(number, f"the table {name} lists other rows for it than its content says")
                self._rows[name] += len(expected)

    def _compare_people(self) -> None:
        wanted = {made.entry.number: made.people for made in self._entries}
        rows, people = (
            table("entry_people", *map(column, ("entry", "person_id"))),
            table("people", *map(column, ("id", "text"))),
        )
        chosen = select(rows.c.entry, people.c.text).join_from(rows, people, people.c.id == rows.c.person_id)
        for some in _some(sorted(wanted)):
            found: dict[int, list[str]] = {}
            for row in self._read(chosen.where(rows.c.entry.in_(some))):
                found.setdefault(row["entry"], []).append(row["text"])
            for number in some:
                if Counter(found.get(number, [])) != Counter(wanted[number]):
                    raise Differs(number, "the table entry_people lists others for it than its content says")
                self._rows["entry_people"] += len(wanted[number])

    def _compare_nodes(self) -> None:
        rows = table("nodes", *map(column, ("level", "position", "hash")))
        by_level: dict[int, dict[int, bytes]] = {}
        for node in self._nodes:
            by_level.setdefault(node.level, {})[node.position] = node.hash
        for level, wanted in by_level.items():
            between = rows.c.position.between(min(wanted), max(wanted))
            found = {
                row["position"]: row["hash"] for row in self._read(select(rows).where(rows.c.level == level, between))
            }
            if found != wanted:
                last = next(each for each in sorted(wanted) if found.get(each) != wanted[each])
                raise Differs(0, f"the table nodes has another tree over records {_span(level, last)} than they make")
        self._rows["nodes"] += len(self._nodes)

    def _compare_states(self) -> None:
        rows = table("served_states", *map(column, ("sequence", *_STATE)))
        told = table("records", *map(column, ("sequence", "body")))
        for some in _some(sorted(self._states)):
            found = {row["sequence"]: row for row in self._read(select(rows).where(rows.c.sequence.in_(some)))}
            for number in some:
                wanted = dict(zip(_STATE, self._states[number], strict=True))
                _differing(number, "served_states", wanted, found.get(number))
        self._rows["served_states"] += len(self._states)
        if self._last == self._stated:
            return
        # Those of records without a content are held against what was noted when that was deleted.
        there = select(rows.c.sequence).join_from(rows, told, told.c.sequence == rows.c.sequence)
        among = rows.c.sequence.between(self._stated + 1, self._last), told.c.body.is_not(None)
        for number in self.connection.execute(there.where(*among).order_by(rows.c.sequence)).scalars():
            if number not in self._states:
                raise Differs(number, "the table served_states has it, but its content does not say what is served")
        self._stated = self._last

    def _read(self, statement: Any) -> Iterator[dict[str, Any]]:
        for row in self.connection.execute(statement).mappings():
            yield dict(row)


_LISTS = (
    ("touched", ("kind", "namespace", "name", "op", "applied")),
    ("happenings", ("happening",)),
    ("entry_commits", ("commit_sha",)),
)


def _rows_of(made: Projection, name: str) -> list[tuple[Any, ...]]:
    match name:
        case "touched":
            return [_values(each) for each in made.touched]
        case "happenings":
            return [(each,) for each in made.happenings]
        case _:
            return [(each,) for each in made.commits]


def _values(each: Touched) -> tuple[Any, ...]:
    return each.kind, each.namespace, each.name, each.op, each.applied


def _differing(number: int, name: str, wanted: dict[str, Any], found: dict[str, Any] | None) -> None:
    if found is None:
        raise Differs(number, f"the table {name} lacks it")
    for key, value in wanted.items():
        if not _same(value, found[key]):
            said = f"says {found[key]!r:.80}, but by its content it is {value!r:.80}"
            raise Differs(number, f"the column {key} of the table {name} {said}")


def _same(wanted: object, found: object) -> bool:
    # SQLite has no truth values of its own.
    kind = type(found) is type(wanted) or (isinstance(wanted, bool) and type(found) is int)
    return kind and found == wanted


def _some(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), _AT_ONCE):
        yield numbers[start : start + _AT_ONCE]


def _span(level: int, position: int) -> str:
    return f"{(position << level) + 1} to {(position + 1) << level}"
