"""Entries in the order in which they happened, however many: a batch in memory at a time."""

from collections.abc import Iterator

from sqlalchemy import Engine, select

from reconciler.audit.store.conditions import conditions
from reconciler.audit.store.database import reading
from reconciler.audit.store.listing import numbered
from reconciler.audit.store.schema import entries
from reconciler.model.entry import Entry
from reconciler.model.question import Query

_BATCH = 50  # entries whose records are read together; one may tell of ten thousand routes


def walk(engine: Engine, query: Query) -> Iterator[Entry]:
    """The entries of a query, oldest first; its limit is not looked at.

    Each batch is read by itself, so that nothing is held up however slowly they are taken. Give ``before``, and what is
    recorded meanwhile is not among them.

    Raises:
        Stalled: a record is damaged.
        Transient: the database can't be read for now.
    """
    after = 0
    while True:
        with reading(engine) as connection:
            chosen = select(entries.c.number).where(*conditions(connection, query), entries.c.number > after)
            numbers = connection.execute(chosen.order_by(entries.c.number).limit(_BATCH)).scalars().all()
            found = numbered(connection, numbers)
        yield from (found[number] for number in numbers)
        if not numbers:
            return
        after = numbers[-1]
