"""CloudEvents 1.0 (https://github.com/cloudevents/spec, JSON format and its batches). Pure.

One event for each thing that an entry tells, and one for each route that it was to change. An event has the same id
whenever and by whomever it is exported, so that who gets it twice can tell.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote

from reconciler.audit.export.facts import Changed, changes, under_way
from reconciler.audit.export.given import Given
from reconciler.audit.export.told import changed_json, entry_json
from reconciler.audit.record.groups import stamp
from reconciler.model.decision import Decision
from reconciler.model.digest import Json
from reconciler.model.entry import Answer, Entry
from reconciler.model.retention import Erased

MEDIA_TYPE = "application/cloudevents-batch+json"
_TYPES = "dev.reconciler"


def batch(entries: Iterable[Entry], given: Given) -> Iterator[str]:
    """The events as one JSON array, an event on each line."""
    yield "["
    joint = "\n"
    for event in events(entries, given):
        yield joint + json.dumps(event)
        joint = ",\n"
    yield "\n]\n"


def events(entries: Iterable[Entry], given: Given) -> Iterator[dict[str, Json]]:
    """The events of entries whose end is recorded; before them, one that tells what retention deleted of their time."""
    source = quote(given.origin, safe="/:@~!$&'()*,;=")
    if given.erased:
        yield _erased(given.erased, source, stamp(given.exported_at))
    for entry in entries:
        if under_way(entry):
            continue
        told = entry_json(entry)
        for happening in entry.happened:
            yield _event(entry, source, f"{entry.sequence}/{happening}", f"journal.{happening}", entry.commit, told)
        for found in changes(entry):
            yield _of_change(entry, source, found, told)


def _erased(erased: Erased, source: str, at: str) -> dict[str, Json]:
    """Stands for all events that there can't be any more."""
    data: dict[str, Json] = {"message": str(erased), "records": erased.records, "first": erased.first}
    data |= {"last": erased.last, "entries": list(erased.by)}
    return {
        "specversion": "1.0",
        "id": f"erased/{erased.first}-{erased.last}/{erased.records}/{erased.by[-1]}",
        "source": source,
        "type": f"{_TYPES}.journal.erased",
        "time": at,
        "datacontenttype": "application/json",
        "data": data,
    }


def _of_change(entry: Entry, source: str, found: Changed, told: dict[str, Json]) -> dict[str, Json]:
    """What was done to one route, or was not: then its type says so, for those who look at nothing else."""
    name = quote(found.identity, safe="/:@*")
    what = "route" if found.is_route else found.kind.lower()
    shared = {
        key: told[key]
        for key in ("entry", "intact", "decision", "source", "people", "acknowledged", "lead_ms", "records")
    }
    data: dict[str, Json] = {**changed_json(found), **shared}
    identity = f"{entry.sequence}/{found.op}/{name}"
    kind = f"{what}.{found.op or 'unknown'}{_ENDS[found.applied](entry)}"
    return {**_event(entry, source, identity, kind, name, data), "applied": str(found.applied)}


def _unapplied(entry: Entry) -> str:
    """How it came that it is not served."""
    match entry.decision:
        case Decision.ROLLED_BACK:
            return ".rolled-back"
        case Decision.DRY_RUN:
            return ".planned"
        case Decision.FAILED:
            return ".failed"
        case Decision.APPLIED | Decision.PARTIAL | Decision.UNCHANGED:
            return ".left-out"
        case _:
            return ".refused"


_ENDS: dict[Answer, Callable[[Entry], str]] = {
    Answer.YES: lambda _: "",
    Answer.NO: _unapplied,
    Answer.UNKNOWN: lambda _: ".unknown",
}


def _event(entry: Entry, source: str, identity: str, kind: str, subject: str, data: dict[str, Json]) -> dict[str, Json]:
    event: dict[str, Json] = {
        "specversion": "1.0",
        "id": identity,
        "source": source,
        "type": f"{_TYPES}.{kind}",
        "time": stamp(entry.finished_at or entry.time),
        "datacontenttype": "application/json",
        "data": data,
    }
    return {**event, "subject": subject} if subject else event
