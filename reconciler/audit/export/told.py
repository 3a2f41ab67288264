"""An entry as JSON for other programs: the facts that each of their formats carries in its own envelope. Pure."""

from reconciler.audit.export import facts
from reconciler.audit.export.facts import Changed, Place
from reconciler.audit.record.groups import stamp
from reconciler.model.digest import Json
from reconciler.model.entry import UNKNOWN, Entry


def entry_json(entry: Entry) -> dict[str, Json]:
    """What an entry tells, without what it did to routes: the same keys for each, ``unknown`` for what nobody asked."""
    return {
        "entry": entry.sequence,
        "intact": entry.intact,
        "time": stamp(entry.time),
        "finished_at": stamp(entry.finished_at) if entry.finished_at else None,
        "happened": [str(one) for one in entry.happened],
        "trigger": str(entry.trigger) if entry.trigger else None,
        "decision": str(entry.decision) if entry.decision else None,
        "reason": entry.reason,
        "message": entry.message,
        "actor": entry.actor or None,
        "controller": facts.controller(entry) or UNKNOWN,
        "source": source_json(entry),
        "people": people_json(entry),
        "plan": facts.change(entry).get("plan"),
        "counts": {"create": entry.creates, "update": entry.updates, "delete": entry.deletes},
        "risks": list(facts.risks(facts.changes(entry))),
        "exceptions": [*facts.exceptions(entry)],
        "quarantined": entry.quarantined,
        "acknowledged": str(entry.acknowledged),
        "acknowledgements": acks_json(entry),
        "lead_ms": UNKNOWN if entry.lead_ms is None else entry.lead_ms,
        "records": records_json(entry),
    }


def source_json(entry: Entry) -> Json:
    """Where it comes from."""
    return {
        "repository": entry.repository,
        "revision": entry.revision,
        "commit": entry.commit or None,
        "commits": list(entry.commits),
        "subject": entry.subject,
    }


def people_json(entry: Entry) -> Json:
    """Who stands behind it, as far as anybody asked."""
    people = facts.first(entry, "people")
    approvals = facts.approvals(entry)
    return {
        "author": entry.author or UNKNOWN,
        "committer": entry.committer or UNKNOWN,
        "pull_request": people.get("pull_request", UNKNOWN),
        "approvals": UNKNOWN if approvals is None else list(approvals),
        "approved": str(entry.approved),
        "self_approved": str(entry.approved_alone),
        "merger": people.get("merger", UNKNOWN),
        "checks": people.get("checks", UNKNOWN),
        "signed": str(entry.signed),
        "claims": people.get("claims"),
    }


def acks_json(entry: Entry) -> Json:
    """What each Envoy said of each type."""
    return [
        {
            "target": each.target,
            "node": each.node,
            "type": each.type,
            "version": each.version,
            "state": each.state,
            "evidence": each.evidence,
            "detail": each.detail,
        }
        for each in facts.acks(entry)
    ]


def records_json(entry: Entry) -> list[Json]:
    """Where the journal has it: numbers and hashes of its records."""
    return [
        {"sequence": record.sequence, "event": str(record.event), "hash": record.hash, "intact": record.intact}
        for record in entry.records
    ]


def changed_json(found: Changed) -> dict[str, Json]:
    """What was done to one route, or to something around routes."""
    return {
        "kind": found.kind,
        "namespace": found.namespace,
        "name": found.name,
        "op": found.op,
        "applied": str(found.applied),
        "fields": [{"field": each.field, "before": each.before, "after": each.after} for each in found.fields],
        "before": _place(found.before),
        "after": _place(found.after),
        "risks": list(found.risks),
    }


def _place(place: Place | None) -> Json:
    if place is None:
        return None
    touched = {"commit": place.commit, "author": place.author, "written": place.written}
    return {"path": place.path, "line": place.line, **{name: said for name, said in touched.items() if said}}
