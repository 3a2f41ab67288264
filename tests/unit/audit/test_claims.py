"""What a commit's own words claim, and which of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.audit.record import commit as groups
from reconciler.audit.record.claims import claims, is_bot, tickets
from reconciler.model.review import Approval, CheckRun, Review
from reconciler.model.source import Person, Signature
from tests.support.journals import NOON, commit


@pytest.mark.parametrize(
    ("subject", "number"),
    [
        ("Merge pull request #12 from ann/feature", "12"),
        ("Raise the timeout (#345)", "345"),
        ("Merged in feature/x (pull request #7)", "7"),
        ("Merged PR 99: more routes", "99"),
        ("Revert (#3) of yesterday", None),
        ("Merge pull request of mine #12", None),
        ("Fix #12", None),
    ],
)
def test_a_subject_may_claim_a_pull_request(subject: str, number: str | None) -> None:
    """As forges write them when they merge; anything else claims none."""
    assert claims(commit(subject=subject)).get("pull_request") == number


def test_trailers_claim_people_and_places() -> None:
    """Reviewers and the address of the review, by the trailers that projects use."""
    trailers = (
        ("Reviewed-by", "Bea <bea@example.com>"),
        ("Approved-by", "Cy"),
        ("PR-URL", "https://git.example.com/team/routes/pulls/8"),
        ("Signed-off-by", "Ann <ann@example.com>"),
    )
    assert claims(commit(subject="More", trailers=trailers)) == {
        "according_to": "commit message",
        "pull_request": "8",
        "url": "https://git.example.com/team/routes/pulls/8",
        "reviewed_by": ["Bea <bea@example.com>"],
        "approved_by": ["Cy"],
    }


def test_a_merge_request_of_gitlab() -> None:
    """It stands in the body of a merge."""
    made = commit(subject="Merge branch 'x' into 'main'", merge_request="team/routes!12")
    assert claims(made)["pull_request"] == "12"
    assert claims(made)["merge_request"] == "team/routes!12"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ABC-123: raise it, see #12 and OPS2-7", ["ABC-123", "#12", "OPS2-7"]),
        ("UTF-8 and SHA-256 by RFC-9110, X-3", []),
        ("a&#12; path/#3 abc-1 ABC-0 ABC-1x", []),
        ("(#12)", ["#12"]),
        ("ABC-123 ABC-123", ["ABC-123"]),
    ],
)
def test_tickets(text: str, found: list[str]) -> None:
    """Ids as trackers have them; names of standards are none."""
    assert tickets(commit(subject=text, trailers=())) == found
    assert tickets(commit(subject="", trailers=(("Refs", text),))) == found


@pytest.mark.parametrize(
    ("name", "email", "bot"),
    [
        ("dependabot[bot]", "49699333+dependabot[bot]@users.noreply.example.com", True),
        ("renovate", "project_12_bot_0f1e@noreply.git.example.com", True),
        ("Abbot", "abbot@example.com", False),
        ("Robot", "bot@example.com", False),
    ],
)
def test_bots(name: str, email: str, bot: bool) -> None:
    """By the forms that forges give them."""
    assert is_bot(Person(name, email)) is bot


def test_nobody_asked_is_not_that_there_was_none() -> None:
    """Without a forge's word all that only it knows is unknown, whatever the message claims."""
    found = groups.people(commit(subject="Merge pull request #12 from ann/x"))
    assert isinstance(found, dict)
    assert {found[name] for name in ("pusher", "pull_request", "approvers", "merger", "checks")} == {"unknown"}
    assert found["claims"] == {"according_to": "commit message", "pull_request": "12"}


@pytest.mark.parametrize(
    ("approvals", "another"),
    [
        ((), "no"),
        ((Approval("ann"),), "no"),
        ((Approval("ANN@example.com"),), "no"),
        ((Approval("a-k", email="ann@example.com"),), "no"),
        ((Approval("ann"), Approval("bea", NOON, "1" * 40)), "yes"),
    ],
)
def test_an_author_who_approves_is_nobody_else(approvals: tuple[Approval, ...], another: str) -> None:
    """By name, by address, or as the forge calls who opened it."""
    found = groups.people(commit(), Review("12", author="ann", approvals=approvals))
    assert isinstance(found, dict)
    assert found["approved_by_another"] == another


def test_a_review_is_told_whole() -> None:
    """Number, people, times, the commit they approved, and checks."""
    review = Review(
        "12",
        "https://git.example.com/12?token=abc",
        "Raise it",
        "ann",
        (Approval("bea", NOON, "1" * 40),),
        "bea",
        NOON,
        (CheckRun("tests", "success"),),
        "forge",
    )
    assert groups.people(None, review) == {
        "author": "unknown",
        "committer": "unknown",
        "pusher": "forge",
        "pull_request": {"number": "12", "url": "https://git.example.com/12", "title": "Raise it", "author": "ann"},
        "approvers": [{"name": "bea", "email": "", "time": "2026-05-06T12:00:00.000Z", "commit": "1" * 40}],
        "merger": {"name": "bea", "time": "2026-05-06T12:00:00.000Z"},
        "checks": [{"name": "tests", "result": "success"}],
        "approved_by_another": "yes",
    }
    nothing = groups.people(commit(), Review(""))
    assert isinstance(nothing, dict)
    assert nothing["pull_request"] is None


@pytest.mark.parametrize(
    ("signature", "result"),
    [(Signature.SSH, "unchecked"), (Signature.GPG, "unchecked"), (Signature.NONE, "unsigned")],
)
def test_a_signature_is_not_a_proof(signature: Signature, result: str) -> None:
    """That there is one is told, and that nobody checked it."""
    found = groups.verification(commit(signature=signature))
    assert isinstance(found, dict)
    assert (found["method"], found["result"]) == (str(signature), result)


def test_where_nobody_looked_nothing_is_known_of_signatures() -> None:
    """Neither of a directory without commits, nor of a commit that was not looked at."""
    assert groups.verification(None) == groups.verification(commit()) == "unknown"


@given(st.text(max_size=300), st.lists(st.tuples(st.text(max_size=30), st.text(max_size=200)), max_size=5))
def test_any_message_claims_little(subject: str, trailers: list[tuple[str, str]]) -> None:
    """Whatever is written, ids are bounded and each is in the text."""
    made: Any = commit(subject=subject, trailers=tuple(trailers))
    said = " ".join((subject, *(value for _, value in trailers)))
    assert len(tickets(made)) <= 20
    assert all(str(one) in said for one in tickets(made))
    assert len(str(claims(made).get("pull_request", ""))) <= 9
