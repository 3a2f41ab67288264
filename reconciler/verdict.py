"""Decides: may this plan be applied, and how did applying it end? Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.model.decision import Decision
from reconciler.model.effect import Ack, AckState
from reconciler.model.plan import Plan
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.source import Realm, realm_of
from reconciler.model.standing import RefusedRevision


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision with its CamelCase reason (empty when all is well) and a sentence for people."""

    decision: Decision
    reason: str = ""
    message: str = ""


def before_applying(
    plan: Plan,
    problems: Sequence[Problem],
    complaint: str,
    *,
    drifted: bool,
    dry_run: bool,
    refuse_invalid: bool,
    follows: bool = False,
    refused_before: RefusedRevision | None = None,
) -> Verdict | None:
    """Why a plan is not applied; None when it may be.

    Args:
        plan: the change from what is served to what is wanted.
        problems: all findings of the revision.
        complaint: Envoy's words when its check accepts no part of the change; else empty.
        drifted: a target holds something else than was last applied, so even an empty plan is applied.
        dry_run: there is no target.
        refuse_invalid: a revision with any error in its files is refused as a whole.
        follows: every target is left to the leader of several replicas.
        refused_before: the leader refuses this revision for what it serves, and we serve nothing to compare it with.
    """
    errors = _errors(problems)
    if complaint:
        return Verdict(Decision.REFUSED, "EnvoyRejected", f"Envoy's check rejects the configuration: {complaint}")
    # Whoever may annotate one object must not be able to stop all others: of the cluster each document stands alone.
    committed = [error for error in errors if realm_of(error.provenance.path) is Realm.GIT]
    if committed and refuse_invalid:
        why = f"{_many(committed)}; onInvalid is refuse. First: {committed[0]}"
        return Verdict(Decision.REFUSED, "InvalidMapping", why)
    if plan.refusals:
        return Verdict(Decision.REFUSED, "UnsafePlan", "; ".join(refusal.message for refusal in plan.refusals))
    if refused_before is not None:
        why = (
            f"the leader refuses this revision ({refused_before.reason}), and nothing is served here to compare it with"
        )
        return Verdict(Decision.REFUSED, "RefusedByLeader", f"{why}: {refused_before.message}")
    if dry_run:
        return Verdict(Decision.DRY_RUN, message="no target; nothing is applied")
    if not follows and (not plan.empty or drifted):
        return None
    if errors:
        return Verdict(Decision.PARTIAL, _reason(errors), f"nothing to apply; {_many(errors)}")
    if follows:
        return Verdict(Decision.UNCHANGED, "NotLeading", "another replica leads, and applies it")
    return Verdict(Decision.UNCHANGED, message="nothing to apply")


def after_applying(
    problems: Sequence[Problem], acks: Sequence[Ack], complaint: str, *, anything_accepted: bool
) -> Verdict:
    """How applying ended.

    Args:
        problems: findings of what was applied in the end.
        acks: the last word of every Envoy.
        complaint: Envoy's words when it first rejected the change; else empty.
        anything_accepted: False when everything was rolled back.
    """
    errors = _errors(problems)
    if not anything_accepted:
        return Verdict(Decision.ROLLED_BACK, "EnvoyRejected", f"rolled back: {complaint}")
    if errors:
        return Verdict(Decision.PARTIAL, _reason(errors), _many(errors))
    pending = sum(ack.state is AckState.PENDING for ack in acks)
    if pending:
        return Verdict(Decision.APPLIED, "AwaitingAck", f"{pending} acknowledgements outstanding")
    return Verdict(Decision.APPLIED, message="" if acks else "no Envoy was connected")


def _errors(problems: Sequence[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.severity is Severity.ERROR]


def _reason(errors: Sequence[Problem]) -> str:
    return "EnvoyRejected" if any(e.code is Code.ENVOY_REJECTED for e in errors) else "InvalidMapping"


def _many(errors: Sequence[Problem]) -> str:
    return "1 error" if len(errors) == 1 else f"{len(errors)} errors"
