"""The groups of facts in a record, each as JSON. Pure.

A fact nobody asked a forge for is the string ``unknown``, never a guess.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from reconciler.audit.record.clean import repository
from reconciler.model.audit import Attempt, Conclusion
from reconciler.model.digest import Json, digest_json
from reconciler.model.effect import Ack, AckState, Drift
from reconciler.model.plan import Change, Op, Plan, fields_json
from reconciler.model.problem import Problem, order
from reconciler.model.provenance import ObjectTouch, Provenance
from reconciler.model.resource import ResourceId
from reconciler.model.source import Commit, Person, Revision

Facts = dict[str, Json]

UNKNOWN = "unknown"
_MOST_CHECKS = 500
_LONGEST_WORDS = 1_000


def stamp(time: datetime) -> str:
    """RFC 3339, UTC, to the millisecond: such texts sort as their times do."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_stamp(text: str) -> datetime:
    """The time a stamp names."""
    return datetime.fromisoformat(text)


def source(attempt: Attempt) -> Json:
    """Where the change comes from, and everything since what was last applied."""
    commit = attempt.commit
    return {
        "repository": repository(attempt.repository),
        "ref": (attempt.revision.pointer or None) if attempt.revision else None,
        "commit": commit.sha if commit else None,
        "tree": commit.tree if commit else None,
        "parents": list(commit.parents) if commit else [],
        "subject": commit.subject if commit else None,
        "trailers": [[name, value] for name, value in commit.trailers] if commit else [],
        "committed_at": stamp(commit.committed_at) if commit else None,
        "previous_applied": (attempt.previous.sha or None) if attempt.previous else None,
        "fast_forward": attempt.fast_forward,
        "fetched_at": stamp(attempt.fetched_at),
        "commits": [
            {
                "commit": c.sha,
                "author": _person(c.author, c.authored_at),
                "subject": c.subject,
                "committed_at": stamp(c.committed_at),
            }
            for c in attempt.commits_in_range
        ],
        **_objects(attempt),
    }


def _objects(attempt: Attempt) -> Facts:
    """What differs in the cluster from what was last applied; nothing where no cluster is read."""
    if attempt.revision is None or not attempt.revision.cluster:
        return {}
    objects: list[Json] = [
        {"object": change.path, "change": str(change.op), "version": object_facts(change.touch)}
        for change in attempt.objects
    ]
    return {"cluster": attempt.revision.cluster, "objects": objects}


def people(commit: Commit | None) -> Json:
    """Who stands behind it, as far as the commit says."""
    return {
        "author": _person(commit.author, commit.authored_at) if commit else UNKNOWN,
        "committer": _person(commit.committer, commit.committed_at) if commit else UNKNOWN,
        "pusher": UNKNOWN,
        "pull_request": UNKNOWN,
        "approvers": UNKNOWN,
        "merger": UNKNOWN,
        "checks": UNKNOWN,
    }


def _person(person: Person, time: datetime) -> Json:
    return {"name": person.name, "email": person.email, "time": stamp(time)}


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
        "routes": [_route(change) for change in plan.changes],
        "hosts": [host.as_json() for host in plan.hosts],
    }


def _route(change: Change) -> Json:
    policies: list[Json] = [{"name": one.name, "place": _place(one.provenance)} for one in change.policies]
    return {
        "op": str(change.op),
        **identity(change.id),
        "fields": fields_json(change.fields),
        "before": _place(change.before),
        "after": _place(change.after),
        **({"policies": policies} if policies else {}),
    }


def identity(name: ResourceId) -> Facts:
    """A resource by kind, namespace and name."""
    return {"kind": str(name.kind), "namespace": name.namespace, "name": name.name}


def _place(provenance: Provenance | None) -> Json:
    if provenance is None:
        return None
    place: Facts = {"path": provenance.path, "line": provenance.line}
    touch = provenance.touch
    if isinstance(touch, ObjectTouch):
        place["object"] = object_facts(touch)
    elif touch is not None:
        place["commit"] = touch.sha
        place["author"] = touch.author
        place["committed_at"] = stamp(touch.committed_at)
    return place


