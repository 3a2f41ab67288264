"""When a process began and ceased to write the journal, as notes: whoever reads it knows what it can't know. Pure.

A process that died without a word left a gap of knowledge: from its last record on nobody knows what was done until
the next one began.
"""

from datetime import datetime, timedelta
from typing import Protocol

from reconciler import __version__
from reconciler.model.controller import Controller
from reconciler.model.digest import Digest, Json
from reconciler.model.entry import Entry
from reconciler.model.happening import Happening, Note
from reconciler.model.question import JournalState

# Retention deletes the oldest contents first: of what was told once, no longer is lost with it.
_TOLD_ANEW = timedelta(days=1)


class Past(Protocol):
    """What was recorded before."""

    def latest(self, happening: Happening) -> Entry | None:
        """The newest entry that tells of it."""
        ...

    def entry(self, wanted: int | str) -> Entry | None:
        """One entry."""
        ...

    def standing(self) -> JournalState:
        """How the journal itself is."""
        ...


def began(journal: Past, now: datetime, who: Controller, verb: str, config: Digest, settings: dict[str, Json]) -> Note:
    """A process begins to write the journal.

    Args:
        journal: what was recorded before.
        now: the time, aware.
        who: the process.
        verb: what it does, such as ``run``.
        config: digest of the settings.
        settings: all of them, without secrets: with these, what is served can be rendered again. Where the same were
            recorded not long ago, the note names the record that has them.

    Raises:
        Transient, Stalled: the journal can't be read.
    """
    start, stop = journal.latest(Happening.AUDIT_START), journal.latest(Happening.AUDIT_STOP)
    last_at = journal.standing().last_at if start or stop else None
    before = _ended(start, stop)
    message = f"{verb} {__version__} begins"
    if before == "unclean":
        message += f"; the process before it did not end properly, and its last record is of {_text(last_at)}"
    tool: Json = {"name": "reconciler", "version": __version__, "config": config}
    known = _known(journal, start, tool, now)
    told: dict[str, Json] = {"settings": settings} if known is None else {"settings_of": known}
    return Note(
        Happening.AUDIT_START,
        message,
        facts={
            "verb": verb,
            "tool": tool,
            "controller": who.as_json(),
            **told,
            "before": {"ended": before, "last_record_at": _text(last_at)},
        },
    )


def ended(who: Controller, verb: str, began_with: int, error: type[BaseException] | None = None) -> Note:
    """A process ceases to write the journal: because it was told to, or because it can't go on.

    Args:
        who: the process.
        verb: what it does.
        began_with: the number of its beginning.
        error: what kind of exception ended it, where one did.
    """
    facts: dict[str, Json] = {"verb": verb, "controller": who.as_json(), "began_with": began_with}
    if error is None:
        return Note(Happening.AUDIT_STOP, f"{verb} ends", facts=facts)
    return Note(Happening.AUDIT_STOP, f"{verb} ends: {error.__name__}", facts={**facts, "error": error.__name__})


def _ended(start: Entry | None, stop: Entry | None) -> str:
    """How the process before ended."""
    if start is None and stop is None:
        return "unknown"
    if stop is None or (start is not None and start.sequence > stop.sequence):
        return "unclean"
    return "error" if "error" in stop.records[0].body else "properly"


def _known(journal: Past, start: Entry | None, tool: Json, now: datetime) -> int | None:
    """The number of the record that has these settings; None where there is none, or it is too old."""
    body = start.records[0].body if start else {}
    if start is None or body.get("tool") != tool:
        return None
    number = body.get("settings_of", start.sequence)
    told = journal.entry(number) if isinstance(number, int) else None
    if told is None or not isinstance(told.records[0].body.get("settings"), dict):
        return None
    return told.sequence if timedelta(0) <= now - told.time < _TOLD_ANEW else None


def _text(time: datetime | None) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z") if time else "unknown"
