"""Makes anew all that is worked out from the records: after a migration, and for nothing else."""

from sqlalchemy import Connection, func, insert, select

from reconciler.audit.proof.chain import FIRST_PREVIOUS
from reconciler.audit.proof.merkle import Frontier, leaf
from reconciler.audit.record.projection import LISTED
from reconciler.audit.store import project, schema
from reconciler.audit.store.bodies import batch_after, record_at
from reconciler.audit.store.slow import Slow
from reconciler.model.audit import AuditRecord, Event

# In the order in which they may be dropped.
_WORKED_OUT = (
    schema.touched,
    schema.entry_people,
    schema.entry_commits,
    schema.happenings,
    schema.entries,
    schema.people,
    schema.nodes,
    schema.head,
    schema.open_intents,
)


def rebuild(connection: Connection) -> None:
    """Drops and fills the tables that repeat what the records say. No body may have been deleted.

    Raises:
        KeyError, TypeError, ValueError: a body is not a record's.
        Stalled: a record is damaged.
    """
    schema.metadata.drop_all(connection, tables=_WORKED_OUT)
    schema.metadata.create_all(connection)
    frontier, last, digest = Frontier(), 0, FIRST_PREVIOUS
    total = connection.execute(select(func.max(schema.records.c.sequence))).scalar() or 0
    slow = Slow("the journal is brought to a new layout", total)
    while found := batch_after(connection, last):
        for record in found:
            frontier, completed = frontier.append(leaf(record.hash))
            rows = [{"level": each.level, "position": each.position, "hash": each.hash} for each in completed]
            if rows:
                connection.execute(insert(schema.nodes), rows)
            _project(connection, record)
            last, digest = record.sequence, record.hash
            slow.reached(last)
    if frontier.size != last:
        raise ValueError("a record is missing")
    head = {"id": 1, "sequence": last, "hash": digest, "frontier": frontier.encode(), "checkpoint": ""}
    connection.execute(insert(schema.head), head)
    _open(connection)


def _project(connection: Connection, record: AuditRecord) -> None:
    if record.event in LISTED:
        project.begun(connection, record)
    elif record.event in (Event.RESULT, Event.INTERRUPTED):
        intent = record.body["intent"]
        if type(intent) is not int:
            raise TypeError("intent")
        project.concluded(connection, record_at(connection, intent), record)


def _open(connection: Connection) -> None:
    ended = select(schema.records.c.intent).where(schema.records.c.intent.is_not(None))
    chosen = select(schema.records.c.sequence).where(
        schema.records.c.event == str(Event.INTENT), schema.records.c.sequence.not_in(ended)
    )
    for sequence in connection.execute(chosen).scalars().all():
        connection.execute(insert(schema.open_intents), {"sequence": sequence})
