"""What the journal records and gives back, on a real database file and a real PostgreSQL."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.audit import Journal
from reconciler.audit.proof.chain import FIRST_PREVIOUS
from reconciler.model.audit import NOTHING_SERVED, Documents, Event
from reconciler.model.decision import Decision, Trigger
from reconciler.model.digest import canonical_json, digest_bytes
from reconciler.model.effect import Ack, AckState, Evidence
from reconciler.model.errors import Stalled
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.provenance import Provenance
from reconciler.model.question import Query
from reconciler.model.resource import Kind, Origin, ResourceId
from reconciler.model.source import Person, Revision
from tests.support import postgres
from tests.support.journals import (
    ANN,
    NOON,
    SNAPSHOT,
    Shelf,
    apply,
    attempt,
    commit,
    conclusion,
    journal,
    origin,
    plan,
)


@pytest.fixture(params=["sqlite", "postgresql"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    """Where the journal of a test is, in a state directory or a schema that does not exist yet."""
    if request.param == "sqlite":
        return Shelf(tmp_path / "state" / "journal.db")
    running = postgres.server()
    return Shelf(running.url, running.schema())


@pytest.fixture
def opened(shelf: Shelf) -> Iterator[Journal]:
    """A new journal, open for writing."""
    made = shelf.open()
    yield made
    made.close()


def body_of(opened: Journal, sequence: int) -> dict[str, Any]:
    """What one record holds."""
    return next(record.body for record in opened.records() if record.sequence == sequence)


def test_intent_and_result_are_chained(opened: Journal) -> None:
    """Records follow each other without gap, each holding the hash of the one before and hashing canonically."""
    assert apply(opened, 1) == (2, 3)
    found = list(opened.records())
    assert [record.event for record in found] == [Event.JOURNAL_STARTED, Event.INTENT, Event.RESULT]
    previous = FIRST_PREVIOUS
    for number, record in enumerate(found, start=1):
        assert record.sequence == record.body["sequence"] == number
        assert record.body["previous"] == previous
        assert record.hash == digest_bytes(canonical_json(record.body))
        previous = record.hash
    assert found[1].time == NOON + timedelta(seconds=2)
    assert found[1].body["time"] == "2026-05-06T12:00:02.000Z"
    assert opened.verify().head == previous


def test_an_intent_says_who_what_and_from_where(opened: Journal) -> None:
    """Source, people, change and configuration are in the record; what no forge was asked is unknown."""
    newer = commit(2, author=Person("Bob", "bob@example.com"), subject="Second")
    tried = attempt(1, previous=Revision("main", "e" * 40), commits_in_range=(newer, commit(1)), fast_forward=True)
    body = body_of(opened, opened.intend(tried))
    source = body["source"]
    assert (source["repository"], source["ref"]) == ("https://git.example.com/team/routes.git", "main")
    assert (source["commit"], source["tree"], source["parents"]) == (commit(1).sha, "7" * 40, ["8" * 40])
    assert (source["previous_applied"], source["fast_forward"]) == ("e" * 40, True)
    assert [(c["commit"], c["author"]["name"], c["subject"]) for c in source["commits"]] == [
        (newer.sha, "Bob", "Second"),
        (commit(1).sha, "Ann", "Change 1"),
    ]
    assert source["trailers"] == [["Signed-off-by", "Ann <ann@example.com>"]]
    author = {"name": "Ann", "email": "ann@example.com", "time": "2026-05-06T11:58:00.000Z", "bot": False}
    assert body["people"]["author"] == author
    assert body["people"]["committer"]["name"] == "Forge"
    for unasked in ("pusher", "pull_request", "approvers", "merger"):
        assert body["people"][unasked] == "unknown"
    assert body["trigger"] == "NewRevision"
    assert body["tool"] == {"name": "reconciler", "version": "1.2.3", "config": digest_bytes(b"config")}
    (changed,) = body["change"]["routes"]
    assert (changed["op"], changed["name"], changed["after"]["line"]) == ("create", "api", 1)
    assert {"field": "timeout", "before": "", "after": "3000 ms"} in changed["fields"]
    assert body["change"]["plan"] == tried.plan.digest
    assert body["revisions"] == {"last_attempted": str(tried.revision), "last_applied": f"main@sha1:{'e' * 40}"}


def test_a_result_says_what_it_did(opened: Journal) -> None:
    """Acks with their evidence, checks with their place, lead times, quarantine, both revisions, what is served."""
    tried = attempt(1)
    nack = Ack("xds", "envoy-2", "t", SNAPSHOT, AckState.NACKED, Evidence.STREAM, "bad route")
    problem = Problem(Code.BAD_REGEX, Severity.ERROR, "no", Provenance("a.yaml", 7), field="spec.prefix")
    ended = conclusion(
        tried,
        decision=Decision.PARTIAL,
        reason="InvalidMapping",
        acks=(nack,),
        problems=(problem,),
        quarantined=((ResourceId(Kind.MAPPING, "default", "bad"), True),),
    )
    body = body_of(opened, opened.conclude(opened.intend(tried), ended, Documents.of([origin("api")]), SNAPSHOT))
    assert (body["decision"], body["reason"], body["intent"]) == ("Partial", "InvalidMapping", 2)
    (ack,) = body["effect"]["acks"]
    assert (ack["node"], ack["state"], ack["evidence"], ack["detail"]) == ("envoy-2", "Nacked", "stream", "bad route")
    assert body["effect"]["written_at"] == "2026-05-06T12:00:00.400Z"
    assert body["effect"]["lead_times_ms"] == {
        "commit_to_fetch": 60_250,
        "commit_to_merge": "unknown",
        "fetch_to_apply": 150,
        "apply_to_ack": "unknown",
        "commit_to_ack": "unknown",
    }
    (check,) = body["checks"]
    assert (check["code"], check["place"], check["field"]) == (
        "bad-regex",
        {"path": "a.yaml", "line": 7},
        "spec.prefix",
    )
    assert body["quarantined"] == [
        {"kind": "Mapping", "namespace": "default", "name": "bad", "older_version_served": True}
    ]
    assert body["revisions"] == {"last_attempted": str(tried.revision), "last_applied": str(ended.served)}
    assert (body["served"]["snapshot"], body["served"]["resources"]) == (SNAPSHOT, 1)


def test_a_record_of_very_many_findings_lists_the_worst_and_counts_all(opened: Journal) -> None:
    """What somebody breaks is written with every record as long as it is broken: the record stays small, and honest."""
    warning = Problem(Code.FIELD_IGNORED, Severity.WARNING, "has no effect", Provenance("a.yaml", 1), field="x" * 9_000)
    errors = [
        Problem(Code.WRONG_TYPE, Severity.ERROR, "not a number", Provenance("b.yaml", n), got="1" * 9_000)
        for n in range(1, 5_001)
    ]
    tried = attempt(1)
    number = opened.decide(tried, conclusion(tried, problems=(warning, *errors)))
    body = body_of(opened, number)
    assert [check["place"]["line"] for check in body["checks"]] == list(range(1, 501))
    assert body["all_checks"]["found"] == 5_001
    assert body["all_checks"]["listed"] == 500
    assert body["all_checks"]["counts"] == {"error wrong-type": 5_000, "warning field-ignored": 1}
    assert len(canonical_json(body)) < 1_000_000
    again = body_of(opened, opened.decide(tried, conclusion(tried, problems=(*errors, warning))))
    less = body_of(opened, opened.decide(tried, conclusion(tried, problems=(warning, *errors[1:], errors[1]))))
    assert again["all_checks"] == body["all_checks"]
    assert less["all_checks"]["digest"] != body["all_checks"]["digest"]
    assert opened.verify().finding == ""


def test_a_plan_as_intended_is_not_written_twice(opened: Journal) -> None:
    """The result refers to the intent's routes, and lists its own only when another plan was applied."""
    tried = attempt(1, "a", "b")
    same = body_of(opened, opened.conclude(opened.intend(tried), conclusion(tried), Documents.of([]), SNAPSHOT))
    assert same["change"]["as_planned"] is True
    assert "routes" not in same["change"]
    other = conclusion(tried, plan=plan("a"))
    less = body_of(opened, opened.conclude(opened.intend(tried), other, Documents.of([]), SNAPSHOT))
    assert [changed["name"] for changed in less["change"]["routes"]] == ["a"]


