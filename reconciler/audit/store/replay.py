"""Replays the history of what is served, version by version, against what each result recorded."""

from bisect import bisect_right
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import accumulate, groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnClause, Connection, column, exists, select, table

from reconciler.audit.proof.chain import parse
from reconciler.audit.store.beside import Differs
from reconciler.audit.store.served import leaf_name, placed_digest
from reconciler.model.digest import Digest, digest_bytes
from reconciler.model.digest_tree import EMPTY_TREE, DigestTree
from reconciler.model.resource import Kind, ResourceId

_PLACE = ("kind", "namespace", "name", "path", "line", "touch_sha", "touch_author", "touch_time")
_SPAN = ("document", "came", "since", "until")
_BUFFERED = 50  # rows, some of which are large


@dataclass(slots=True)
class _Version:
    """A row of `served`, with the digest that results are made from."""

    id: ResourceId
    digest: Digest
    came: int
    since: int
    until: int | None


@dataclass(frozen=True, slots=True)
class _State:
    """A row of `served_states`."""

    sequence: int
    era: int | None
    resources: int
    documents: str


@dataclass(slots=True)
class _Live:
    """What is served at some point of the replay."""

    versions: dict[ResourceId, _Version] = field(default_factory=dict)
    tree: DigestTree = EMPTY_TREE

    def advance(self, gone: list[_Version], come: list[_Version], sequence: int) -> None:
        """Goes on to a result; of what came and went in between, nothing is left."""
        removed = set()
        for each in gone:
            if self.versions.get(each.id) is each:
                del self.versions[each.id]
                removed.add(leaf_name(each.id))
        put = {}
        for each in come:
            if each.until is not None and each.until <= sequence:
                continue
            if each.id in self.versions:
                raise Differs(sequence, f"the table served has two versions of {each.id} at once")
            self.versions[each.id] = each
            put[leaf_name(each.id)] = each.digest
        self.tree = self.tree.with_changes(removed - put.keys(), put)

    def listed(self) -> Digest:
        """The digest that records of the first schema have."""
        return digest_bytes("\n".join(self.versions[name].digest for name in sorted(self.versions)).encode())


def replay(connection: Connection, known_from: int, forgotten: Sequence[tuple[int, int]]) -> None:
    """Holds every version and every document against the digests that results recorded.

    Where retention deleted versions, what is left is held against the results that are.

    Args:
        connection: reads the tables.
        known_from: the first result whose documents must be there, unless they were deleted.
        forgotten: stretches of results whose documents were deleted by the journal's own word.

    Raises:
        Differs: one is not as it was recorded.
        Exception: what a driver raises on a damaged database.
    """
    _check_documents(connection)
    _check_numbers(connection)
    states = [_State(*row) for row in _raw(connection, "served_states", ("sequence", "era", "resources", "documents"))]
    _check_kept(connection, known_from, forgotten)
    known = [state for state in states if state.era is not None]
    # Versions that ended meanwhile may be gone.
    gaps = any(state.era is None and state.sequence > known[0].sequence for state in states) if known else False
    eras, before = [], _Live()
    for era, group in groupby(known, key=lambda state: state.era):
        within = list(group)
        before = _replay_era(connection, within, before, gaps=gaps)
        eras.append(era)
    if eras != sorted(set(eras)):
        raise Differs(0, "the eras of what was served are not in order")
    era_column: ColumnClause[int] = column("era")
    found = connection.execute(select(era_column).select_from(table("served")).distinct()).scalars()
    if set(found) - set(eras):
        raise Differs(0, "the table served has versions of an era that no result is of")


def _replay_era(connection: Connection, states: list[_State], before: _Live, *, gaps: bool) -> _Live:
    """Replays one era; returns what was served at its end."""
    rows = table("served", *map(column, ("era", *_PLACE, *_SPAN)))
    chosen = select(*(rows.c[name] for name in (*_PLACE, *_SPAN))).where(rows.c.era == states[0].era)
    versions = [_version(tuple(row), states[0].sequence) for row in connection.execute(chosen)]
    begins = deque(sorted(versions, key=lambda each: each.since))
    ends = deque(sorted((each for each in versions if each.until is not None), key=_until))
    _check_left(before, states[0].sequence)
    live = _Live()
    for state in states:
        gone, come = [], []
        while ends and _until(ends[0]) <= state.sequence:
            gone.append(ends.popleft())
        while begins and begins[0].since <= state.sequence:
            come.append(begins.popleft())
        strange = [each for each in come if each.came != each.since] if state is not states[0] else []
        if strange:
            raise Differs(
                state.sequence, f"the table served says that {strange[0].id} came with record {strange[0].came}"
            )
        live.advance(gone, come, state.sequence)
        if state is states[0] and not gaps:
            _check_carried(live, before, state.sequence)
        if (len(live.versions), live.tree.digest) != (state.resources, state.documents) and not (
            _is_listed(connection, state) and live.listed() == state.documents
        ):
            finding = "the documents that were served from it on are not the ones this result recorded"
            raise Differs(state.sequence, finding)
    if begins:
        raise Differs(states[-1].sequence, "the table served has a version from after the last result of its era")
    return live


