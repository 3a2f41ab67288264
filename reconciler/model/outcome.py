"""How one reconcile ended, for every surface: log line, metrics, health, exit code."""

from dataclasses import dataclass
from datetime import datetime

from reconciler.model.audit import Attempt, Conclusion
from reconciler.model.decision import Condition, ConditionType, Decision, Trigger
from reconciler.model.effect import Ack, AckState, Drift
from reconciler.model.plan import Plan
from reconciler.model.problem import Problem, Severity
from reconciler.model.resource import ResourceId
from reconciler.model.source import Commit, ObjectChange, Revision


@dataclass(frozen=True, slots=True)
class Outcome:
    """One reconcile.

    Attributes:
        reason: CamelCase; empty when all is well.
        retry: whether trying again without a new revision can help.
        attempted, applied: the last revision tried and the last one whose content is served.
        sequence: the journal's number of this decision, None when nothing was recorded.
        quiet: nothing was new: not worth a log line.
        objects, drift: see `Attempt`.
    """

    trigger: Trigger
    decision: Decision
    started_at: datetime
    finished_at: datetime
    reason: str = ""
    message: str = ""
    retry: bool = False
    attempted: Revision | None = None
    applied: Revision | None = None
    commit: Commit | None = None
    plan: Plan | None = None
    problems: tuple[Problem, ...] = ()
    quarantined: tuple[tuple[ResourceId, bool], ...] = ()
    acks: tuple[Ack, ...] = ()
    rejections: tuple[Ack, ...] = ()
    sequence: int | None = None
    quiet: bool = False
    objects: tuple[ObjectChange, ...] = ()
    drift: tuple[Drift, ...] = ()

    @classmethod
    def concluded(cls, attempt: Attempt, conclusion: Conclusion, sequence: int | None) -> "Outcome":
        """What the journal recorded under ``sequence``; None where it had nothing to record."""
        return cls(
            trigger=attempt.trigger,
            decision=conclusion.decision,
            reason=conclusion.reason,
            message=conclusion.message,
            started_at=attempt.started_at,
            finished_at=conclusion.finished_at,
            attempted=attempt.revision,
            applied=conclusion.served,
            commit=attempt.commit,
            plan=conclusion.plan,
            problems=conclusion.problems,
            quarantined=conclusion.quarantined,
            acks=conclusion.acks,
            rejections=conclusion.rejections,
            sequence=sequence,
            objects=attempt.objects,
            drift=attempt.drift,
        )

    @property
    def errors(self) -> int:
        """How many findings quarantine something."""
        return sum(problem.severity is Severity.ERROR for problem in self.problems)

    @property
    def fine(self) -> bool:
        """Whether everything that is in the source is also served."""
        done = self.decision in (Decision.APPLIED, Decision.UNCHANGED, Decision.DRY_RUN)
        return done and not self.errors and not any(ack.state is AckState.NACKED for ack in self.acks)

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.finished_at - self.started_at).total_seconds()

    def conditions(self) -> tuple[Condition, ...]:
        """The kstatus conditions this outcome leaves: Ready, Reconciling, Stalled."""
        stalled = not self.fine and not self.retry
        return (
            Condition(ConditionType.READY, self.fine, self.reason or str(self.decision), self.message),
            Condition(ConditionType.RECONCILING, self.retry, self.reason if self.retry else ""),
            Condition(ConditionType.STALLED, stalled, self.reason if stalled else ""),
        )