def test_a_decision_is_one_record_with_both_revisions(opened: Journal) -> None:
    """What touched nothing still says what was tried and what stays served."""
    tried = attempt(4)
    ended = conclusion(
        tried, decision=Decision.REFUSED, reason="EmptyTable", served=Revision("main", "a" * 40), acks=()
    )
    body = body_of(opened, opened.decide(tried, ended))
    assert (body["event"], body["decision"], body["reason"]) == ("decision", "Refused", "EmptyTable")
    assert body["revisions"] == {"last_attempted": str(tried.revision), "last_applied": f"main@sha1:{'a' * 40}"}
    assert opened.unfinished() is None


def test_text_that_utf8_cannot_hold_is_still_recorded(opened: Journal) -> None:
    """An author's name with undecodable bytes (as Git hands them on) neither crashes nor breaks the chain."""
    opened.decide(attempt(1, commit=commit(1, author=Person("A\udcff", "a@b"))), conclusion(attempt(1)))
    assert opened.entries()[0].author == "A\\udcff <a@b>"
    assert opened.verify().bad is None


def test_what_is_served_can_be_rebuilt(shelf: Shelf, opened: Journal) -> None:
    """Documents with their provenance come back exactly, sorted, with revision and digest; also after a restart."""
    assert opened.served() == NOTHING_SERVED
    _, result = apply(opened, 1, [origin("b", b"{\xc3\xa9}"), origin("a")])
    served = opened.served()
    assert served.origins == (origin("a"), origin("b", b"{\xc3\xa9}"))
    assert (served.revision, served.digest) == (attempt(1).revision, SNAPSHOT)
    opened.close()
    again = shelf.open()
    assert again.served() == served
    apply(again, 2, [origin("a", b"[2]"), origin("c")])
    assert again.served().origins == (origin("a", b"[2]"), origin("c"))
    assert again.verify().bad is None
    again.close()
    assert result == 3


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2)), st.booleans()), max_size=6))
def test_documents_that_say_what_differs_are_kept_the_same(steps: list[tuple[dict[str, int], bool]]) -> None:
    """Whether a result says what differs from those before or not; never believed of others than it was made from."""
    with TemporaryDirectory() as directory:
        opened = journal(Path(directory, "journal.db"))
        before: dict[ResourceId, Origin] = {}
        token: object = None
        for number, (lines, recorded) in enumerate(steps, start=1):
            after = {o.id: o for o in (origin(name, line=line) for name, line in lines.items())}
            changed = {name: after.get(name) for name in before.keys() | after.keys()}
            made = Documents(after.values, object(), token, changed)
            before, token = after, made.token
            if recorded:  # otherwise it was refused, and the next one was made from what isn't served
                tried = attempt(number)
                opened.conclude(opened.intend(tried), conclusion(tried), made, SNAPSHOT)
                assert opened.served().origins == tuple(after[name] for name in sorted(after))
            assert opened.verify().finding == ""
        opened.close()