def _check_left(before: _Live, begins: int) -> None:
    """What was served when an era ended, ended in it where the next one begins."""
    for each in before.versions.values():
        if each.until is None or each.until > begins:
            raise Differs(begins, f"the table served does not end {each.id} where the next era begins")


def _check_carried(live: _Live, before: _Live, sequence: int) -> None:
    """What goes on being served when an era begins came when it did."""
    for name, each in live.versions.items():
        earlier = before.versions.get(name)
        goes_on = earlier is not None and earlier.digest == each.digest
        came = earlier.came if earlier is not None and goes_on else each.since
        if each.came != came:
            raise Differs(sequence, f"the table served says that {name} came with record {each.came}, not {came}")


def _check_numbers(connection: Connection) -> None:
    """Versions come and go with results."""
    states = table("served_states", column("sequence"))
    rows = table("served", *map(column, ("came", "since", "until")))
    for each in (rows.c.came, rows.c.since, rows.c.until):
        # Not `NOT IN`: for that PostgreSQL walks the whole of one table for each row of the other.
        strange = select(each).where(each.is_not(None), ~exists().where(states.c.sequence == each)).limit(1)
        found = connection.execute(strange).first()
        if found is not None:
            what = f"{each.name} {found[0]!r:.40}"
            finding = f"the table served has a version with {what}, which is no result that served anything new"
            raise Differs(0, finding)


def _check_kept(connection: Connection, known_from: int, forgotten: Sequence[tuple[int, int]]) -> None:
    """Only by the journal's own word are versions deleted."""
    states = table("served_states", *map(column, ("sequence", "era")))
    chosen = select(states.c.sequence).where(states.c.era.is_(None), states.c.sequence >= known_from)
    begins = sorted(forgotten)
    ends = list(accumulate((last for _, last in begins), max))
    for number in connection.execute(chosen.order_by(states.c.sequence)).scalars():
        before = bisect_right(begins, number, key=itemgetter(0))
        if not before or ends[before - 1] < number:
            raise Differs(number, "the table served_states says that its documents are of no era")


def _check_documents(connection: Connection) -> None:
    with closing(_raw(connection, "documents", ("digest", "body"))) as found:
        for digest, body in found:
            if not isinstance(body, bytes) or digest_bytes(body) != digest:
                raise Differs(0, f"the document {digest!r:.80} is not the one with this digest")
    rows, there = table("served", column("document")), table("documents", column("digest"))
    lost = select(rows.c.document).where(~exists().where(there.c.digest == rows.c.document)).limit(1)
    missing = connection.execute(lost).first()
    if missing is not None:
        raise Differs(0, f"the table served has a document that is not there: {missing[0]!r:.80}")


def _is_listed(connection: Connection, state: _State) -> bool:
    """Whether the result has the first schema, which had another digest."""
    rows = table("records", *map(column, ("sequence", "body")))
    body = connection.execute(select(rows.c.body).where(rows.c.sequence == state.sequence)).scalar()
    parsed = parse(body) if isinstance(body, bytes) else None
    return parsed is not None and parsed.get("schema") == 1


def _version(row: tuple[Any, ...], sequence: int) -> _Version:
    *place, document, came, since, until = row
    ends = () if until is None else (until,)
    if any(type(each) is not int for each in (came, since, *ends)) or came > since or any(end <= since for end in ends):
        span = f"came {came!r:.20}, since {since!r:.20}, until {until!r:.20}"
        raise Differs(sequence, f"the table served has a version that can't be: {span}")
    named = dict(zip(_PLACE, place, strict=True))
    try:
        name = ResourceId(Kind(named["kind"]), str(named["namespace"]), str(named["name"]))
        return _Version(name, placed_digest(named, Digest(str(document))), came, since, until)
    except (TypeError, ValueError) as error:
        raise Differs(sequence, f"the table served has a damaged row: {named!r:.120}") from error


def _until(each: _Version) -> int:
    return each.until or 0


def _raw(connection: Connection, name: str, columns: tuple[str, ...]) -> Generator[tuple[Any, ...], None, None]:
    """Rows as the driver gives them, by the first column; without types, so that no converter meets another one."""
    untyped: list[ColumnClause[Any]] = [column(each) for each in columns]
    chosen = select(*untyped).select_from(table(name)).order_by(untyped[0])
    streaming = {"stream_results": True, "max_row_buffer": _BUFFERED}  # not the connection's, for all that follows
    with closing(connection.execute(chosen, execution_options=streaming)) as found:
        for row in found:
            yield tuple(row)
