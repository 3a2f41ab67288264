"""The verbs that ask the journal, from flags to what a person and a program read."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from reconciler.audit import Journal
from reconciler.cli.audit import audit
from reconciler.cli.journal import JOURNAL
from reconciler.cli.stages import stage_options
from reconciler.model.audit import Documents
from reconciler.model.decision import Decision, Trigger
from reconciler.model.digest import Json, canonical_json
from reconciler.model.provenance import Provenance, Touch
from reconciler.model.resource import Kind, Origin, ResourceId
from reconciler.model.source import Person, Revision
from reconciler.model.table import EMPTY_TABLE
from reconciler.settings import load
from reconciler.state import recompiled
from tests.support.asked_world import WallClock, fill, routes
from tests.support.journals import NOON, Clock, attempt, commit, conclusion
from tests.support.plans import compare, route, table


@dataclass(frozen=True, slots=True)
class Asking:
    """A state directory, and the verbs."""

    state: Path

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of a verb."""
        done = CliRunner().invoke(audit, [*words, "--state", str(self.state)], standalone_mode=False)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return int(done.return_value or 0), done.stdout, done.stderr

    def values(self, *words: str) -> Any:
        """What it prints for programs."""
        return json.loads(self(*words, "--output", "json")[1])


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Asking:
    """A journal with a bit of everything."""
    state, clock = tmp_path_factory.mktemp("asked"), WallClock()
    journal = Journal.open(state / JOURNAL, clock)
    fill(journal, clock, rounds=1)
    journal.close()
    return Asking(state)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Asking:
    """A journal of two applies of real documents: a route comes, then its timeout changes."""
    state, clock = tmp_path_factory.mktemp("served"), Clock()
    journal, options = Journal.open(state / JOURNAL, clock), stage_options(load({}, {}, None))
    before = EMPTY_TABLE
    for number, timeout in ((1, 3000), (2, 5000)):
        compiled, _ = recompiled([_document(number, timeout)], options)
        tried = attempt(number, plan=compare(before, compiled.table))
        before = compiled.table
        sequence = journal.intend(tried)
        documents = Documents.of([_document(number, timeout)])
        journal.conclude(sequence, conclusion(tried), documents, compiled.snapshot.digest)
    journal.close()
    return Asking(state)


def _document(number: int, timeout: int) -> Origin:
    body: Json = {
        "apiVersion": "getambassador.io/v3alpha1",
        "kind": "Mapping",
        "metadata": {"name": "api", "namespace": "shop"},
        "spec": {"hostname": "*", "prefix": "/api/", "service": "api:80", "timeout_ms": timeout},
    }
    touch = Touch(commit(number).sha, "Ann <ann@example.com>", NOON)
    return Origin(
        ResourceId(Kind.MAPPING, "shop", "api"), Provenance("routes/api.yaml", 7, touch), canonical_json(body)
    )


def test_the_log_is_one_aligned_line_each_and_says_where_it_has_gaps(ask: Asking) -> None:
    """Newest first; what an entry is stands in the same column; drift is told below it, gaps on standard error."""
    code, out, err = ask("log")
    lines = [line for line in out.splitlines() if not line.startswith("       ")]
    assert (code, len(lines)) == (0, 12)
    assert "\n       drift in files: routes.json, by unknown, at unknown\n" in out
    assert {line.index("2026-") for line in lines} == {7}
    assert {"Applied", "Refused", "RolledBack", "Interrupted", "audit-gap"} <= set(out.split())
    assert "root: the disk was FULL" in out
    assert "note: 2 gaps in this time, see entries" in err


def test_a_page_tells_where_the_next_one_begins(ask: Asking) -> None:
    """And that one goes on exactly there; the last says nothing."""
    everything = [entry["sequence"] for entry in ask.values("log")]
    _, _, err = ask("log", "--limit", "5")
    assert f"older ones: --before {everything[4]}" in err
    assert [e["sequence"] for e in ask.values("log", "--limit", "50", "--before", str(everything[4]))] == everything[5:]
    assert "older ones" not in ask("log", "--limit", "12")[2]


