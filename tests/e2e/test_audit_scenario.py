"""Who let this through: every question of an audit, asked on the command line, of the API and of the pages.

Of ten commits by three people with a real Envoy, real git and a real journal, and where there is one, a real Kubernetes
API server; without it the annotation is left out, which the summary tells.
"""

import json
import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.audit_guide import GUIDE, Reader, blocks, expected_code, plain, reader
from tests.support.audit_scenario import SINCE, UNTIL, Scenario, scenario
from tests.support.command import COMMAND
from tests.support.kubernetes import ApiServer, Missing, tool
from tests.support.pages_world import ANN, BOB, CHLOE

pytestmark = pytest.mark.xdist_group("audit-scenario")  # one scenario for all of them

PERIOD = {"since": SINCE, "until": UNTIL}
CHANGES = ("unanswered", "allowed", "at night", "signed", "reviewed", "merged", "squashed", "start")
# What is asked (as the API calls it), and the entries that are the answer, newest first.
LISTS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "changes without pull request": ({"lacking": ["pull-request"]}, CHANGES),
    "changes without approval": ({"lacking": ["approval"]}, CHANGES),
    "unsigned changes": ({"lacking": ["signature"]}, CHANGES),
    "out of hours": ({"outside": "Mon-Fri 08:00-18:00 UTC"}, ("at night",)),
    "applied, not acknowledged": ({"lacking": ["acknowledgement"], "happened": ["apply"]}, ("unanswered",)),
    "drift": ({"happened": ["drift-found"], "since": "2026-03-12T08:30:00Z"}, ("drift",)),
    "of one author": ({"author": "chloe@"}, ("reverted", "rejected", "signed", "merged")),
    "what a branch brought": ({"commit": "in the branch"}, ("merged",)),
    "refused": ({"happened": ["reject"]}, ("refused",)),
    "rejected by Envoy": ({"happened": ["verify-fail"]}, ("rejected",)),
    "break-glass": ({"happened": ["break-glass"]}, ("allowed",)),
    "of one route": ({"mapping": "shop/catalog"}, ("at night", "signed", "squashed", "start")),
    "gaps": ({"happened": ["audit-gap", "interrupted"]}, ()),
}
_FLAGS = {"lacking": "--without"}
_PARAMETERS = {"mapping": "route"}


@contextmanager
def api_server(root: Path) -> Iterator[ApiServer | None]:
    """A real one; None where it was not built, but for CI, where that is a failure."""
    try:
        tool("kube-apiserver")
    except Missing:
        if os.environ.get("CI"):
            raise
        yield None
        return
    server = ApiServer(root)
    server.start()
    try:
        yield server
    finally:
        server.kill()  # in order it takes a second longer
        server.stop()


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenario]:
    """Two weeks."""
    with api_server(tmp_path_factory.mktemp("kubernetes")) as api:
        namespace = api.admin.create_namespace() if api else ""
        with scenario(tmp_path_factory.mktemp("audited") / "audit", api, namespace) as s:
            yield s


@pytest.fixture(scope="module")
def who(lived: Scenario) -> Reader:
    """Who asks on the command line."""
    return reader(lived)


def get(lived: Scenario, path: str, **asked: object) -> Any:
    """What the API answers."""
    return json.loads(page(lived, f"/api/v1{path}", **asked))


def page(lived: Scenario, path: str, **asked: object) -> str:
    """What is at a path."""
    with urllib.request.urlopen(f"{lived.url}{path}?{urlencode(asked, doseq=True)}", timeout=10) as answer:
        return str(answer.read().decode())


def told(who: Reader, *words: str) -> Any:
    """What a verb prints for programs."""
    quoted = " ".join(f"'{word}'" if " " in word else word for word in words)
    typed = who.type(f"reconciler audit {quoted} --output json")
    assert typed.code == 0, typed.text
    return json.loads(typed.out)


@pytest.mark.parametrize("what", LISTS)
def test_a_list_is_the_same_everywhere_and_right(lived: Scenario, who: Reader, what: str) -> None:
    """Command line, API and page name exactly the entries that are the answer."""
    asked, names = LISTS[what]
    asked = {**PERIOD, **asked}
    if "commit" in asked:
        asked["commit"] = lived.commits[asked["commit"]]
    expected = [lived.entries[name] for name in names]
    flags = [
        word
        for name, value in asked.items()
        for each in ([value] if isinstance(value, str) else value)
        for word in (_FLAGS.get(name, f"--{name}"), each)
    ]
    assert [entry["sequence"] for entry in told(who, "log", *flags)] == expected
    assert [entry["number"] for entry in get(lived, "/entries", **asked)["entries"]] == expected
    shown = page(lived, "/decisions", **{_PARAMETERS.get(name, name): value for name, value in asked.items()})
    found = re.findall(r'class="title"[^>]*href="/decisions/(\d+)"|href="/decisions/(\d+)"[^>]*class="title"', shown)
    assert [int(one or other) for one, other in found] == expected


