"""``sync`` and ``audit``: one reconcile at a time, and a journal that shows every changed byte."""

import json
import random
import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import Desk
from tests.support.controllers import mapping
from tests.support.repositories import Repository

Files = dict[str, str | bytes | None]


def many(count: int) -> Files:
    return {f"m{i}.yaml": mapping(f"m{i}", f"/m{i}/", service="127.0.0.1:1") for i in range(count)}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Twelve Mappings on ``main``."""
    made = Repository.create(tmp_path / "repository")
    made.commit(many(12), "Start")
    return made


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, list[str]]:
    """A desk whose journal holds three applied commits, and their ids."""
    root = tmp_path_factory.mktemp("journal")
    desk, repository = Desk(root), Repository.create(root / "repository")
    commits = []
    for number, author in enumerate(("Ann Author <ann@example.com>", "Bob Böb <bob@example.com>", "Cee <c@x.test>")):
        changed = mapping("m1", f"/changed-{number}/", service="127.0.0.1:1")
        commits.append(repository.commit(many(2) | {"m1.yaml": changed}, f"Change {number}", author))
        done = desk.sync(repository.path)
        assert done.code == 0, done.text
    return desk, commits


def damaged(desk: Desk, root: Path, position: int) -> Path:
    """A copy of the state whose journal differs in one bit of the byte at ``position`` of its file."""
    state = root / "damaged"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir()
    content = bytearray((desk.state / "journal.db").read_bytes())
    content[position] ^= 1
    (state / "journal.db").write_bytes(content)
    return state


def places_of_records(desk: Desk) -> Iterator[tuple[int, int]]:
    """Places in the file, with the number of the record there: in hashes, at the start of bodies, and deep in them."""
    whole = (desk.state / "journal.db").read_bytes()
    with sqlite3.connect(desk.state / "journal.db") as database:
        rows = database.execute("select sequence, hash, time, body from records order by sequence").fetchall()
    chance = random.Random(7)
    for sequence, digest, time, body in chance.sample(rows, 3):
        head = whole.index(f"{digest}{time}".encode())
        yield sequence, head + chance.randrange(len("sha256:"), len(digest))
        yield sequence, whole.index(body[:30], head) + chance.randrange(30)
        # A long body goes on in other pages; where pieces are alike, another is taken.
        pieces = [body[start : start + 40] for start in chance.sample(range(len(body) - 40), 50)]
        yield sequence, next(whole.index(piece) for piece in pieces if whole.count(piece) == 1) + chance.randrange(40)


def test_sync_applies_and_the_journal_verifies(repository: Repository, desk: Desk) -> None:
    """The two commands of the README: applied with exit code 0, and a chain that verifies; one file of journal."""
    done = desk.sync(repository.path)
    assert (done.code, done.err) == (0, "")
    assert f"Applied main@sha1:{repository.head}, journal entry 3" in done.out
    assert "12 to create" in done.out
    assert sorted(path.name for path in desk.out.iterdir()) == ["cds.pb", "lds.pb", "rds.listener-8080.pb"]
    verified = desk.run("audit", "verify", "--state", desk.state)
    assert verified.code == 0
    assert verified.out.startswith("ok: 5 records verify; head sha256:")
    assert sorted(path.name for path in desk.state.iterdir()) == [
        "clone",
        "journal.db",
        "journal.key",
        "lock",
        "parts",
        "served",
    ]
    assert list(desk.home.iterdir()) == []
    assert list(desk.temporary.iterdir()) == []


def test_a_second_sync_changes_nothing(repository: Repository, desk: Desk) -> None:
    """The same commit again: Unchanged, exit code 0, the files untouched; and in JSON."""
    assert desk.sync(repository.path).code == 0
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in desk.out.iterdir()}
    again = desk.sync(repository.path, "--output", "json")
    assert again.code == 0
    assert again.value["decision"] == "Unchanged"
    assert again.value["attempted"] == again.value["applied"] == f"main@sha1:{repository.head}"
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in desk.out.iterdir()} == before


def test_one_changed_byte_is_found_and_its_record_named(
    journal: tuple[Desk, list[str]], desk: Desk, tmp_path: Path
) -> None:
    """Whatever byte of a record changes, in body or hash: exit code 1 and the number of that record."""
    kept, _ = journal
    for sequence, position in places_of_records(kept):
        state = damaged(kept, tmp_path, position)
        found = desk.run("audit", "verify", "--state", state)
        assert found.code == 1, f"record {sequence}, byte {position}: {found.text}"
        assert f"tampered or damaged: record {sequence}: " in found.err
    described = desk.run("audit", "verify", "--state", state, "--output", "json")
    assert described.code == 1
    assert (described.value["ok"], described.value["bad"]) == (False, sequence)
    assert "hash" in described.value["finding"]


def test_the_log_says_who_changed_what(journal: tuple[Desk, list[str]]) -> None:
    """Newest first, a line each with commit, person, subject and counts; as JSON; filtered."""
    desk, commits = journal
    lines = [each for each in desk.run("audit", "log", "--state", desk.state).out.splitlines() if "Applied" in each]
    assert [line.split()[0] for line in lines] == ["11", "7", "3"]
    assert lines[1].split("  ")[-2:] == ["[~1]", "(1 written)"]
    assert f"Applied      {commits[1][:7]}  Bob Böb <bob@example.com>: Change 1" in lines[1]
    entries = desk.run("audit", "log", "--state", desk.state, "--output", "json").value
    assert [(e["sequence"], e["commit"], e["decision"]) for e in entries if e["decision"]] == [
        (11, commits[2], "Applied"),
        (7, commits[1], "Applied"),
        (3, commits[0], "Applied"),
    ]
    one = desk.run("audit", "log", "--state", desk.state, "--author", "böb", "--mapping", "m1", "--output", "json")
    assert [e["commit"] for e in one.value] == [commits[1]]


def test_an_entry_is_shown_whole(journal: tuple[Desk, list[str]]) -> None:
    """By number and by commit: intent and result, with the field before and after, its place and the person."""
    desk, commits = journal
    intent, result = desk.run("audit", "show", commits[1][:9], "--state", desk.state, "--output", "json").value
    assert (intent["event"], result["event"], result["intent"]) == ("intent", "result", intent["sequence"])
    assert intent["source"]["commit"] == commits[1]
    whole = json.dumps([intent, result], ensure_ascii=False)
    assert "/changed-0/" in whole
    assert "/changed-1/" in whole
    assert "bob@example.com" in whole
    text = desk.run("audit", "show", str(intent["sequence"]), "--state", desk.state)
    assert text.code == 0
    assert "Bob Böb" in text.out
    missing = desk.run("audit", "show", "99", "--state", desk.state)
    assert (missing.code, missing.err) == (1, "no entry 99; `reconciler audit log` lists them\n")


def test_a_refused_plan_needs_its_digest(repository: Repository, desk: Desk) -> None:
    """Half of the routes deleted: refused with exit code 1 and nothing touched, until ``--allow-plan`` names it."""
    assert desk.sync(repository.path).code == 0
    before = {path: path.read_bytes() for path in desk.out.iterdir()}
    repository.commit(dict.fromkeys(list(many(6))), "Clear up")
    refused = desk.sync(repository.path)
    assert refused.code == 1
    assert "Refused [UnsafePlan]" in refused.out
    assert {path: path.read_bytes() for path in desk.out.iterdir()} == before
    (digest,) = set(re.findall(r"--allow-plan ([0-9a-f]+)", refused.out))
    other = desk.sync(repository.path, "--allow-plan", "sha256:" + "0" * 64)
    assert other.code == 1
    allowed = desk.sync(repository.path, "--allow-plan", digest)
    assert allowed.code == 0, allowed.text
    assert "6 to delete" in allowed.out
    log = desk.run("audit", "log", "--state", desk.state, "--output", "json").value
    assert [entry["decision"] for entry in log if entry["decision"]] == ["Applied", "Refused", "Refused", "Applied"]


def test_a_state_directory_in_use_is_left_alone(repository: Repository, desk: Desk) -> None:
    """While a controller holds it, a second process is told which one does and what to do; reading goes on."""
    with desk.controller(repository.path, "--target", f"files:{desk.out}", "--interval", "1h") as controller:
        controller.await_decision("Applied")
        for verb in ("sync", "run"):
            second = desk.run(
                *(verb, *desk.source(repository.path), "--target", f"files:{desk.root / 'other'}"),
                *(("--web-address", "off") if verb == "run" else ()),
            )
            assert second.code == 1
            assert f"error [StateInUse]: {desk.state} is in use by process {controller.process.pid}\n" in second.err
            assert "hint: stop it, or give this one a directory of its own with --state" in second.err
        assert not (desk.root / "other").exists()
        assert desk.run("audit", "verify", "--state", desk.state).code == 0
        assert desk.run("audit", "log", "--state", desk.state).out.count("Applied") == 1
    assert desk.sync(repository.path).code == 0


def test_a_head_noted_before_shows_a_journal_written_anew(journal: tuple[Desk, list[str]], tmp_path: Path) -> None:
    """The chain of another journal verifies by itself; only what was noted elsewhere tells that it is another one."""
    desk, _ = journal
    head = desk.run("audit", "verify", "--state", desk.state, "--output", "json").value["head"]
    assert desk.run("audit", "verify", "--state", desk.state, "--head", head).code == 0
    other, repository = Desk(tmp_path), Repository.create(tmp_path / "other")
    repository.commit(many(2))
    assert other.sync(repository.path).code == 0
    assert other.run("audit", "verify", "--state", other.state).code == 0
    refused = other.run("audit", "verify", "--state", other.state, "--head", head)
    assert refused.code == 1
    assert "head noted before" in refused.text


def test_plan_shows_the_refusal_and_the_digest_that_sync_takes(repository: Repository, desk: Desk) -> None:
    """After a force-push: `plan` says so, exits with 1, and its digest lifts exactly that refusal."""
    assert desk.sync(repository.path).code == 0
    repository.git("commit", "--quiet", "--amend", "--message=Another past")
    repository.commit({"m1.yaml": mapping("m1", "/rewritten/", service="127.0.0.1:1")})
    plan = desk.run("plan", *desk.source(repository.path), "--state", desk.state, "--output", "json")
    assert plan.code == 1
    assert [refusal["reason"] for refusal in plan.value["refusals"]] == ["HistoryRewritten"]
    assert desk.sync(repository.path).code == 1
    assert desk.sync(repository.path, "--allow-plan", plan.value["digest"]).code == 0


def test_a_plan_for_a_pull_request_shows_its_problems(repository: Repository, desk: Desk) -> None:
    """Markdown and JSON name what is wrong, so that a comment does not look clean."""
    repository.commit({"bad.yaml": mapping("bad", "/bad/", timout_ms=5)})
    for form in ("markdown", "json"):
        shown = desk.run("plan", *desk.source(repository.path), "--state", desk.state, "--output", form)
        assert shown.code == 1
        assert "timout_ms" in shown.out
