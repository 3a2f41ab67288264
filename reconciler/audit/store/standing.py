"""How the journal itself is: how long, since when, what is signed and left outside, and what is missing."""

from sqlalchemy import Connection, func, select

from reconciler.audit.proof.signing import PublicKey
from reconciler.audit.record.groups import read_stamp
from reconciler.audit.store.listing import numbered
from reconciler.audit.store.schema import anchors, happenings, head, open_intents, records
from reconciler.model.digest import Digest
from reconciler.model.entry import Entry
from reconciler.model.happening import Happening
from reconciler.model.question import Anchored, JournalState

_MOST_GAPS, _MOST_ANCHORS, _MOST_INTENTS = 10, 50, 10
_TIME = select(records.c.time)
# The contents that are gone are looked for among the oldest: `body` alone has no index.
_PRUNED = select(func.count()).where(records.c.body.is_(None))


def latest(connection: Connection, happening: Happening) -> Entry | None:
    """The newest entry that tells of something, found without looking at the others."""
    newest = select(func.max(happenings.c.entry)).where(happenings.c.happening == str(happening))
    number = connection.execute(newest).scalar()
    return numbered(connection, [number]).get(number) if number is not None else None


def standing(connection: Connection, place: str, key: PublicKey | None) -> JournalState:
    """All of it, from one state of the database."""
    end = connection.execute(select(head)).first()
    first = connection.execute(_TIME.order_by(records.c.sequence).limit(1)).scalar()
    last = connection.execute(_TIME.order_by(records.c.sequence.desc()).limit(1)).scalar()
    gap = happenings.c.happening == str(Happening.AUDIT_GAP)
    gaps = select(happenings.c.entry).where(gap).order_by(happenings.c.entry.desc()).limit(_MOST_GAPS)
    left = select(anchors).order_by(anchors.c.size.desc(), anchors.c.place).limit(_MOST_ANCHORS)
    under_way = select(open_intents.c.sequence).order_by(open_intents.c.sequence).limit(_MOST_INTENTS)
    return JournalState(
        records=end.sequence if end else 0,
        pruned=connection.execute(_PRUNED).scalar_one(),
        head=Digest(end.hash) if end else None,
        first_at=read_stamp(first) if first else None,
        last_at=read_stamp(last) if last else None,
        checkpoint=end.checkpoint if end else "",
        key=str(key) if key else "",
        anchors=tuple(Anchored(row.place, row.size, read_stamp(row.time)) for row in connection.execute(left)),
        gaps=tuple(connection.execute(gaps).scalars()),
        open_intents=tuple(connection.execute(under_way).scalars()),
        place=place,
    )