def test_all_of_the_period_is_there(lived: Scenario, who: Reader) -> None:
    """Every commit of the repository is in an entry, and every entry of a commit is told with its author."""
    entries = told(who, "log", "--since", SINCE, "--until", UNTIL)
    brought = {commit for entry in entries for commit in (entry["commit"], *entry["commits"]) if commit}
    assert brought == set(lived.commits.values())
    by = {entry["sequence"]: (entry["author"], entry["subject"]) for entry in entries}
    assert by[lived.entries["squashed"]] == (BOB, "Give the catalog ten seconds (#12)")
    assert by[lived.entries["merged"]] == (ANN, "Merge pull request #13 from chloe/canary")
    assert {entry["pull_request"] for entry in entries if entry["commit"]} == {"unknown"}
    signed = {entry["sequence"]: entry["signed"] for entry in entries}
    assert (signed[lived.entries["signed"]], signed[lived.entries["squashed"]]) == ("unknown", "no")


def test_claims_of_messages_are_told_as_claims(lived: Scenario, who: Reader) -> None:
    """Pull requests and reviewers that a message names, and what is recorded of a signature."""
    first = {name: told(who, "show", str(lived.entries[name]))[0] for name in ("squashed", "merged", "reviewed")}
    assert first["squashed"]["people"]["claims"] == {"according_to": "commit message", "pull_request": "12"}
    assert first["merged"]["people"]["claims"]["pull_request"] == "13"
    assert first["reviewed"]["people"]["claims"]["reviewed_by"] == [BOB, CHLOE]
    assert {one["people"]["approvers"] for one in first.values()} == {"unknown"}
    (signed,) = told(who, "show", str(lived.entries["signed"]))[0]["source"]["commits"]
    assert signed["signature"] == "ssh"


def test_each_field_leads_to_the_commit_that_set_it(lived: Scenario, who: Reader) -> None:
    """Blame and history of one route."""
    expected = {"path": "start", "to": "signed", "timeout": "at night", "host": "start", "rewrite": "start"}
    fields = {one["field"]: (one["entry"]["sequence"], one["commit"]) for one in told(who, "blame", "shop/catalog")}
    assert fields == {field: (lived.entries[name], lived.commits[name]) for field, name in expected.items()}
    whole = get(lived, "/routes/shop/catalog")
    assert {one["field"]: one["change"]["entry"]["number"] for one in whole["blame"]} == {
        field: lived.entries[name] for field, name in expected.items()
    }
    changes = [lived.entries[name] for name in ("at night", "signed", "squashed", "start")]
    assert [one["entry"]["sequence"] for one in told(who, "history", "shop/catalog")] == changes
    assert [one["entry"]["number"] for one in whole["history"]] == changes
    assert "Hotfix: no request may hang" in page(lived, "/routes/shop/catalog")


@pytest.mark.parametrize(
    ("moment", "name"),
    [
        ("2026-03-03T00:00:00Z", "start"),
        ("2026-03-07T20:00:00Z", "signed"),
        ("2026-03-09T10:04:00Z", "at night"),
        ("2026-03-10T15:10:00Z", "rejected"),
    ],
)
def test_what_was_served_comes_out_of_the_journal_again(lived: Scenario, who: Reader, moment: str, name: str) -> None:
    """The entry that brought it, its digest proven, and the same digest rendered once more."""
    found = told(who, "at", moment)
    assert (found["entry"]["sequence"], found["proven"]) == (lived.entries[name], True)
    assert get(lived, "/at", time=moment)["snapshot"] == found["snapshot"]
    again = who.type(f"reconciler audit at {moment} --render --output json")
    assert again.code == 0, again.text
    assert f"rendered again to {found['snapshot']}, as recorded" in again.text
    assert lived.commits["rejected"] not in again.out


def test_two_times_differ_in_these_routes(lived: Scenario, who: Reader) -> None:
    """By what requests see, and by documents."""
    changes = told(who, "diff", "2026-03-04", "2026-03-08")["plan"]["changes"]
    assert [(one["op"], one["name"]) for one in changes] == [
        ("update", "hello"),
        ("update", "catalog"),
        ("update", "checkout"),
        ("update", "checkout-canary"),
    ]
    documents = get(lived, "/diff", **{"from": "2026-03-04", "to": "2026-03-08"})
    assert {one["name"] for one in documents} == {"hello", "catalog", "checkout-canary"}


def test_each_request_leads_to_commit_author_and_entry(lived: Scenario, who: Reader) -> None:
    """Of every line that Envoy wrote; what no route took says so."""
    done = who.type("reconciler audit trace access.log --output json")
    assert done.code == 0, done.text
    lines = [json.loads(line) for line in done.out.splitlines()]
    served = [(one["path"], one.get("commit"), one.get("author"), one.get("entry")) for one in lines]
    expected = {
        "/catalog/1": ("squashed", BOB),
        "/hello/world": ("start", ANN),
        "/greetings/world": ("reviewed", ANN),
        "/catalog/2": ("at night", BOB),
        "/search/": ("unanswered", BOB),
    }
    for path, commit, author, entry in served:
        if path in expected:
            name, by = expected[path]
            assert (commit, author, entry) == (lived.commits[name], by, lived.entries[name]), path
    assert {path for path, *_ in served} == {*expected, "/nothing"}


