"""The groups of facts of a record about the change, and what all groups are made of. Pure."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from reconciler.audit.record import risks
from reconciler.model.digest import Json
from reconciler.model.effect import Drift
from reconciler.model.happening import Actor
from reconciler.model.plan import Change, DocumentChange, EdgeChange, HostChange, Op, Plan, fields_json
from reconciler.model.provenance import ObjectTouch, Provenance
from reconciler.model.resource import ResourceId
from reconciler.model.risk import Risk
from reconciler.model.source import Revision

Facts = dict[str, Json]

UNKNOWN = "unknown"


def stamp(time: datetime) -> str:
    """RFC 3339, UTC, to the millisecond: such texts sort as their times do."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_stamp(text: str) -> datetime:
    """The time a stamp names."""
    return datetime.fromisoformat(text)


def revision(revision: Revision | None) -> str | None:
    """``main@sha1:<hex>``, or null."""
    return str(revision) if revision else None


def revisions(attempted: Revision | None, applied: Revision | None) -> Json:
    """Last attempted and last applied revision: always both."""
    return {"last_attempted": revision(attempted), "last_applied": revision(applied)}


def change(plan: Plan) -> Facts:
    """A plan: per-route changes with before and after, counts and digests."""
    resources = Counter(str(change.op) for change in plan.resources)
    return {
        "plan": plan.digest,
        "snapshot_before": plan.before,
        "snapshot_after": plan.after,
        "counts": {
            "routes_before": plan.routes_before,
            "routes_after": plan.routes_after,
            **{str(op): plan.count(op) for op in Op},
            "resources": {str(op): resources[str(op)] for op in Op},
        },
        "refusals": [{"reason": str(refusal.reason), "message": refusal.message} for refusal in plan.refusals],
        "risks": _words(risks.of_plan(plan)),
        "routes": [_route(change) for change in plan.changes],
        "hosts": [_host(host) for host in plan.hosts],
        "edge": [_edge(change) for change in plan.edge],
        **({"documents": [_document(change) for change in plan.documents]} if plan.documents else {}),
    }


def _route(change: Change) -> Json:
    policies: list[Json] = [{"name": one.name, "place": place(one.provenance)} for one in change.policies]
    return {
        "op": str(change.op),
        **identity(change.id),
        "fields": fields_json(change.fields),
        "before": place(change.before),
        "after": place(change.after),
        **({"policies": policies} if policies else {}),
        **_risky(risks.of_route(change)),
    }


def _host(change: HostChange) -> Json:
    told = change.as_json()
    return {**told, **_risky(risks.of_host(change))} if isinstance(told, dict) else told


def _edge(change: EdgeChange) -> Json:
    return {
        "op": str(change.op),
        "subject": change.subject,
        "sentence": change.sentence,
        "fields": fields_json(change.fields),
        **_risky(risks.of_edge(change)),
    }


def _document(change: DocumentChange) -> Json:
    return {
        "op": str(change.op),
        **identity(change.id),
        "before": place(change.before),
        "after": place(change.after),
    }


def _risky(found: Sequence[Risk]) -> Facts:
    return {"risks": _words(found)} if found else {}


def _words(found: Sequence[Risk]) -> list[Json]:
    return [str(risk) for risk in found]


def identity(name: ResourceId) -> Facts:
    """A resource by kind, namespace and name."""
    return {"kind": str(name.kind), "namespace": name.namespace, "name": name.name}


def place(provenance: Provenance | None) -> Json:
    """A place in a file or an object, with the commit or the write that last touched what stands there."""
    if provenance is None:
        return None
    found: Facts = {"path": provenance.path, "line": provenance.line}
    touch = provenance.touch
    if isinstance(touch, ObjectTouch):
        found["object"] = object_facts(touch)
    elif touch is not None:
        found["commit"] = touch.sha
        found["author"] = touch.author
        found["committed_at"] = stamp(touch.committed_at)
    return found


def object_facts(touch: ObjectTouch) -> Json:
    """Which version of an object of the cluster, and who wrote it."""
    return {
        "uid": touch.uid,
        "resource_version": touch.resource_version,
        "manager": touch.manager or UNKNOWN,
        "changed_at": stamp(touch.changed_at),
    }


def drift(found: Sequence[Drift]) -> Facts:
    """Who else changed what a target held, as far as it could tell; no word where nobody did."""
    told: list[Json] = [
        {"target": one.target, "what": one.what, "by": one.by or UNKNOWN, "at": stamp(one.at) if one.at else UNKNOWN}
        for one in found
    ]
    return {"drift": told} if told else {}


def unrecorded(targets: Sequence[str]) -> Facts:
    """Targets that hold what we applied and did not record; no word where there is none."""
    return {"unrecorded": [*targets]} if targets else {}


def exceptions(plan: Plan, allowed_by: Actor | None) -> Facts:
    """Safeguards that were overridden; no word where none was."""
    if not plan.lifted:
        return {}
    broken: Json = {
        "what": "break-glass",
        "refusals": [{"reason": str(refusal.reason), "message": refusal.message} for refusal in plan.lifted],
        "plan": plan.digest,
        "by": actor(allowed_by),
        "reason": UNKNOWN,
        "approver": UNKNOWN,
        "expires": UNKNOWN,
        "follow_up": UNKNOWN,
    }
    return {"exceptions": [broken]}


def actor(found: Actor | None) -> Json:
    """Who did it, and how they asked."""
    return {"name": found.name or UNKNOWN, "through": found.through} if found else UNKNOWN
