"""When a process began and ceased to write the journal, as notes: whoever reads it knows what it can't know. Pure.

A process that died without a word left a gap of knowledge: from its last record on nobody knows what was done until
the next one began.
"""

from datetime import datetime

from reconciler import __version__
from reconciler.model.controller import Controller
from reconciler.model.digest import Digest, Json
from reconciler.model.entry import Entry
from reconciler.model.happening import Happening, Note
from reconciler.model.question import Answers, Query

_LAST = Query(happened=frozenset({Happening.AUDIT_START, Happening.AUDIT_STOP}), limit=1)


def began(journal: Answers, who: Controller, verb: str, config: Digest, settings: dict[str, Json]) -> Note:
    """A process begins to write the journal.

    Args:
        journal: what was recorded before.
        who: the process.
        verb: what it does, such as ``run``.
        config: digest of the settings.
        settings: all of them, without secrets: with these, what is served can be rendered again.

    Raises:
        Transient, Stalled: the journal can't be read.
    """
    told = journal.entries(_LAST)
    last_at = journal.standing().last_at if told else None
    clean = _ended(told[0]) if told else None
    message = f"{verb} {__version__} begins"
    if clean is False:
        message += f"; the process before it did not end properly, and its last record is of {_text(last_at)}"
    return Note(
        Happening.AUDIT_START,
        message,
        facts={
            "verb": verb,
            "tool": {"name": "reconciler", "version": __version__, "config": config},
            "controller": who.as_json(),
            "settings": settings,
            "before": {
                "ended": "unknown" if clean is None else "properly" if clean else "unclean",
                "last_record_at": _text(last_at),
            },
        },
    )


def ended(who: Controller, verb: str, began_with: int) -> Note:
    """A process ceases to write the journal because it was told to; ``began_with`` is the number of its beginning."""
    facts: dict[str, Json] = {"verb": verb, "controller": who.as_json(), "began_with": began_with}
    return Note(Happening.AUDIT_STOP, f"{verb} ends", facts=facts)


def _ended(last: Entry) -> bool:
    return Happening.AUDIT_STOP in last.happened


def _text(time: datetime | None) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z") if time else "unknown"
