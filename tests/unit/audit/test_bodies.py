"""Every group of facts of a record: that it is there, that it is canonical JSON, and that no secret is in it."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.audit.proof.chain import parse, seal
from reconciler.audit.record import records
from reconciler.model.audit import Event
from reconciler.model.check import COMPILED, Check
from reconciler.model.controller import Controller
from reconciler.model.decision import Decision
from reconciler.model.digest import Digest
from reconciler.model.effect import Ack, AckState, Drift, Evidence, Placed
from reconciler.model.happening import Actor, Happening, Note
from reconciler.model.plan import EdgeChange, Op, Refusal, RefusalReason
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.provenance import Provenance
from reconciler.model.review import Approval, Review
from reconciler.model.source import Person, Revision, Signature
from tests.support.journals import NOON, attempt, commit, conclusion, plan

ZERO = Digest("sha256:" + "0" * 64)


def problem(code: Code, severity: Severity = Severity.ERROR) -> Problem:
    """A finding."""
    return Problem(code, severity, "words", Provenance("a.yaml", 3))


def test_who_writes_it_is_in_every_attempt() -> None:
    """Instance, replica, environment; what nobody said is unknown."""
    who = Controller("routes", "routes-0", "production-eu", "node-1", 7)
    body = records.intent(attempt(1, controller=who))
    assert body["controller"] == {
        "instance": "routes",
        "replica": "routes-0",
        "environment": "production-eu",
        "host": "node-1",
        "pid": 7,
    }
    assert records.intent(attempt(1))["controller"] == dict.fromkeys(
        ("instance", "replica", "environment", "host", "pid"), "unknown"
    )


def test_where_it_comes_from() -> None:
    """Tree, parents, trailers and tickets, of the revision and of what it brought."""
    made = commit(2, subject="ABC-12: more (#7)", signature=Signature.SSH)
    body: Any = records.intent(attempt(2, commit=made, commits_in_range=(made, commit(1))))
    source = body["source"]
    assert (source["tree"], source["parents"]) == (made.tree, [*made.parents])
    assert source["tickets"] == ["ABC-12", "#7"]
    assert source["trailers"] == [["Signed-off-by", "Ann <ann@example.com>"]]
    assert [(c["commit"], c["signature"], c["tickets"]) for c in source["commits"]] == [
        (made.sha, "ssh", ["ABC-12", "#7"]),
        (commit(1).sha, "unknown", []),
    ]
    assert body["people"]["claims"]["pull_request"] == "7"
    assert body["verification"]["method"] == "ssh"


def test_programs_are_told_from_people() -> None:
    """By the forms that forges give them; author and committer each."""
    body: Any = records.intent(attempt(1, commit=commit(1, author=Person("renovate[bot]", "bot@example.com"))))
    assert (body["people"]["author"]["bot"], body["people"]["committer"]["bot"]) == (True, False)


def test_an_override_is_a_broken_glass() -> None:
    """What was refused, which plan, and who allowed it, as far as a setting tells."""
    lifted = (Refusal(RefusalReason.EMPTY_TABLE, "all routes would be gone"),)
    by = Actor("", "setting allow_plan, from flag --allow-plan")
    body: Any = records.intent(attempt(1, plan=replace(plan("a"), lifted=lifted), allowed_by=by))
    (broken,) = body["exceptions"]
    assert broken["what"] == "break-glass"
    assert broken["refusals"] == [{"reason": "EmptyTable", "message": "all routes would be gone"}]
    assert broken["plan"] == plan("a").digest
    assert broken["by"] == {"name": "unknown", "through": "setting allow_plan, from flag --allow-plan"}
    assert body["happened"] == ["break-glass"]
    assert "exceptions" not in records.intent(attempt(1, allowed_by=by)), "it allowed a plan that nobody refused"


def test_what_all_listeners_share_and_what_is_risky() -> None:
    """An auth service that goes is in the record, with its sentence, and the plan is flagged."""
    gone = EdgeChange(Op.DELETE, "AuthService default/auth", (), "REQUESTS ARE NO LONGER AUTHENTICATED")
    body: Any = records.intent(attempt(1, plan=replace(plan("a"), edge=(gone,))))
    assert body["change"]["risks"] == ["auth-bypassed"]
    assert body["change"]["edge"] == [
        {
            "op": "delete",
            "subject": "AuthService default/auth",
            "sentence": "REQUESTS ARE NO LONGER AUTHENTICATED",
            "fields": [],
            "risks": ["auth-bypassed"],
        }
    ]


@pytest.mark.parametrize(
    ("ran", "problems", "expected"),
    [
        (frozenset(), (), dict.fromkeys(Check, "not run")),
        (COMPILED, (), dict.fromkeys(COMPILED, "passed") | {Check.ENVOY: "not run"}),
        (frozenset(Check), (), dict.fromkeys(Check, "passed")),
        (COMPILED, (problem(Code.CONFLICT),), dict.fromkeys(COMPILED, "passed") | {Check.CONFLICT: "failed"}),
        (COMPILED, (problem(Code.OPEN_CORS, Severity.WARNING),), dict.fromkeys(COMPILED, "passed")),
        (frozenset(), (problem(Code.ENVOY_REJECTED),), {Check.ENVOY: "failed", Check.SCHEMA: "not run"}),
        (COMPILED, (problem(Code.NOT_OWNER), problem(Code.NOT_YAML)), {Check.OWNERSHIP: "failed", "schema": "failed"}),
    ],
)
def test_each_check_has_a_verdict(
    ran: frozenset[Check], problems: tuple[Problem, ...], expected: dict[str, str]
) -> None:
    """Passed, failed or not run, beside the findings themselves."""
    tried = attempt(1)
    ended = conclusion(tried, ran=ran, problems=problems, decision=Decision.REFUSED, acks=())
    body: Any = records.decision(tried, ended, None)
    assert {name: body["verdicts"][name] for name in expected} == {str(name): said for name, said in expected.items()}
    assert len(body["checks"]) == len(problems)


def test_the_word_of_envoys_is_a_verdict() -> None:
    """Where all took it, the check of Envoy passed; where one did not, it failed."""
    tried = attempt(1)
    accepted: Any = records.result(1, records.intent(tried), conclusion(tried), None)
    nacked = Ack("xds", "envoy-2", "t", "1", AckState.NACKED, Evidence.STREAM, "no")
    rejected: Any = records.result(1, records.intent(tried), conclusion(tried, rejections=(nacked,)), None)
    assert (accepted["verdicts"]["envoy"], rejected["verdicts"]["envoy"]) == ("passed", "failed")


def test_what_became_of_it() -> None:
    """Versions, the object that was written, whether it was read back, and the times."""
    tried = attempt(1)
    acks = (
        Ack("configmap:a/b", "a/b", "type.googleapis.com/x", "v1", AckState.UNKNOWN, Evidence.READ_BACK),
        Ack("xds", "envoy-1", "type.googleapis.com/x", "v1", AckState.ACKED, Evidence.STREAM),
    )
    placed = (Placed("configmap:a/b", "a/b", "0-1", "42"),)
    ended = conclusion(tried, acks=acks, placed=placed, versions=(("type.googleapis.com/x", "v1"),))
    body: Any = records.result(1, records.intent(tried), ended, None)
    assert body["effect"]["targets"] == [
        {
            "target": "configmap:a/b",
            "read_back": "yes",
            "object": {"name": "a/b", "uid": "0-1", "resource_version": "42"},
        },
        {"target": "xds", "read_back": "unknown", "object": None},
    ]
    assert body["effect"]["versions"] == {"type.googleapis.com/x": "v1"}
    assert body["effect"]["lead_times_ms"] == {
        "commit_to_merge": "unknown",
        "commit_to_fetch": 60_250,
        "fetch_to_apply": 150,
        "apply_to_ack": "unknown",
        "commit_to_ack": "unknown",
    }


def test_the_way_of_a_commit_with_the_merge() -> None:
    """Where the forge was asked, the time it waited for its merge is known, too."""
    review = Review("12", merger="bea", merged_at=NOON, approvals=(Approval("bea"),))
    tried = attempt(1, review=review)
    body: Any = records.result(1, records.intent(tried), conclusion(tried), None)
    times = body["effect"]["lead_times_ms"]
    assert (times["commit_to_merge"], times["apply_to_ack"], times["commit_to_ack"]) == (60_000, 500, 60_900)


@pytest.mark.parametrize(
    "changed",
    [
        {"previous": Revision("main", commit(1).sha), "fetched_at": None},
        {"previous": Revision("main", commit(1).sha, "c1"), "revision": Revision("main", commit(1).sha, "c2")},
        {"previous": Revision("main", commit(2).sha), "fast_forward": False},
    ],
)
def test_a_commit_that_is_served_already_was_on_no_way(changed: dict[str, Any]) -> None:
    """What is put back, goes with a change of the cluster, or is set back to has an age, and no lead time."""
    tried = attempt(1, **changed)
    body: Any = records.result(1, records.intent(tried), conclusion(tried), None)
    times = body["effect"]["lead_times_ms"]
    assert [times[name] for name in ("commit_to_fetch", "commit_to_merge", "commit_to_ack")] == ["unknown"] * 3
    assert times["apply_to_ack"] == 500
    assert times["fetch_to_apply"] == (150 if tried.fetched_at else "unknown")


def test_what_nobody_timed_is_unknown() -> None:
    """Neither when it was read, nor when it was written, is made up from other times."""
    tried = attempt(1, fetched_at=None)
    intent: Any = records.intent(tried)
    assert intent["source"]["fetched_at"] == "unknown"
    body: Any = records.result(1, intent, conclusion(tried, written_at=None), None)
    times = body["effect"]["lead_times_ms"]
    assert [times[name] for name in ("commit_to_fetch", "fetch_to_apply", "apply_to_ack")] == ["unknown"] * 3
    assert times["commit_to_ack"] == 60_900


def test_a_note_says_who_and_what() -> None:
    """Its facts, and never another event than its own."""
    note = Note(Happening.EXPORT, "all of May", Actor("eve", "command line"), {"happened": ["hold"], "records": 7})
    assert records.note(note) == {
        "happened": ["export"],
        "message": "all of May",
        "actor": {"name": "eve", "through": "command line"},
        "records": 7,
    }


TEXT = st.text(max_size=60)
SECRET = "s3cr3t-t0ken"
LEAKS = st.sampled_from([f"https://ann:{SECRET}@git.example.com/x", f"https://x/?token={SECRET}", "plain"])


@settings(max_examples=60)
@given(subject=TEXT | LEAKS, words=TEXT | LEAKS, trailers=st.lists(st.tuples(TEXT, TEXT | LEAKS), max_size=3))
def test_bodies_are_canonical_and_hold_no_secret(subject: str, words: str, trailers: list[tuple[str, str]]) -> None:
    """Whatever people and servers say: every record reads back as it was sealed, and credentials are gone."""
    made = commit(1, subject=subject, trailers=tuple(trailers), author=Person(words, words), merge_request=words)
    review = Review("1", words, words, words, (Approval(words, NOON),), words, NOON + timedelta(seconds=1))
    tried = attempt(
        1, commit=made, repository=words, review=review, drift=(Drift("x", words, words),), actor=Actor(words, words)
    )
    ack = Ack("xds", words, "t", "1", AckState.NACKED, Evidence.STREAM, words)
    ended = conclusion(tried, message=words, acks=(ack,), problems=(problem(Code.BAD_REGEX),))
    intent = records.intent(tried)
    bodies = (
        (Event.INTENT, intent),
        (Event.RESULT, records.result(1, intent, ended, None)),
        (Event.DECISION, records.decision(tried, ended, None)),
        (Event.NOTE, records.note(Note(Happening.EXPORT, words, Actor(words), {"place": words}))),
    )
    for event, facts in bodies:
        body, content, _ = seal(1, "2026-05-06T12:00:00.000Z", event, ZERO, facts)
        assert parse(content) == body == json.loads(content)
        assert SECRET.encode() not in content
