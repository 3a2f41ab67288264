"""What stays of records whose contents retention deletes, as one digest: noted then, and held against the rows later.

Without the content nothing else says what the columns of such a record, and of what it said is served, were.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, column, or_, select, table

from reconciler.audit.proof.chain import encode
from reconciler.audit.proof.merkle import Frontier, leaf
from reconciler.model.digest import Digest, Json

_AT_ONCE = 100  # stretches that are read by one statement
_RECORD = ("sequence", "hash", "time", "event", "entry", "intent")
_STATE = ("time_ms", "entry", "revision", "snapshot", "resources", "documents")
# Without types, so that no converter meets a value of another type than it expects.
_records = table("records", *map(column, _RECORD))
_states = table("served_states", *map(column, ("sequence", *_STATE)))
_ROWS = (
    select(*(_records.c[name] for name in _RECORD), *(_states.c[name].label(f"state_{name}") for name in _STATE))
    .add_columns(_states.c.sequence.label("state"))
    .select_from(_records.outerjoin(_states, _states.c.sequence == _records.c.sequence))
)


@dataclass(frozen=True, slots=True)
class Traces:
    """Of some records.

    Attributes:
        records: how many.
        states: how many of them said what is served.
        root: of the Merkle tree over their hashes alone.
        columns: digest of what the database repeats of them that stays.
    """

    records: int
    states: int
    root: bytes
    columns: Digest

    def facts(self) -> dict[str, Json]:
        """As a note tells it."""
        return {"records": self.records, "root": b64encode(self.root).decode(), "columns": self.columns}


def traces(connection: Connection, stretches: Sequence[tuple[int, int]]) -> Traces:
    """Of the records in some stretches, both ends among them, in order.

    Raises:
        TypeError, ValueError: a row holds what no record has.
    """
    frontier, digest, states = Frontier(), sha256(), 0
    for start in range(0, len(stretches), _AT_ONCE):
        number = _records.c.sequence
        some = or_(*(number.between(first, last) for first, last in stretches[start : start + _AT_ONCE]))
        for row in connection.execute(_ROWS.where(some).order_by(number)).mappings():
            frontier, _ = frontier.append(leaf(Digest(row["hash"])))
            states += row["state"] is not None
            digest.update(encode(_told(row)) + b"\n")
    return Traces(frontier.size, states, frontier.root(), Digest(f"sha256:{digest.hexdigest()}"))


def _told(row: Any) -> dict[str, Json]:
    told = {name: row[name] for name in _RECORD if name != "hash"}
    state = {name: row[f"state_{name}"] for name in _STATE} if row["state"] is not None else None
    return {**told, "state": state}