def test_who_let_it_through_is_spelled_out(ask: Asking) -> None:
    """A change without an approval is told with all that is known of it, and `unknown` where nobody asked."""
    _, out, _ = ask("log", "--without", "approval")
    assert "pull request unknown; approval unknown; not signed by anybody trusted; acknowledged" in out
    assert "no pull request; approved by nobody; signature unknown; not acknowledged by every Envoy" in out
    _, out, _ = ask("log", "--self-approved")
    assert "alone, who wrote it" in out
    (entry,) = ask.values("log", "--self-approved")
    assert (entry["pull_request"], entry["approved"], entry["self_approved"]) == ("13", "no", "yes")
    unasked = ask.values("log", "--text", "Pull 100%_")[0]
    assert (unasked["approvers"], unasked["pull_request"]) == ("unknown", "unknown")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--since", "yesterday"), "expected a time such as"),
        (("--outside", "office hours"), "expected hours such as"),
        (("--outside", "Mon-Fri 9:00-17:00 Mars/Base"), "no time zone is called"),
        (("--happened", "nothing"), "is not one of"),
        (("--without", "luck"), "is not one of"),
        (("--kind", "Route"), "is not one of"),
        (("--commit", "main"), "digits"),
        (("--limit", "-1"), "neither a number nor 'all'"),
        (("--since", "2026-04-01", "--until", "2026-03-01"), "no time between"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(ask: Asking, flags: tuple[str, ...], said: str) -> None:
    """In words that say what was expected."""
    with pytest.raises(Exception, match=said):
        ask("log", *flags)


def test_every_filter_has_a_flag(ask: Asking) -> None:
    """Each narrows the log, and all of them together find the one."""
    flags = {
        "--since": "2026-03-24",
        "--until": "2026-03-25",
        "--author": "ann",
        "--mapping": "api",
        "--namespace": "team-a",
        "--commit": commit(3).sha[:9],
        "--happened": "rollback",
        "--without": "pull-request",
        "--outside": "Mon-Fri 07:00-19:00 Europe/Berlin",
        "--text": "change 2",
        "--kind": "Host",
    }
    for name, value in flags.items():
        assert 0 < len(ask.values("log", name, value)) < 12, name
    assert len(ask.values("log", "--happened", "rollback", "--happened", "reject")) == 2
    assert ask("log", "--author", "nobody")[:2] == (0, "no entries\n")


def test_what_was_not_applied_lacks_nothing_unless_one_asks(ask: Asking) -> None:
    """A refused change is no change without an approval; a note is never out of hours."""
    lacking = ask.values("log", "--without", "approval")
    assert {entry["decision"] for entry in lacking} == {"Applied", "Partial", None}
    refused = ask.values("log", "--without", "approval", "--not-applied")
    assert {entry["decision"] for entry in refused} == {"Refused", "RolledBack"}
    night = ask.values("log", "--outside", "Mon-Fri 07:00-08:00")
    assert night
    assert all(entry["happened"] != ["audit-gap"] for entry in night)


def test_all_that_came_with_a_commit_is_told(ask: Asking) -> None:
    """How many others, of whom; each finds the entry, and so does what a record has no room to list."""
    _, out, _ = ask("log", "--author", "zoe")
    assert "2026-03-23 15:17:00Z  Applied" in out
    assert "Ann <ann@example.com> and 1 other: Change 1 (+1 commit)" in out
    (entry,) = ask.values("log", "--commit", commit(1001).sha[:8].upper())
    assert (entry["sequence"], entry["authors"][1]) == (2, "Zoe <zoe@example.com>")
    code, out, err = ask("log", "--commit", "ffff")
    assert (code, out) == (0, "no entries\n")
    assert "note: entries 6 brought more commits than a record lists" in err
    assert "note: it brought 3 commits more than its record lists" in ask("show", "6")[2]
    assert "(+3 commits)" in ask("log", "--commit", commit(3).sha)[1]


def test_a_page_ends_with_a_hint_whatever_is_printed(ask: Asking) -> None:
    """Programs read it, too; all at once is possible."""
    assert "older ones: --before" in ask("log", "--limit", "5", "--output", "json")[2]
    code, _, err = ask("log", "--limit", "all")
    assert (code, "older ones" in err) == (0, False)
    assert len(ask.values("log", "--limit", "0")) == 12


def test_a_name_nobody_knows_is_told_with_those_like_it(ask: Asking) -> None:
    """It is no answer that nothing happened to it."""
    code, _, err = ask("log", "--mapping", "team-a/appi")
    assert (code, "the journal knows nothing of team-a/appi; perhaps team-a/api" in err) == (1, True)
    assert "perhaps team-b/late" in ask("history", "team-a/late")[2]
    assert ask("log", "--mapping", "api", "--text", "no such text")[0] == 0


def test_any_document_has_a_history(ask: Asking) -> None:
    """A Host as well as a route; a kind tells them apart."""
    hosts = ask.values("history", "team-c/web")
    assert [(one["kind"], one["op"], one["fields"], one["applied"]) for one in hosts] == [("Host", "update", [], True)]
    code, out, _ = ask("history", "web", "--kind", "Host")
    assert (code, "~ Host team-c/web (hosts.yaml:3)" in out) == (0, True)
    assert {one["kind"] for one in ask.values("history", "web")} == {"Mapping", "Host"}
    assert [entry["sequence"] for entry in ask.values("log", "--kind", "Host")] == [hosts[0]["entry"]["sequence"]]
    assert ask("blame", "team-c/web")[0] == 1


def test_no_page_of_a_history_ends_within_an_entry(tmp_path: Path) -> None:
    """One name in three namespaces, changed at once: all of it is on some page."""
    journal = Journal.open(tmp_path / JOURNAL, Clock())
    for number in (1, 2):
        tried = attempt(number, plan=routes("a/web", "b/web", "c/web"))
        journal.conclude(journal.intend(tried), conclusion(tried), Documents.of([]), tried.plan.after)
    journal.close()
    ask, before, seen = Asking(tmp_path), tuple[str, ...](), []
    for _ in range(2):
        page = ask.values("history", "web", "--limit", "2", *before)
        seen += [(one["entry"]["sequence"], one["namespace"]) for one in page]
        before = ("--before", str(page[-1]["entry"]["sequence"]))
    assert seen == [(4, "a"), (4, "b"), (4, "c"), (2, "a"), (2, "b"), (2, "c")]
    assert "older ones: --before 4" in ask("history", "web", "--limit", "2")[2]
    assert ask("history", "web", "--limit", "2", *before)[0] == 1


def test_of_several_commits_blame_names_none_alone(tmp_path: Path) -> None:
    """One sync brings what Bob and Eve changed, and Zoe's readme: Eve touched it last, and is not blamed for it all."""
    journal, file = Journal.open(tmp_path / JOURNAL, Clock()), "routes/api.yaml"
    first, then = table([route("api")]), table([route("api", precedence=9)])
    tried = attempt(1, plan=compare(EMPTY_TABLE, first))
    journal.conclude(journal.intend(tried), conclusion(tried), Documents.of([]), tried.plan.after)
    bob, eve, zoe = (
        commit(number, author=Person(name, f"{name}@x"), paths=(path,), parents=(commit(number - 1).sha,))
        for number, name, path in ((2, "bob", file), (3, "eve", file), (4, "zoe", "README.md"))
    )
    (change,) = compare(first, then).changes
    after = Provenance(file, 1, Touch(eve.sha, str(eve.author), NOON))
    plan = replace(compare(first, then), changes=(replace(change, after=after),))
    tried = attempt(
        4, plan=plan, commit=zoe, commits_in_range=(zoe, eve, bob), previous=Revision("main", commit(1).sha)
    )
    journal.conclude(journal.intend(tried), conclusion(tried), Documents.of([]), plan.after)
    journal.close()
    ask = Asking(tmp_path)
    told = next(one for one in ask.values("blame", "api") if one["field"] == change.fields[0].field)
    assert [told[name] for name in ("commit", "author", "date")] == [None, None, None]
    assert [one["author"] for one in told["candidates"]] == ["eve <eve@x>", "bob <bob@x>"]
    assert f"one of 2: {eve.sha[:7]}, {bob.sha[:7]}  eve <eve@x>, bob <bob@x>" in ask("blame", "api")[1]
    assert [entry["sequence"] for entry in ask.values("log", "--author", "bob@")] == [4]


def test_what_was_held_back_may_come_with_a_later_entry(tmp_path: Path) -> None:
    """What one commit broke another mended: the second one is not blamed for all that is served from then on."""
    journal = Journal.open(tmp_path / JOURNAL, Clock())
    first, then = table([route("api")]), table([route("api", precedence=9)])
    held = ((ResourceId(Kind.MAPPING, "default", "api"), True),)
    for number, (plan, quarantined) in enumerate(
        ((compare(EMPTY_TABLE, first), ()), (compare(first, first), held), (compare(first, then), ())), start=1
    ):
        tried = attempt(number, plan=plan)
        ended = conclusion(tried, quarantined=quarantined)
        journal.conclude(journal.intend(tried), ended, Documents.of([]), plan.after)
    journal.close()
    told = {one["entry"]["sequence"]: one["or_before"] for one in Asking(tmp_path).values("blame", "api")}
    assert told[6]
    assert "or before" in Asking(tmp_path)("blame", "api")[1]


def test_a_commit_is_shown_by_the_entry_that_first_applied_it(tmp_path: Path) -> None:
    """A drift repair of it is named beside; its digits are taken in any case, by `at`, too."""
    journal = Journal.open(tmp_path / JOURNAL, Clock())
    refused, applied, again = attempt(1), attempt(1), attempt(1, trigger=Trigger.DRIFT)
    journal.decide(refused, conclusion(refused, decision=Decision.REFUSED, acks=()))
    for tried in (applied, again):
        journal.conclude(journal.intend(tried), conclusion(tried), Documents.of([]), tried.plan.after)
    journal.close()
    shown = Asking(tmp_path)
    code, out, err = shown("show", commit(1).sha[:9].upper())
    assert (code, out.split()[0]) == (0, "3")
    assert err == "note: entries 2, 5 are about this commit, too\n"
    assert shown.values("at", commit(1).sha[:9].upper())["entry"]["sequence"] == 3
    assert shown("show", "3")[2] == ""


def test_one_entry_is_shown_whole(ask: Asking) -> None:
    """By number or commit; what is not there is told, with exit code 1."""
    code, out, _ = ask("show", "2")
    assert code == 0
    assert "pull request 12; approved by Eve" in out
    assert ask.values("show", commit(1).sha[:8])[0]["event"] == "intent"
    code, _, err = ask("show", "999")
    assert (code, err) == (1, "no entry 999; `reconciler audit log` lists them\n")


def test_the_history_of_a_route_tells_also_what_was_not_applied(ask: Asking, served: Asking) -> None:
    """Field by field; an unknown route is told, with exit code 1."""
    code, out, _ = served("history", "shop/api")
    assert code == 0
    assert "~ Mapping shop/api (routes/api.yaml:7)" in out
    assert "timeout: 3000 ms → 5000 ms" in out
    assert "not applied" in ask("history", "gone")[1]
    newest = served.values("history", "api", "--limit", "1")
    assert [(one["op"], one["applied"], one["entry"]["commit"]) for one in newest] == [("update", True, commit(2).sha)]
    code, _, err = ask("history", "nowhere")
    assert (code, "nothing was done to nowhere" in err) == (1, True)


def test_each_field_is_told_with_the_commit_that_set_it(served: Asking) -> None:
    """As `git blame` does: commit, author, date, entry, place, and then the field."""
    code, out, _ = served("blame", "shop/api")
    assert code == 0
    head, *lines = out.splitlines()
    assert head == "Mapping shop/api"
    first, second = commit(1).sha[:7], commit(2).sha[:7]
    assert f"{second}  Ann <ann@example.com>  2026-05-06  entry 4  routes/api.yaml:7  timeout: 5000 ms" in lines
    assert f"{first}  Ann <ann@example.com>  2026-05-06  entry 2  routes/api.yaml:7  path: prefix /api/" in lines
    told = {one["field"]: one["entry"]["sequence"] for one in served.values("blame", "api")}
    assert (told["timeout"], told["path"]) == (4, 2)
    assert served("blame", "nowhere")[0] == 1


def test_what_was_served_is_told_with_its_proof(served: Asking) -> None:
    """At a time, or after an entry or a commit; of the time before the journal it knows nothing, and says so."""
    code, out, _ = served("at", "2026-05-06T12:00:03Z")
    assert code == 0
    assert "(proven)" in out
    assert "Mapping shop/api  routes/api.yaml:7" in out
    assert served.values("at", "2")["snapshot"] == served.values("at", commit(1).sha[:8])["snapshot"]
    found = served.values("at", "now")
    assert (found["proven"], found["entry"]["sequence"], found["served"][0]["commit"]) == (True, 4, commit(2).sha)
    code, out, err = served("at", "2020-01-01")
    assert (code, out) == (1, "At 2020-01-01T00:00:00.000Z:\nunknown\n")
    assert "the journal begins 2026-05-06T12:00" in err
    assert "what was served before is not known" in err
    assert served("at", "99")[0] == 1
    with pytest.raises(Exception, match="number of an entry, or a commit"):
        served("at", "noon")


def test_two_moments_are_compared_as_routing(served: Asking) -> None:
    """As `plan` shows it; the other way round it is what would undo it."""
    code, out, err = served("diff", "2", "4")
    assert (code, err) == (0, "")
    assert "~ Mapping shop/api" in out
    assert "timeout: 3000 ms → 5000 ms" in out
    assert "timeout: 5000 ms → 3000 ms" in served("diff", "4", "2")[1]
    code, out, err = served("diff", "2020-01-01", "2")
    assert (code, out) == (1, "")
    assert err.startswith("FROM: the journal begins 2026-05-06T12:00")
    assert served.values("diff", "2", "4")["documents"] == [
        {
            "op": "update",
            "kind": "Mapping",
            "namespace": "shop",
            "name": "api",
            "fields": [{"field": "spec.timeout_ms", "before": "3000", "after": "5000"}],
            "more": 0,
        }
    ]
    assert served("diff", "2", "99")[0] == 1


def test_a_plan_that_other_settings_make_is_told_as_such(served: Asking, ask: Asking) -> None:
    """What is compiled is held against the snapshot that was recorded then."""
    _, _, err = served("diff", "2", "4", "--routing", "list", "--listen", "127.0.0.1:9999")
    assert "note: FROM: with this program and today's settings Envoy would get something else" in err
    assert "note: TO: with this program and today's settings" in ask("diff", "2", "4")[2]


def test_a_route_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    """Its fields are those it had last."""
    journal = Journal.open(tmp_path / JOURNAL, Clock())
    made = table([route("api")])
    for number, plan in enumerate((compare(EMPTY_TABLE, made), compare(made, EMPTY_TABLE)), start=1):
        tried = attempt(number, plan=plan)
        journal.conclude(journal.intend(tried), conclusion(tried), Documents.of([]), plan.after)
    journal.close()
    code, out, err = Asking(tmp_path)("blame", "api")
    assert (code, err) == (0, "note: it is gone since entry 4\n")
    assert "timeout: 3000 ms" in out
