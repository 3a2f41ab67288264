"""The verbs that ask the journal, from flags to what a person and a program read."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from reconciler.audit import Journal
from reconciler.cli.audit import audit
from reconciler.cli.journal import JOURNAL
from reconciler.cli.stages import stage_options
from reconciler.model.audit import Documents
from reconciler.model.digest import Json, canonical_json
from reconciler.model.provenance import Provenance, Touch
from reconciler.model.resource import Kind, Origin, ResourceId
from reconciler.model.table import EMPTY_TABLE
from reconciler.settings import load
from reconciler.state import recompiled
from tests.support.asked_world import WallClock, fill
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
    }
    for name, value in flags.items():
        assert 0 < len(ask.values("log", name, value)) < 12, name
    assert len(ask.values("log", "--happened", "rollback", "--happened", "reject")) == 2
    assert ask("log", "--author", "nobody")[:2] == (0, "no entries\n")


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
