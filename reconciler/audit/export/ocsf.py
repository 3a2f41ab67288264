"""OCSF (https://schema.ocsf.io), version 1.8.0, one event on each line. Pure.

A route that was created, updated or deleted is *Entity Management* (3004), and so is what else an entry decided about
the routing table. That a target held something else than was applied is *Device Config State Change* (5019). What was
done to the journal itself, exports among it, is *Event Log Activity* (1008).
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.audit.export.facts import Changed, changes, dicts, exceptions, first, text, under_way, word
from reconciler.audit.export.given import Given
from reconciler.audit.export.ocsf_parts import (
    ENTITY,
    EVENT_LOG,
    SEVERE,
    STATE,
    Class,
    Severity,
    actor,
    enrichments,
    entity,
    named,
    person,
)
from reconciler.audit.record.groups import stamp
from reconciler.audit.record.projection import milliseconds
from reconciler.model.decision import Decision
from reconciler.model.digest import Json
from reconciler.model.entry import UNKNOWN, Answer, Entry
from reconciler.model.happening import Happening
from reconciler.model.retention import Erased

VERSION = "1.8.0"
MEDIA_TYPE = "application/x-ndjson"

_UNKNOWN, _SUCCESS, _FAILURE = (0, "Unknown"), (1, "Success"), (2, "Failure")
_STATUS = {Answer.YES: _SUCCESS, Answer.NO: _FAILURE, Answer.UNKNOWN: _UNKNOWN}
_OPS = {"create": (1, "Create"), "update": (3, "Update"), "delete": (4, "Delete")}
_OTHER = 99
_SHA256 = 3
_STEERED = {Happening.SUSPEND: (12, "Suspend"), Happening.RESUME: (13, "Resume")}
_OF_THE_LOG = {
    Happening.AUDIT_START: (6, "Start"),
    Happening.AUDIT_STOP: (7, "Stop"),
    Happening.EXPORT: (3, "Export"),
    Happening.RETENTION_DELETE: (2, "Delete"),
    **{
        each: (_OTHER, str(each))
        for each in (
            Happening.AUDIT_GAP,
            Happening.MIGRATED,
            Happening.HOLD,
            Happening.HOLD_RELEASED,
            Happening.KEY_CHANGED,
            Happening.ANCHORED,
        )
    },
}
_DRIFT = (Happening.DRIFT_FOUND, Happening.DRIFT_HEALED)
_BAD = {Happening.AUDIT_GAP: Severity.HIGH, Happening.BREAK_GLASS: Severity.HIGH}
_UNSERVED = (Decision.REFUSED, Decision.ROLLED_BACK, Decision.FAILED)


@dataclass(frozen=True, slots=True)
class _Event:
    """What differs between the events of one entry."""

    identity: str
    of: Class
    activity: tuple[int, str]
    severity: Severity
    status: tuple[int, str]
    facts: dict[str, Json]


def lines(entries: Iterable[Entry], given: Given) -> Iterator[str]:
    """The events of entries whose end is recorded, each on a line; the first tells what retention deleted."""
    if given.erased:
        yield json.dumps(_erased(given.erased, given)) + "\n"
    for entry in entries:
        if not under_way(entry):
            for event in _events(entry, given):
                yield json.dumps(_whole(entry, given, event)) + "\n"


def _events(entry: Entry, given: Given) -> Iterator[_Event]:
    found = changes(entry)
    for each in found:
        yield _of_change(each)
    if set(entry.happened) & set(_DRIFT):
        yield from _of_drift(entry)
    for happening in entry.happened:
        if happening in _OF_THE_LOG:
            facts: dict[str, Json] = {"log_name": given.origin, "log_type_id": 2, "log_type": "Application"}
            severity = _BAD.get(happening, Severity.INFORMATIONAL)
            yield _Event(happening, EVENT_LOG, _OF_THE_LOG[happening], severity, _SUCCESS, facts)
        elif happening not in _DRIFT and (not found or happening in _BAD or happening in _STEERED):
            yield _of_table(entry, happening)


def _of_change(found: Changed) -> _Event:
    before = {each.field: each.before for each in found.fields}
    after = {each.field: each.after for each in found.fields}
    facts: dict[str, Json] = {"entity": entity(found, found.before, before)}
    if found.op != "delete":
        facts["entity_result"] = entity(found, found.after, after)
    severity = max((SEVERE.get(risk, Severity.MEDIUM) for risk in found.risks), default=Severity.INFORMATIONAL)
    activity = _OPS.get(found.op, (_OTHER, found.op or UNKNOWN))
    return _Event(f"{found.op}/{found.identity}", ENTITY, activity, severity, _STATUS[found.applied], facts)


def _of_drift(entry: Entry) -> Iterator[_Event]:
    """One for each target that differed, with who changed it where that is known."""
    healed = Happening.DRIFT_HEALED in entry.happened
    told = dicts(first(entry).get("drift")) or [{"target": UNKNOWN, "what": entry.message or "drift"}]
    for number, each in enumerate(told):
        facts: dict[str, Json] = {
            "device": {"type_id": _OTHER, "type": "Envoy configuration", "name": word(each.get("target"))},
            "state_id": _OTHER,
            "state": "restored" if healed else "changed by others",
            "actor": {"user": {"name": word(each.get("by")), "type_id": 0, "type": "Unknown"}},
            "message": text(each.get("what")),
        }
        status = _SUCCESS if healed else _FAILURE
        yield _Event(f"drift/{number}", STATE, (1, "Log"), Severity.MEDIUM, status, facts)


def _of_table(entry: Entry, happening: Happening) -> _Event:
    """What was decided about the routing table as a whole."""
    whole: Json = {"name": entry.repository or "routing table", "type_id": _OTHER, "type": "Routing table"}
    severity = _BAD.get(happening, Severity.LOW if entry.decision in _UNSERVED else Severity.INFORMATIONAL)
    status = _UNKNOWN if entry.interrupted else _FAILURE if entry.decision in _UNSERVED else _SUCCESS
    activity = _STEERED.get(happening, (_OTHER, str(happening)))
    facts: dict[str, Json] = {"entity": whole}
    if happening is Happening.BREAK_GLASS and (by := _lifted_by(entry)):
        facts["actor"] = person(by)
    return _Event(happening, ENTITY, activity, severity, status, facts)


def _lifted_by(entry: Entry) -> str:
    """Who overrode a safeguard; empty where that is not known."""
    found = [by for each in exceptions(entry) if isinstance(by := each.get("by"), dict)]
    names = (text(by.get("name")) or text(by.get("through")) for by in found)
    return ", ".join(dict.fromkeys(name for name in names if name and name != UNKNOWN))


def _erased(erased: Erased, given: Given) -> dict[str, Json]:
    """Stands for all events that there can't be any more."""
    return {
        "class_uid": EVENT_LOG.uid,
        "class_name": EVENT_LOG.name,
        "category_uid": EVENT_LOG.category,
        "category_name": EVENT_LOG.category_name,
        "activity_id": _OF_THE_LOG[Happening.RETENTION_DELETE][0],
        "activity_name": _OF_THE_LOG[Happening.RETENTION_DELETE][1],
        "type_uid": EVENT_LOG.uid * 100 + _OF_THE_LOG[Happening.RETENTION_DELETE][0],
        "type_name": f"{EVENT_LOG.name}: {_OF_THE_LOG[Happening.RETENTION_DELETE][1]}",
        "time": milliseconds(given.exported_at),
        "severity_id": int(Severity.INFORMATIONAL),
        "severity": Severity.INFORMATIONAL.name.capitalize(),
        "status_id": _SUCCESS[0],
        "status": _SUCCESS[1],
        "actor": {"app_name": "reconciler"},
        "message": str(erased),
        "log_name": given.origin,
        "log_type_id": 2,
        "log_type": "Application",
        "metadata": {
            "version": VERSION,
            "product": {"name": "reconciler", "vendor_name": "reconciler", "version": given.tool_version},
            "uid": f"{given.origin}/erased/{erased.first}-{erased.last}/{erased.records}/{erased.by[-1]}",
            "log_name": given.origin,
            "sequence": erased.by[-1],
        },
    }


