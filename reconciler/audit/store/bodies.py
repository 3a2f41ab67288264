"""Reads records whole."""

from sqlalchemy import Connection, bindparam, select

from reconciler.audit.store.listing import damaged, record_of
from reconciler.audit.store.schema import records
from reconciler.model.audit import AuditRecord

_BATCH = 100
_BUFFERED = 10  # rows
_LARGEST = 16 << 20  # bytes of bodies
_AFTER = select(records).where(records.c.sequence > bindparam("after")).order_by(records.c.sequence).limit(_BATCH)
_ONE = select(records).where(records.c.sequence == bindparam("wanted"))


def batch_after(connection: Connection, sequence: int) -> list[AuditRecord]:
    """The next records in order, fewer of them where they are large; empty after the last.

    Raises:
        Stalled: one is damaged.
    """
    batch, size = [], 0
    streaming = {"stream_results": True, "max_row_buffer": _BUFFERED}
    with connection.execute(_AFTER, {"after": sequence}, execution_options=streaming) as found:
        for row in found:
            batch.append(record_of(row.sequence, row.hash, row.time, row.event, row.body))
            size += len(row.body or b"")
            if size >= _LARGEST:
                break
    return batch


def record_at(connection: Connection, sequence: int) -> AuditRecord:
    """One record.

    Raises:
        Stalled: there is none, or it is damaged.
    """
    row = connection.execute(_ONE, {"wanted": sequence}).first()
    if row is None:
        raise damaged(f"record {sequence} is missing")
    return record_of(row.sequence, row.hash, row.time, row.event, row.body)