def object_facts(touch: ObjectTouch) -> Json:
    """Which version of an object of the cluster, and who wrote it."""
    return {
        "uid": touch.uid,
        "resource_version": touch.resource_version,
        "manager": touch.manager or UNKNOWN,
        "changed_at": stamp(touch.changed_at),
    }


def ending(conclusion: Conclusion, committed_at: Json, fetched_at: Json) -> Facts:
    """How it ended: decision, checks, what is quarantined, effect."""
    return {
        "decision": str(conclusion.decision),
        "reason": conclusion.reason,
        "message": conclusion.message,
        "finished_at": stamp(conclusion.finished_at),
        **_checks(conclusion.problems),
        "quarantined": [{**identity(name), "older_version_served": older} for name, older in conclusion.quarantined],
        "effect": {
            "acks": [_ack(ack) for ack in conclusion.acks],
            "rejections": [_ack(ack) for ack in conclusion.rejections],
            "written_at": stamp(conclusion.written_at) if conclusion.written_at else UNKNOWN,
            "lead_times_ms": _lead_times(conclusion, committed_at, fetched_at),
        },
    }


def drift(found: Sequence[Drift]) -> Facts:
    """Who else changed what a target held, as far as it could tell; no word where nobody did."""
    told: list[Json] = [
        {"target": one.target, "what": one.what, "by": one.by or UNKNOWN, "at": stamp(one.at) if one.at else UNKNOWN}
        for one in found
    ]
    return {"drift": told} if told else {}


def _checks(problems: Sequence[Problem]) -> Facts:
    """The findings, the worst where there are very many; then also how many there are of each kind, and of what digest.

    A record is kept for ever, and what is wrong is written with each of them as long as it lasts.
    """
    if len(problems) <= _MOST_CHECKS:
        return {"checks": [_check(problem) for problem in problems]}
    ranked = sorted(problems, key=order)
    listed: list[Json] = [_check(problem) for problem in ranked[:_MOST_CHECKS]]
    counts = Counter(f"{problem.severity} {problem.code}" for problem in ranked)
    whole: dict[str, Json] = {
        "found": len(ranked),
        "listed": len(listed),
        "counts": dict(sorted(counts.items())),
        "digest": digest_json([str(problem) for problem in ranked]),
    }
    return {"checks": listed, "all_checks": whole}


def _check(problem: Problem) -> Json:
    return {
        "code": str(problem.code),
        "severity": str(problem.severity),
        "resource": _short(problem.resource),
        "place": _place(problem.provenance),
        "field": _short(problem.field),
        "message": _short(problem.message),
        "expected": _short(problem.expected),
        "got": _short(problem.got),
    }


def _short(words: str) -> str:
    """Names and fields are as long as their authors like."""
    return words if len(words) <= _LONGEST_WORDS else words[:_LONGEST_WORDS] + "…"


def _ack(ack: Ack) -> Json:
    return {
        "target": ack.target,
        "node": ack.node,
        "type": ack.type_url,
        "version": ack.version,
        "state": str(ack.state),
        "evidence": str(ack.evidence),
        "detail": ack.detail,
    }


def _lead_times(conclusion: Conclusion, committed_at: Json, fetched_at: Json) -> Json:
    """Milliseconds between the moments of a commit's way; the clocks of author and controller may differ."""
    committed = read_stamp(committed_at) if isinstance(committed_at, str) else None
    fetched = read_stamp(fetched_at) if isinstance(fetched_at, str) else None
    applied = conclusion.written_at or conclusion.finished_at
    acked = bool(conclusion.acks) and all(ack.state is AckState.ACKED for ack in conclusion.acks)
    return {
        "commit_to_fetch": _milliseconds(committed, fetched),
        "fetch_to_apply": _milliseconds(fetched, applied),
        "commit_to_ack": _milliseconds(committed, conclusion.finished_at if acked else None),
    }


def _milliseconds(start: datetime | None, end: datetime | None) -> Json:
    return UNKNOWN if start is None or end is None else round((end - start).total_seconds() * 1000)
