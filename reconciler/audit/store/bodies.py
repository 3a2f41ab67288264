"""Reads records whole."""

from sqlalchemy import Connection, bindparam, select

from reconciler.audit.store.listing import damaged, record_of
from reconciler.audit.store.schema import records
from reconciler.model.audit import AuditRecord

_BATCH = 100
_AFTER = select(records).where(records.c.sequence > bindparam("after")).order_by(records.c.sequence).limit(_BATCH)
_ONE = select(records).where(records.c.sequence == bindparam("wanted"))


def batch_after(connection: Connection, sequence: int) -> list[AuditRecord]:
    """The next records in order; empty after the last.

    Raises:
        Stalled: one is damaged.
    """
    found = connection.execute(_AFTER, {"after": sequence})
    return [record_of(row.sequence, row.hash, row.time, row.event, row.body) for row in found]


def record_at(connection: Connection, sequence: int) -> AuditRecord:
    """One record.

    Raises:
        Stalled: there is none, or it is damaged.
    """
    row = connection.execute(_ONE, {"wanted": sequence}).first()
    if row is None:
        raise damaged(f"record {sequence} is missing")
    return record_of(row.sequence, row.hash, row.time, row.event, row.body)
