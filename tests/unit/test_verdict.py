"""What may be applied, and what an apply is called afterwards."""

from dataclasses import replace

import pytest

from reconciler.model.decision import Decision
from reconciler.model.digest import Digest
from reconciler.model.effect import Ack, AckState, Evidence
from reconciler.model.plan import Op, Plan, Refusal, RefusalReason, ResourceChange
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.provenance import Provenance
from reconciler.verdict import after_applying, before_applying

EMPTY = Plan((), (), Digest("sha256:a"), Digest("sha256:a"), 1, 1, (), Digest("sha256:p"))
CHANGE = replace(EMPTY, resources=(ResourceChange("type", "name", Op.UPDATE),))
UNSAFE = replace(CHANGE, refusals=(Refusal(RefusalReason.EMPTY_TABLE, "nothing would be served"),))
ERROR = Problem(Code.WRONG_TYPE, Severity.ERROR, "not a number", Provenance("a.yaml", 3))
WARNING = replace(ERROR, severity=Severity.WARNING)


def before(plan: Plan, **given: object) -> tuple[Decision, str] | None:
    facts: dict[str, object] = {"problems": (), "complaint": "", "drifted": False, "dry_run": False}
    verdict = before_applying(plan, refuse_invalid=bool(given.pop("refuse_invalid", False)), **(facts | given))  # type: ignore[arg-type]  # keyword table of a test
    return (verdict.decision, verdict.reason) if verdict else None


def test_a_safe_change_may_be_applied_even_with_findings() -> None:
    """Findings quarantine; they don't stop the rest."""
    assert before(CHANGE) is None
    assert before(CHANGE, problems=(ERROR, WARNING)) is None


def test_refusals_come_from_plan_settings_and_envoy() -> None:
    """Each has its own reason, and the strongest speaks."""
    assert before(UNSAFE) == (Decision.REFUSED, "UnsafePlan")
    assert before(CHANGE, problems=(ERROR,), refuse_invalid=True) == (Decision.REFUSED, "InvalidMapping")
    assert before(CHANGE, problems=(WARNING,), refuse_invalid=True) is None
    assert before(UNSAFE, complaint="bad") == (Decision.REFUSED, "EnvoyRejected")


def test_a_bad_object_of_the_cluster_refuses_nothing_but_itself() -> None:
    """Whoever may annotate one Service must not stop every commit where the whole is refused for one fault."""
    annotated = replace(ERROR, provenance=Provenance("cluster://Service/shop/cart", 3))
    assert before(CHANGE, problems=(annotated,), refuse_invalid=True) is None
    assert before(CHANGE, problems=(annotated, ERROR), refuse_invalid=True) == (Decision.REFUSED, "InvalidMapping")


def test_nothing_to_do_is_said_truly() -> None:
    """An empty plan is Unchanged, Partial with findings, and applied all the same after drift."""
    assert before(EMPTY) == (Decision.UNCHANGED, "")
    assert before(EMPTY, problems=(ERROR,)) == (Decision.PARTIAL, "InvalidMapping")
    assert before(EMPTY, drifted=True) is None
    assert before(CHANGE, dry_run=True) == (Decision.DRY_RUN, "")


@pytest.mark.parametrize(
    ("problems", "states", "accepted", "decision", "reason"),
    [
        ((), [AckState.ACKED], True, Decision.APPLIED, ""),
        ((), [AckState.ACKED, AckState.PENDING], True, Decision.APPLIED, "AwaitingAck"),
        ((ERROR,), [AckState.ACKED], True, Decision.PARTIAL, "InvalidMapping"),
        ((replace(ERROR, code=Code.ENVOY_REJECTED),), [], True, Decision.PARTIAL, "EnvoyRejected"),
        ((ERROR,), [AckState.NACKED], False, Decision.ROLLED_BACK, "EnvoyRejected"),
    ],
)
def test_the_end_has_the_right_name(
    problems: tuple[Problem, ...], states: list[AckState], accepted: bool, decision: Decision, reason: str
) -> None:
    """Applied, Partial and RolledBack are told apart, and outstanding words are mentioned."""
    acks = [Ack("xds", "n", "t", "v", state, Evidence.STREAM) for state in states]
    verdict = after_applying(problems, acks, "no" if not accepted else "", anything_accepted=accepted)
    assert (verdict.decision, verdict.reason) == (decision, reason)


def test_an_apply_that_nobody_heard_says_so() -> None:
    """Without a single Envoy there is nothing to be proud of."""
    assert "no Envoy" in after_applying((), (), "", anything_accepted=True).message