def test_drift_and_override_say_what_they_know(lived: Scenario, who: Reader) -> None:
    """The file that somebody wrote to and when; the plan that was allowed, and by which setting."""
    (drift,) = told(who, "show", str(lived.entries["drift"]))[0]["drift"]
    assert (drift["what"], drift["by"], drift["at"]) == ("cds.pb", "unknown", "2026-03-12T08:50:00.000Z")
    (exception,) = told(who, "show", str(lived.entries["allowed"]))[0]["exceptions"]
    assert exception["plan"] == lived.plan == told(who, "show", str(lived.entries["refused"]))[0]["change"]["plan"]
    assert exception["by"]["through"] == "setting allow_plan, from flag --allow-plan"
    assert "setting allow_plan" in page(lived, f"/decisions/{lived.entries['allowed']}")


def test_an_annotation_leads_to_its_version_and_manager(lived: Scenario, who: Reader) -> None:
    """Who wrote an object of the cluster is its field manager, not an author of a commit."""
    if lived.annotated is None:
        pytest.skip("there is no kube-apiserver here: the scenario has no annotation")
    (first, *_) = told(who, "show", str(lived.entries["annotated"]))
    (change,) = first["source"]["objects"]
    assert change["version"]["manager"] == "kubectl-edit"
    assert change["version"]["resource_version"] == lived.annotated["metadata"]["resourceVersion"]
    blamed = told(who, "blame", "reviews")
    assert {one["author"] for one in blamed} == {"kubectl-edit"}
    assert {one["entry"]["sequence"] for one in blamed} == {lived.entries["annotated"]}


@pytest.fixture(scope="module")
def elsewhere(who: Reader, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty directory on another machine, with the export and the public key."""
    place = tmp_path_factory.mktemp("elsewhere")
    for command in (
        "reconciler audit checkpoint > kept",
        "reconciler audit key > key.pub",
        "reconciler audit export --to whole.jsonl",
    ):
        assert who.type(command).code == 0, command
    for name in ("whole.jsonl", "key.pub", "kept"):
        shutil.move(who.desk / name, place / name)
    return place


def verified(place: Path, *words: str) -> tuple[int, str]:
    """Another process, without settings, state or home: exit code and words."""
    done = subprocess.run(
        [*COMMAND, "audit", "verify", *words, "--key", "key.pub"],
        cwd=place,
        env={"PATH": os.environ["PATH"], "HOME": str(place / "none")},
        capture_output=True,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).decode()


def test_nothing_is_missing_with_the_key_alone(elsewhere: Path) -> None:
    """The export verifies where nothing else is."""
    code, words = verified(elsewhere, "whole.jsonl", "--checkpoint", "kept")
    assert code == 0, words
    assert "records verify" in words
    assert "continues checkpoint of" in words


EDITS: Mapping[str, tuple[str, str]] = {
    "an author": ("bob@example.com", "eve@example.com"),
    "a decision": ('"decision":"Refused"', '"decision":"Applied"'),
    "a time": ("2026-03-07T23:40", "2026-03-06T13:40"),
    "an acknowledgement": ('"state":"Pending"', '"state":"Acked"'),
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_is_found_and_its_place_told(elsewhere: Path, who: Reader, what: str) -> None:
    """Exit code 1, with the first line that is not as it was written."""
    old, new = EDITS[what]
    lines = (elsewhere / "whole.jsonl").read_text().splitlines(keepends=True)
    number = next(number for number, line in enumerate(lines, 1) if old in line)
    (who.desk / "forged.jsonl").write_text("".join(line.replace(old, new) for line in lines))
    shutil.copy(elsewhere / "key.pub", who.desk)
    typed = who.type("reconciler audit verify forged.jsonl --key key.pub")
    assert typed.code == 1
    assert f"record {number - 1} (line {number})" in typed.text


def test_an_older_copy_is_found_by_what_was_kept(elsewhere: Path, who: Reader) -> None:
    """Cut off and sound in itself: only the checkpoint of the auditor tells."""
    assert who.type("reconciler audit export --state backup --to short.jsonl").code == 0
    shutil.move(who.desk / "short.jsonl", elsewhere)
    assert verified(elsewhere, "short.jsonl")[0] == 0
    code, words = verified(elsewhere, "short.jsonl", "--checkpoint", "kept")
    assert code == 1
    assert re.search(r"once had \d+ records|was cut off", words), words


def test_the_guide_says_what_its_commands_print(lived: Scenario, tmp_path: Path) -> None:
    """Every command of the page, in order; `python -m tests.support.audit_guide` writes anew what they print."""
    typist = reader(lived, tmp_path / "desk")
    found = list(blocks(GUIDE.read_text()))
    assert len(found) >= 15
    for block in found:
        for line in block.commands:
            command, code = expected_code(line)
            typed = typist.type(command)
            assert typed.code == code, f"{command}\n{typed.text}"
        if block.output is not None:
            assert plain(typed.text) == plain(block.output), block.commands[-1]
