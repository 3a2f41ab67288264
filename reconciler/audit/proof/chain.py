"""The hash chain: sealing one record onto the one before, and checking that a sequence of rows is unbroken. Pure.

A chain without an anchor outside proves only that it was not edited in part: who can rewrite all of it can make a new
one that verifies.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from reconciler.model.audit import Event
from reconciler.model.digest import Digest, Json, digest_bytes
from reconciler.model.happening import Happening

# Of records, and of the database's layout. Since 2 the digest of what is served is that of a tree; before it was that
# of a list. Since 3 records say what they tell (`happened`), and there are notes.
SCHEMA_VERSION = 3
_LONGEST_SHOWN = 80  # characters of a damaged value in a finding
_MIGRATED = str(Happening.MIGRATED)
FIRST_PREVIOUS = Digest("sha256:" + "0" * 64)


@dataclass(frozen=True, slots=True)
class Columns:
    """What the database repeats of a body beside it."""

    time: str
    event: str
    entry: int
    intent: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """A record as a database holds it: every value may be of any type, since the file may be damaged."""

    sequence: object
    hash: object
    body: object
    columns: tuple[object, ...]  # the fields of `Columns` in order


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Where reading stopped, and why."""

    reason: str


@dataclass(slots=True)
class Chain:
    """What was learnt from walking the rows; ``finding`` is empty while all is well."""

    records: int = 0
    head: Digest = FIRST_PREVIOUS
    finding: str = ""
    open_intents: set[int] = field(default_factory=set)
    body: dict[str, Json] | None = None  # of the last record; None where it is gone
    pruned: int = 0  # how many contents are gone
    schema: int = 0  # the newest of all records
    database: Json = None  # what the records say of the database's layout


def encode(value: Json) -> bytes:
    """Canonical JSON (RFC 8785) of a value without fractions and with ASCII keys, as every record is.

    For such values the standard encoder writes the same bytes, eight times faster; a test holds them together.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def seal(
    sequence: int, time: str, event: Event, previous: Digest, facts: dict[str, Json]
) -> tuple[dict[str, Json], bytes, Digest]:
    """A record's body, the same in canonical form, and the hash of that."""
    frame: dict[str, Json] = {
        "schema": SCHEMA_VERSION,
        "sequence": sequence,
        "time": time,
        "event": str(event),
        "previous": previous,
    }
    body = {**facts, **frame}
    content = encode(body)
    return body, content, digest_bytes(content)


def check(rows: Iterable[Row | Unreadable], columns_of: Callable[[dict[str, Json]], Columns]) -> Chain:
    """Walks rows that should be records 1, 2, 3 …; stops at the first that does not verify.

    Args:
        rows: in order of sequence.
        columns_of: what the columns of a body must be.
    """
    chain = Chain()
    for row in rows:
        if not advance(chain, row, columns_of):
            break
    return chain


def advance(chain: Chain, row: Row | Unreadable, columns_of: Callable[[dict[str, Json]], Columns]) -> bool:
    """Takes one record in; returns whether it verifies, otherwise what is wrong is in the chain's finding."""
    chain.body = None
    chain.finding = _taken(chain, row, columns_of)
    chain.records += not chain.finding
    return not chain.finding


def _taken(chain: Chain, row: Row | Unreadable, columns_of: Callable[[dict[str, Json]], Columns]) -> str:
    """Returns what is wrong with a record, or nothing."""
    expected = chain.records + 1
    if isinstance(row, Unreadable):
        return row.reason
    if type(row.sequence) is not int or row.sequence != expected:
        return f"its sequence is {_shown(row.sequence)}: a record is missing, doubled or renumbered"
    if row.body is None:
        return _pass(chain, expected, row)
    if not isinstance(row.body, bytes) or digest_bytes(row.body) != row.hash:
        return "its content does not have the hash beside it: one of them was changed"
    body = chain.body = parse(row.body)
    if body is None:
        return "its content is not canonical JSON"
    if body.get("sequence") != expected:
        return f"its content says it is record {_shown(body.get('sequence'))}"
    if body.get("previous") != chain.head:
        return "it does not attach to the record before: that one was changed, or this one is from another chain"
    try:
        columns = columns_of(body)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return f"its content lacks what a record has: {type(error).__name__}"
    wrong = _different(columns, row.columns)
    chain.head = Digest(str(row.hash))
    return wrong or _follow(chain, expected, columns, body)


def _pass(chain: Chain, sequence: int, row: Row) -> str:
    """Takes in a record whose content is gone: the next one says whether its hash is the right one."""
    try:
        _, event, _, intent = row.columns
        kind = Event(str(event))
    except ValueError:
        return "its content is gone, and it is no record"
    if not isinstance(row.hash, str) or (intent is not None and type(intent) is not int):
        return "its content is gone, and it is no record"
    chain.head = Digest(row.hash)
    chain.pruned += 1
    return _keep_books(chain, sequence, kind, intent)


def _follow(chain: Chain, sequence: int, columns: Columns, body: dict[str, Json]) -> str:
    """Keeps the books of intents, of schemas and of the database's layout."""
    schema = body.get("schema")
    if type(schema) is not int or not chain.schema <= schema <= SCHEMA_VERSION:
        return f"it has schema {_shown(schema)}; this program knows {SCHEMA_VERSION}, and none follows a newer one"
    chain.schema = schema
    told = body.get("database")
    if told is not None and (columns.event == Event.JOURNAL_STARTED or _MIGRATED in _list(body.get("happened"))):
        chain.database = told
    return _keep_books(chain, sequence, Event(columns.event), columns.intent)


def _keep_books(chain: Chain, sequence: int, event: Event, intent: int | None) -> str:
    match event:
        case Event.INTENT:
            chain.open_intents.add(sequence)
        case Event.RESULT | Event.INTERRUPTED:
            if intent not in chain.open_intents:
                return f"it concludes record {intent}, which is not an open intent"
            chain.open_intents.remove(intent)
        case Event.JOURNAL_STARTED:
            if sequence != 1:
                return "a journal starts only once"
        case _:
            pass
    return ""


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def parse(content: bytes) -> dict[str, Json] | None:
    """A record's body, or None when the bytes are not the canonical JSON of an object."""
    try:
        body = json.loads(content, parse_float=_refuse, parse_constant=_refuse)
        return body if isinstance(body, dict) and encode(body) == content else None
    except (ValueError, RecursionError):
        return None


def _refuse(number: str) -> Json:
    # Canonical JSON writes 1.0 as 1 and has no NaN; a record holds neither.
    raise ValueError(number)


def _different(columns: Columns, found: tuple[object, ...]) -> str:
    for name, value in zip(("time", "event", "entry", "intent"), found, strict=True):
        said = getattr(columns, name)
        if type(value) is not type(said) or value != said:
            return f"its column {name} is {_shown(value)}, but its content says {_shown(said)}"
    return ""


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