def _whole(entry: Entry, given: Given, event: _Event) -> dict[str, Json]:
    number, name = event.activity
    record = entry.records[-1]
    shared: dict[str, Json] = {
        "class_uid": event.of.uid,
        "class_name": event.of.name,
        "category_uid": event.of.category,
        "category_name": event.of.category_name,
        "activity_id": number,
        "activity_name": name,
        "type_uid": event.of.uid * 100 + number,
        "type_name": f"{event.of.name}: {name}",
        "time": milliseconds(entry.finished_at or entry.time),
        "severity_id": int(event.severity),
        "severity": event.severity.name.capitalize(),
        "status_id": event.status[0],
        "status": event.status[1],
        "actor": actor(entry),
        "message": entry.message or entry.subject,
        "metadata": {
            "version": VERSION,
            "product": {"name": "reconciler", "vendor_name": "reconciler", "version": given.tool_version},
            "uid": f"{given.origin}/{entry.sequence}/{event.identity}",
            "log_name": given.origin,
            "sequence": record.sequence,
            "original_time": stamp(entry.time),
            **named("correlation_uid", entry.commit),
            **named("event_code", ", ".join(entry.happened)),
        },
        "raw_data_hash": {
            "algorithm_id": _SHA256,
            "algorithm": "SHA-256",
            "value": record.hash.removeprefix("sha256:"),
        },
        **named("status_code", str(entry.decision or "")),
        **named("status_detail", entry.reason),
        **enrichments(entry),
    }
    return {**shared, **event.facts}
