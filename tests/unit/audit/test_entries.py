"""An entry of the log is worked out from bodies of every schema, also of notes."""

import json
from typing import Any

import pytest

from reconciler.audit.record import records
from reconciler.audit.record.groups import Facts
from reconciler.model.audit import AuditRecord, Event
from reconciler.model.decision import Decision, Trigger
from reconciler.model.digest import digest_bytes
from reconciler.model.effect import Ack, AckState, Drift, Evidence
from reconciler.model.entry import Answer, Entry, entry
from reconciler.model.happening import Happening
from reconciler.model.telling import applied_change, happened, worked_out
from tests.support.journals import NOON, attempt, conclusion


def record(event: Event, body: Facts, sequence: int = 1) -> AuditRecord:
    """A record as it is read from a database."""
    found = json.loads(json.dumps(body))
    return AuditRecord(sequence, NOON, event, found, digest_bytes(b"record"))


def older(body: Facts) -> Facts:
    """The same body as a program wrote it that did not say what it tells."""
    return {name: value for name, value in body.items() if name != "happened"}


def applied(intended: dict[str, Any], ended: dict[str, Any]) -> Entry:
    """The entry of an apply."""
    tried = attempt(1, **intended)
    first = older(records.intent(tried))
    last = older(records.result(1, first, conclusion(tried, **ended), None))
    return entry(record(Event.INTENT, first), record(Event.RESULT, last, 2))


@pytest.mark.parametrize(
    ("intended", "ended", "told"),
    [
        ({}, {}, {Happening.APPLY}),
        ({}, {"decision": Decision.PARTIAL, "reason": "InvalidMapping"}, {Happening.PARTIAL}),
        (
            {},
            {"decision": Decision.ROLLED_BACK, "reason": "EnvoyRejected"},
            {Happening.ROLLBACK, Happening.VERIFY_FAIL},
        ),
        (
            {},
            {
                "decision": Decision.PARTIAL,
                "rejections": (Ack("xds", "e", "t", "1", AckState.NACKED, Evidence.STREAM),),
            },
            {Happening.PARTIAL, Happening.VERIFY_FAIL},
        ),
        ({"trigger": Trigger.DRIFT}, {}, {Happening.DRIFT_FOUND, Happening.DRIFT_HEALED, Happening.APPLY}),
        (
            {"drift": (Drift("files:/x", "gone"),)},
            {"decision": Decision.ROLLED_BACK},
            {Happening.DRIFT_FOUND, Happening.ROLLBACK},
        ),
        ({"fast_forward": False}, {}, {Happening.HISTORY_REWRITTEN, Happening.APPLY}),
    ],
)
def test_an_older_apply_tells_what_happened(
    intended: dict[str, Any], ended: dict[str, Any], told: set[Happening]
) -> None:
    """What older programs did not write down is worked out from what they did."""
    assert set(applied(intended, ended).happened) == told


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        ({"decision": Decision.UNCHANGED}, Happening.NO_OP),
        ({"decision": Decision.UNCHANGED, "reason": "Suspended"}, Happening.SUSPEND),
        ({"decision": Decision.UNCHANGED, "reason": "Resumed"}, Happening.RESUME),
        ({"decision": Decision.REFUSED, "reason": "UnsafePlan"}, Happening.REJECT),
        ({"decision": Decision.DRY_RUN}, Happening.PLAN),
        ({"decision": Decision.FAILED, "reason": "GitUnreachable"}, Happening.FAIL),
    ],
)
def test_a_decision_tells_what_happened(ended: dict[str, Any], told: Happening) -> None:
    """Each decision has its word."""
    tried = attempt(1)
    body = older(records.decision(tried, conclusion(tried, **ended), None))
    assert entry(record(Event.DECISION, body), None).happened == (told,)