def test_documents_are_not_looked_at_when_they_say_what_differs(opened: Journal) -> None:
    """Ten thousand that stay cost nothing."""

    def never() -> list[Origin]:
        raise AssertionError

    tokens = object(), object()
    tried = attempt(1)
    opened.conclude(opened.intend(tried), conclusion(tried), Documents(lambda: [origin("a")], tokens[0]), SNAPSHOT)
    changed = {origin("a").id: None, origin("b").id: origin("b")}
    made = Documents(never, tokens[1], tokens[0], changed)
    opened.conclude(opened.intend(tried), conclusion(tried), made, SNAPSHOT)
    assert [o.id.name for o in opened.served().origins] == ["b"]


def test_a_rollback_leaves_what_is_served(opened: Journal) -> None:
    """With no documents given, the served state stays that of the last good result."""
    apply(opened, 1, [origin("a")])
    before = opened.served()
    tried = attempt(2)
    ended = conclusion(tried, decision=Decision.ROLLED_BACK, served=attempt(1).revision)
    opened.conclude(opened.intend(tried), ended, None, None)
    assert opened.served() == before
    assert opened.verify().bad is None


def test_an_open_intent_is_known_until_it_is_closed(shelf: Shelf, opened: Journal) -> None:
    """What a dead process leaves is found by the next, closed once, and can't be concluded twice."""
    assert opened.unfinished() is None
    sequence = opened.intend(attempt(1))
    opened.close()
    again = shelf.open()
    assert again.unfinished() == sequence
    closing = again.interrupt(sequence)
    assert again.unfinished() is None
    assert body_of(again, closing)["intent"] == sequence
    with pytest.raises(Stalled, match="not an open intent") as refused:
        again.conclude(sequence, conclusion(attempt(1)), Documents.of([]), SNAPSHOT)
    assert refused.value.reason == "JournalIntentClosed"
    with pytest.raises(Stalled):
        again.interrupt(99)
    assert again.verify() == replace(again.verify(), records=closing, bad=None)
    again.close()


def test_two_hundred_commits_are_two_hundred_entries(opened: Journal) -> None:
    """An intent and its result are one entry; newest first; a limit takes the newest."""
    for number in range(1, 201):
        apply(opened, number, [origin("api", str(number).encode())])
    found = opened.entries()
    assert len(found) == 200
    assert [entry.commit for entry in found] == [commit(number).sha for number in range(200, 0, -1)]
    assert [entry.subject for entry in opened.entries(Query(limit=3))] == ["Change 200", "Change 199", "Change 198"]
    assert opened.verify().records == 401


