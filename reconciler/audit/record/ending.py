"""How an attempt ended, as the group of facts of a record: verdicts and findings of checks, and the effect. Pure."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from reconciler.audit.record.groups import UNKNOWN, Facts, identity, place, read_stamp, stamp
from reconciler.model.audit import Conclusion
from reconciler.model.check import Check, CheckVerdict, verdicts
from reconciler.model.digest import Json, digest_json
from reconciler.model.effect import Ack, AckState, Evidence, Placed
from reconciler.model.entry import Answer
from reconciler.model.problem import Problem, order
from reconciler.model.telling import brings_its_commit

_MOST_CHECKS = 500
_LONGEST_WORDS = 1_000


def ending(conclusion: Conclusion, source: Facts, merged_at: Json = UNKNOWN) -> Facts:
    """How it ended: decision, checks, what is quarantined, effect.

    Args:
        conclusion: how.
        source: the group of the attempt, for its times.
        merged_at: stamp of the merge, where the forge was asked.
    """
    return {
        "decision": str(conclusion.decision),
        "reason": conclusion.reason,
        "message": conclusion.message,
        "finished_at": stamp(conclusion.finished_at),
        "verdicts": _verdicts(conclusion),
        **_checks(conclusion.problems),
        "quarantined": [{**identity(name), "older_version_served": older} for name, older in conclusion.quarantined],
        "effect": {
            "acks": [_ack(ack) for ack in conclusion.acks],
            "rejections": [_ack(ack) for ack in conclusion.rejections],
            "written_at": stamp(conclusion.written_at) if conclusion.written_at else UNKNOWN,
            "versions": dict(conclusion.versions),
            "targets": _targets(conclusion),
            "lead_times_ms": _lead_times(conclusion, source, merged_at),
        },
    }


def _verdicts(conclusion: Conclusion) -> Json:
    """What each check said. The Envoys that got it are as good a check as the binary."""
    said = verdicts(conclusion.ran, conclusion.problems)
    states = {ack.state for ack in conclusion.acks}
    if conclusion.rejections or AckState.NACKED in states:
        said[Check.ENVOY] = CheckVerdict.FAILED
    elif states == {AckState.ACKED} and said[Check.ENVOY] is CheckVerdict.NOT_RUN:
        said[Check.ENVOY] = CheckVerdict.PASSED
    return {str(check): str(verdict) for check, verdict in said.items()}


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
        "place": place(problem.provenance),
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


def _targets(conclusion: Conclusion) -> Json:
    """Each target that anything is known of: whether it holds what was written to it, and as which object."""
    evidence: dict[str, set[Evidence]] = {}
    for ack in conclusion.acks:
        evidence.setdefault(ack.target, set()).add(ack.evidence)
    placed = {one.target: one for one in conclusion.placed}
    return [
        {
            "target": name,
            "read_back": str(_read_back(evidence.get(name, set()))),
            "object": _object(placed.get(name)),
        }
        for name in sorted(evidence.keys() | placed.keys())
    ]


def _read_back(evidence: set[Evidence]) -> Answer:
    """A target that reads back what it wrote fails where that differs, and then there are no acknowledgements."""
    return Answer.YES if evidence & {Evidence.READ_BACK, Evidence.ADMIN} else Answer.UNKNOWN


def _object(placed: Placed | None) -> Json:
    if placed is None:
        return None
    return {"name": placed.name, "uid": placed.uid, "resource_version": placed.resource_version}


def _lead_times(conclusion: Conclusion, source: Facts, merged_at: Json) -> Json:
    """Milliseconds between the moments of a commit's way; the clocks of author and controller may differ.

    A commit that is served already was on no way: what is put back, or goes with a change of the cluster, has its age.
    """
    committed, fetched = _moment(source.get("committed_at")), _moment(source.get("fetched_at"))
    if not brings_its_commit(source):
        committed = None
    merged = _moment(merged_at)
    acked = bool(conclusion.acks) and all(ack.state is AckState.ACKED for ack in conclusion.acks)
    acknowledged = conclusion.finished_at if acked else None
    return {
        "commit_to_merge": _milliseconds(committed, merged),
        "commit_to_fetch": _milliseconds(committed, fetched),
        "fetch_to_apply": _milliseconds(fetched, conclusion.written_at),
        "apply_to_ack": _milliseconds(conclusion.written_at, acknowledged),
        "commit_to_ack": _milliseconds(committed, acknowledged),
    }


def _moment(said: Json) -> datetime | None:
    return read_stamp(said) if isinstance(said, str) and said != UNKNOWN else None


def _milliseconds(start: datetime | None, end: datetime | None) -> Json:
    return UNKNOWN if start is None or end is None else round((end - start).total_seconds() * 1000)