def test_what_was_written_down_agrees_with_what_is_worked_out() -> None:
    """New records hold it; by the same rules."""
    tried = attempt(1, trigger=Trigger.DRIFT, drift=(Drift("files:/x", "gone"),), fast_forward=False)
    first = records.intent(tried)
    last = records.result(1, first, conclusion(tried), None)
    assert first["happened"] == [*worked_out(Event.INTENT, older(first))]
    assert last["happened"] == [*worked_out(Event.RESULT, older(last), first)]
    assert happened(Event.RESULT, last) == (Happening.APPLY, Happening.DRIFT_HEALED)


def test_an_intent_alone_and_an_interrupted_one() -> None:
    """An apply under way has not ended; one that was interrupted says so."""
    first = records.intent(attempt(1))
    under_way = entry(record(Event.INTENT, first), None)
    assert (under_way.happened, under_way.finished_at, under_way.interrupted) == ((), None, False)
    closed = entry(record(Event.INTENT, first), record(Event.INTERRUPTED, records.interrupted(1, first), 2))
    assert (closed.happened, closed.finished_at) == ((Happening.INTERRUPTED,), NOON)


def test_a_note_is_an_entry() -> None:
    """It has no trigger and no decision, but who did it and what it is."""
    body: Facts = {
        "happened": ["hold"],
        "message": "records of May stay",
        "actor": {"name": "eve", "through": "command line"},
    }
    found = entry(record(Event.NOTE, body), None)
    assert (found.trigger, found.decision, found.happened) == (None, None, (Happening.HOLD,))
    assert (found.message, found.actor, found.finished_at) == ("records of May stay", "eve", NOON)
    assert entry(record(Event.NOTE, {**body, "actor": "unknown"}), None).actor == ""


def test_what_retention_deleted_tells_only_its_frame() -> None:
    """An empty body is no damage."""
    found = entry(record(Event.INTENT, {}), record(Event.RESULT, {}, 2))
    assert (found.trigger, found.happened, found.sequence) == (None, (), 1)


def test_facts_of_people_of_an_older_body() -> None:
    """Nobody asked a forge then: that is not the same as that there was no approval."""
    found = applied({}, {})
    assert (found.pull_request, found.approvers, found.signed) == ("unknown", None, Answer.UNKNOWN)
    assert (found.approved, found.acknowledged) == (Answer.UNKNOWN, Answer.YES)
    assert found.committer == "Forge <noreply@example.com>"
    assert found.lead_ms == 60_900


@pytest.mark.parametrize(
    ("states", "answer"),
    [
        ((), Answer.UNKNOWN),
        ((AckState.UNKNOWN,), Answer.UNKNOWN),
        ((AckState.ACKED, AckState.UNKNOWN), Answer.UNKNOWN),
        ((AckState.ACKED,), Answer.YES),
        ((AckState.ACKED, AckState.PENDING), Answer.NO),
        ((AckState.NACKED, AckState.UNKNOWN), Answer.NO),
    ],
)
def test_acknowledged_means_by_every_envoy(states: tuple[AckState, ...], answer: Answer) -> None:
    """One that is silent or rejects is enough for a no; one that can't say, for not knowing."""
    acks = tuple(Ack("xds", f"e{i}", "t", "1", state, Evidence.STREAM) for i, state in enumerate(states))
    assert applied({}, {"acks": acks}).acknowledged is answer


def test_what_was_applied_is_the_results_plan_where_it_differs_from_the_intents() -> None:
    """Lists of routes come from the record that tells them; digests and counts from the end."""
    planned: dict[str, Any] = {"plan": "a", "counts": {"create": 2}, "routes": [{"name": "x"}, {"name": "y"}]}
    same: dict[str, Any] = {"plan": "a", "counts": {"create": 2}, "as_planned": True}
    less: dict[str, Any] = {"plan": "b", "counts": {"create": 1}, "routes": [{"name": "x"}]}
    first: dict[str, Any] = {"change": planned}

    assert applied_change(first, first) == planned
    assert applied_change(first, {}) == planned
    assert applied_change(first, {"change": same}) == {**planned, "as_planned": True}
    assert applied_change(first, {"change": less}) == less
    assert applied_change({}, {"change": "damaged"}) == {}
