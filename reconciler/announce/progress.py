"""How the whole stands, for the object that stands for the repository: a RoutingRepository, or a ConfigMap. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.announce.conditions import Stated, conditions_json, moment
from reconciler.announce.notice import bounded
from reconciler.model.decision import ConditionType, Decision
from reconciler.model.digest import Json
from reconciler.model.effect import Ack, AckState, Evidence
from reconciler.model.outcome import Outcome
from reconciler.model.problem import rank

_MOST_PROBLEMS = 5
_MOST_BYTES = 512
# What an outcome that changed nothing does not tell, and what stood before is still true.
_KEPT = ("lastAppliedTime", "planDigest", "routes", "acked", "envoys")


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known after the reconciles so far.

    Attributes:
        stated: the conditions; empty before the first reconcile.
        facts: fields of the status, by name; those that are not known yet are not there.
        handled: the last request of somebody that was followed.
    """

    stated: tuple[Stated, ...] = ()
    facts: tuple[tuple[str, Json], ...] = ()
    handled: str = ""
    failed: bool = False

    def after(self, outcome: Outcome, handled: str) -> "Progress":
        """What is known after one more reconcile; ``handled`` is the request that was there when it began."""
        fresh = _facts(outcome)
        facts = tuple({**dict(self.facts), **fresh}.items())
        known = replace(self, facts=facts, handled=handled)
        if outcome.quiet and self.stated and not self.failed:
            return known
        told = tuple(
            Stated(str(c.type), c.status, c.reason or _reason(c.type, status=c.status), c.message)
            for c in outcome.conditions()
        )
        return replace(known, stated=told, failed=outcome.decision is Decision.FAILED)


def _reason(kind: ConditionType, *, status: bool) -> str:
    return "Applied" if kind is ConditionType.READY else ("Progressing" if status else "Idle")


def _facts(outcome: Outcome) -> dict[str, Json]:
    revisions = {"lastAttemptedRevision": outcome.attempted, "lastAppliedRevision": outcome.applied}
    facts: dict[str, Json] = {name: str(revision) for name, revision in revisions.items() if revision}
    if outcome.quiet or outcome.decision is Decision.FAILED:
        return facts
    worst = sorted(outcome.problems, key=rank)[:_MOST_PROBLEMS]
    facts["problems"] = len(outcome.problems)
    facts["firstProblems"] = [bounded(str(problem), _MOST_BYTES) for problem in worst]
    if outcome.decision in (Decision.APPLIED, Decision.PARTIAL):
        facts["lastAppliedTime"] = moment(outcome.finished_at)
        if outcome.plan:
            facts["planDigest"] = outcome.plan.digest
    if outcome.plan:
        served = outcome.decision in (Decision.APPLIED, Decision.PARTIAL, Decision.UNCHANGED)
        facts["routes"] = outcome.plan.routes_after if served else outcome.plan.routes_before
    if outcome.acks:
        facts["acked"], facts["envoys"] = _acked(outcome.acks)
    return facts


def _acked(acks: tuple[Ack, ...]) -> tuple[int, int]:
    """How many Envoys took everything, and how many were asked."""
    envoys: dict[tuple[str, str], bool] = {}
    for ack in acks:
        if ack.evidence in (Evidence.STREAM, Evidence.ADMIN):
            node = ack.target, ack.node
            envoys[node] = envoys.get(node, True) and ack.state is AckState.ACKED
    return sum(envoys.values()), len(envoys)


@dataclass(frozen=True, slots=True)
class Around:
    """What a status says besides.

    Attributes:
        generation: of the object.
        suspended: why nothing is applied; empty while it is.
        leader: who writes this.
    """

    generation: int
    suspended: str
    leader: str


def status_of(progress: Progress, around: Around, before: Mapping[str, Json], now: datetime) -> dict[str, Json]:
    """The status of a RoutingRepository.

    Args:
        progress: what is known.
        around: see `Around`.
        before: the status that it has; what is not known since a restart stays as it says.
        now: the time of what changed.
    """
    reason = "Suspended" if around.suspended else "Active"
    stated = (*progress.stated, Stated("Suspended", bool(around.suspended), reason, around.suspended))
    facts = dict(progress.facts)
    same = before.get("lastAppliedRevision") == facts.get("lastAppliedRevision")
    kept = {name: before[name] for name in _KEPT if same and name in before}
    status = {**kept, **facts, "leader": around.leader, "observedGeneration": around.generation}
    if progress.handled:
        status["lastHandledReconcileAt"] = progress.handled
    status["conditions"] = conditions_json(stated, around.generation, before.get("conditions"), now, most=_MOST_BYTES)
    return status


def data_of(status: Mapping[str, Json], spec: Mapping[str, Json]) -> dict[str, Json]:
    """The same as the data of a ConfigMap: texts only, one per fact."""
    data: dict[str, Json] = {}
    for name, value in (*_flat(spec), *status.items()):
        if name == "conditions" and isinstance(value, list):
            for condition in value:
                if isinstance(condition, dict):
                    kind = str(condition.get("type"))
                    data[kind] = str(condition.get("status"))
                    data[f"{kind}.reason"] = str(condition.get("reason"))
                    data[f"{kind}.message"] = str(condition.get("message"))
        elif name == "firstProblems" and isinstance(value, list):
            data[name] = "\n".join(map(str, value))
        elif name != "observedGeneration":
            data[name] = str(value)
    return data


def _flat(spec: Mapping[str, Json]) -> list[tuple[str, Json]]:
    source = spec.get("source")
    inner = source.items() if isinstance(source, dict) else ()
    return [*inner, *((name, value) for name, value in spec.items() if name != "source")]
