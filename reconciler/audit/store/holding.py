"""Legal holds: of what time records must not be deleted, and until when that holds."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from reconciler.audit.record import records
from reconciler.audit.record.groups import stamp
from reconciler.audit.store.append import Ledger
from reconciler.audit.store.schema import holds
from reconciler.model.audit import Event
from reconciler.model.digest import Json
from reconciler.model.errors import Stalled
from reconciler.model.happening import Actor, Happening, Note
from reconciler.model.retention import Hold


def hold(ledger: Ledger, since: datetime | None, until: datetime | None, reason: str, actor: Actor) -> int:
    """Keeps everything of a time from deletion; returns the number of the hold, which is that of its entry.

    Args:
        ledger: where it is recorded.
        since: from when on; None for the beginning.
        until: before when; None for all that is to come, too.
        reason: why, for those who come to release it.
        actor: who wants it.

    Raises:
        Stalled: there is no such time.
    """
    if since and until and until <= since:
        raise Stalled("InvalidHold", "a hold must end after it begins", "Give an --until after --since.")
    facts: dict[str, Json] = {
        "since": stamp(since) if since else None,
        "until": stamp(until) if until else None,
        "reason": reason,
    }
    note = Note(Happening.HOLD, f"records {_span(since, until)} are held: {reason}", actor, facts)
    record = ledger.append(Event.NOTE, records.note(note))
    row = {name: record.body[name] for name in ("since", "until", "reason")}
    ledger.connection.execute(insert(holds), {"sequence": record.sequence, **row})
    return record.sequence


def release(ledger: Ledger, number: int, reason: str, actor: Actor) -> int:
    """Ends a hold; returns the number of the entry that says so.

    Raises:
        Stalled: there is no such hold, or it was released before.
    """
    found = ledger.connection.execute(select(holds).where(holds.c.sequence == number)).first()
    if found is None or found.released is not None:
        state = "there is no hold" if found is None else f"entry {found.released} has released hold"
        raise Stalled("NoSuchHold", f"{state} {number}", "`reconciler audit hold list` lists them.")
    facts: dict[str, Json] = {"hold": number, "reason": reason}
    note = Note(Happening.HOLD_RELEASED, f"hold {number} is released: {reason}", actor, facts)
    record = ledger.append(Event.NOTE, records.note(note))
    ledger.connection.execute(update(holds).where(holds.c.sequence == number).values(released=record.sequence))
    return record.sequence


def listed(connection: Connection) -> Sequence[Hold]:
    """All holds, released ones too, oldest first."""
    rows = connection.execute(select(holds).order_by(holds.c.sequence))
    return [Hold(row.sequence, _time(row.since), _time(row.until), row.reason, row.released) for row in rows]


def _span(since: datetime | None, until: datetime | None) -> str:
    begin = f"since {stamp(since)}" if since else "from the beginning"
    return f"{begin} until {stamp(until)}" if until else f"{begin} on"


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