def test_an_entry_sums_up_a_decision(opened: Journal) -> None:
    """Who, what, when and how it ended, without reading JSON."""
    apply(opened, 1)
    (entry,) = opened.entries()
    assert (entry.sequence, entry.decision, entry.trigger) == (2, Decision.APPLIED, Trigger.NEW_REVISION)
    assert (entry.author, entry.subject, entry.commit) == (str(ANN), "Change 1", commit(1).sha)
    assert (entry.creates, entry.updates, entry.deletes, entry.quarantined) == (1, 0, 0, 0)
    assert entry.acks == (("Acked", 1),)
    assert [record.event for record in entry.records] == [Event.INTENT, Event.RESULT]


def test_entries_by_mapping_author_and_time(opened: Journal) -> None:
    """Each filter alone finds exactly its entries; a quarantined resource counts as concerned."""
    for number, names in ((1, ("api",)), (2, ("api", "web")), (3, ("web",))):
        author = Person("Bob 100%", "bob@example.com") if number == 2 else ANN
        made = commit(number, author=author)
        tried = attempt(number, *names, commit=made, commits_in_range=(made,))
        bad = ((ResourceId(Kind.MAPPING, "other", "bad"), False),) if number == 3 else ()
        opened.conclude(opened.intend(tried), conclusion(tried, quarantined=bad), Documents.of([]), SNAPSHOT)

    def subjects(**wanted: Any) -> list[str]:
        return [entry.subject[-1] for entry in opened.entries(Query(**wanted))]

    assert subjects(mapping="api") == ["2", "1"]
    assert subjects(mapping="default/web") == ["3", "2"]
    assert subjects(mapping="elsewhere/web") == []
    assert subjects(mapping="other/bad") == ["3"]
    assert subjects(author="BOB") == ["2"]
    assert subjects(author="100%") == ["2"]
    assert subjects(author="%") == ["2"]
    assert subjects(author="ann@") == ["3", "2", "1"]  # she wrote what Bob's commit brought along
    second = opened.entries()[1].time
    assert subjects(since=second) == ["3", "2"]
    assert subjects(until=second) == ["1"]
    assert subjects(since=second, until=second + timedelta(milliseconds=1)) == ["2"]
    assert subjects(mapping="api", author="bob") == ["2"]


def test_one_entry_by_number_or_commit(opened: Journal) -> None:
    """Any record's sequence finds its entry; so do the first digits of a commit, the one that applied it first."""
    apply(opened, 1)
    first, _ = apply(opened, 2)
    apply(opened, 2)
    for wanted in (2, 3, "2", " 3 "):
        found = opened.entry(wanted)
        assert found is not None
        assert found.sequence == 2
    found = opened.entry(commit(2).sha[:8].upper())
    assert found is not None
    assert found.sequence == first
    for nothing in (1, 99, "", "abc%", "ffff", "9" * 30):
        assert opened.entry(nothing) is None


def test_reading_beside_a_running_controller(shelf: Shelf, opened: Journal) -> None:
    """A reader sees what is committed while the writer goes on, and can itself write nothing."""
    apply(opened, 1)
    reader = shelf.open(read_only=True)
    assert len(reader.entries()) == 1
    apply(opened, 2)
    assert len(reader.entries()) == 2
    assert reader.verify().records == 5
    with pytest.raises(Exception, match=r"read-?only"):
        reader.intend(attempt(3))
    reader.close()
    apply(opened, 3)
    assert opened.verify().records == 7


def test_records_are_json_for_anyone(opened: Journal) -> None:
    """A record can be exported and read back without this program."""
    apply(opened, 1)
    for record in opened.records():
        assert json.loads(json.dumps(record.body)) == record.body


def test_a_decision_may_move_what_is_served_to_its_revision(opened: Journal) -> None:
    """A commit that changes no route still becomes the revision that is served, with its documents, and verifies."""
    apply(opened, 1, [origin("a", b'{"a":1}')])
    tried = attempt(2)
    moved = [origin("a", b'{"a":1}', line=9)]
    opened.decide(
        tried, conclusion(tried, decision=Decision.UNCHANGED, served=tried.revision), Documents.of(moved), SNAPSHOT
    )
    served = opened.served()
    assert (served.revision, served.origins) == (tried.revision, tuple(moved))
    assert opened.verify().bad is None
