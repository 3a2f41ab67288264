"""What a record says of real commits, of a process, and of a source that went silent."""

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.audit.store import sqlite
from reconciler.loop import Loop
from reconciler.model.controller import Controller
from reconciler.model.decision import Decision, Trigger
from reconciler.model.digest import Json, digest_bytes
from reconciler.model.entry import Answer, Entry
from reconciler.model.happening import Happening
from reconciler.model.source import Signature
from reconciler.presence import began
from reconciler.settings import load
from reconciler.settings.recorded import recorded
from reconciler.sources.git.signatures import signature_of
from tests.support.controllers import decided, mapping, on_repository, reconcile
from tests.support.journals import NOON, journal
from tests.support.repositories import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """One Mapping in one commit."""
    made = Repository.create(tmp_path / "repository")
    made.commit({"a.yaml": mapping("a", "/a/")})
    return made


@pytest.fixture
def loop(repository: Repository, tmp_path: Path) -> Iterator[Loop]:
    """A controller that has applied it."""
    with on_repository(repository.path, tmp_path / "state", f"files:{tmp_path / 'out'}") as made:
        reconcile(made, Decision.APPLIED)
        yield made


def newest(loop: Loop) -> dict[str, Any]:
    """The body of the newest intent or decision."""
    return decided(loop)[0].records[0].body


def signing_key(directory: Path) -> Path:
    """An ssh key that signs commits."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ann", "-f", str(directory / "key")]
    subprocess.run(command, check=True)
    return directory / "key"


def test_a_signed_merge_of_a_pull_request(loop: Loop, repository: Repository, tmp_path: Path) -> None:
    """Every commit it brought with its signature; what the message claims stays a claim."""
    repository.git("checkout", "--quiet", "-b", "feature")
    plain = repository.commit({"b.yaml": mapping("b", "/b/")}, "Add b for OPS-7")
    repository.git("checkout", "--quiet", "main")
    ssh = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={signing_key(tmp_path)}")
    message = "Merge pull request #12 from ann/feature\n\nReviewed-by: Bea <bea@example.com>"
    repository.git(*ssh, "merge", "--quiet", "--no-ff", "-S", "-m", message, "feature")
    reconcile(loop, Decision.APPLIED)
    body = newest(loop)
    assert body["verification"] == {
        "method": "ssh",
        "key": "unknown",
        "identity": "unknown",
        "result": "unchecked",
        "policy": None,
        "trust_store": None,
    }
    assert body["source"]["commit"] == repository.head
    assert len(body["source"]["parents"]) == 2
    brought = {c["commit"]: (c["signature"], c["tickets"]) for c in body["source"]["commits"]}
    assert brought == {repository.head: ("ssh", ["#12"]), plain: ("none", ["OPS-7"])}
    assert body["people"]["claims"] == {
        "according_to": "commit message",
        "pull_request": "12",
        "reviewed_by": ["Bea <bea@example.com>"],
    }
    assert body["people"]["pull_request"] == body["people"]["approvers"] == "unknown"
    entry = decided(loop)[0]
    assert (entry.pull_request, entry.claimed, entry.approved, entry.signed) == (
        "unknown",
        "12",
        Answer.UNKNOWN,
        Answer.UNKNOWN,
    )


def test_a_merge_request_of_gitlab_and_no_signature(loop: Loop, repository: Repository) -> None:
    """The number stands in the body, as GitLab writes it; that nobody signed is known."""
    message = "Merge branch 'x' into 'main'\n\nMore of a\n\nSee merge request team/routes!34"
    repository.commit({"a.yaml": mapping("a", "/other/")}, message)
    reconcile(loop, Decision.APPLIED)
    claims = newest(loop)["people"]["claims"]
    assert (claims["pull_request"], claims["merge_request"]) == ("34", "team/routes!34")
    assert decided(loop)[0].signed is Answer.NO


def test_a_fresh_start_knows_the_signature_as_well(repository: Repository, tmp_path: Path) -> None:
    """Where everything is read, not only what changed."""
    ssh = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={signing_key(tmp_path)}")
    repository.git(*ssh, "commit", "--quiet", "--allow-empty", "-S", "-m", "Signed")
    with on_repository(repository.path, tmp_path / "state", f"files:{tmp_path / 'out'}") as loop:
        reconcile(loop, Decision.APPLIED)
        assert newest(loop)["verification"]["method"] == "ssh"
        shutil.rmtree(tmp_path / "out")
        reconcile(loop, Decision.APPLIED)
        healed = decided(loop)[0]
        assert set(healed.happened) == {Happening.DRIFT_FOUND, Happening.DRIFT_HEALED, Happening.APPLY}
        assert newest(loop)["verification"]["method"] == "ssh"


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        (b"gpgsig -----BEGIN PGP SIGNATURE-----", Signature.GPG),
        (b"gpgsig-sha256 -----BEGIN SSH SIGNATURE-----", Signature.SSH),
        (b"gpgsig -----BEGIN SIGNED MESSAGE-----", Signature.X509),
        (b"gpgsig something", Signature.OTHER),
        (b"encoding utf-8", Signature.NONE),
    ],
)
def test_kinds_of_signatures(header: bytes, kind: Signature) -> None:
    """By the header alone: what the message says is none."""
    commit = b"tree 1\nauthor a\n" + header + b"\n x\n\ngpgsig -----BEGIN SSH SIGNATURE-----\n"
    assert signature_of(commit) is kind


def test_verdicts_risks_and_versions_of_a_real_apply(loop: Loop, repository: Repository) -> None:
    """A prefix that takes more is flagged; what was checked is told; the files were read back."""
    repository.commit({"a.yaml": mapping("a", "/")})
    reconcile(loop, Decision.APPLIED)
    intent, result = (record.body for record in decided(loop)[0].records)
    assert intent["change"]["risks"] == ["prefix-widened"]  # type: ignore[index,call-overload]
    verdicts: Any = result["verdicts"]
    assert {verdicts[name] for name in ("schema", "cross-checks", "conflict", "ownership", "render")} == {"passed"}
    effect: Any = result["effect"]
    assert [target["read_back"] for target in effect["targets"]] == ["yes"]
    assert effect["versions"]["type.googleapis.com/envoy.config.cluster.v3.Cluster"]


def test_an_allowed_plan_is_a_broken_glass(repository: Repository, tmp_path: Path) -> None:
    """The plan that was refused is applied with a setting: the record says which, and where it was set."""
    places = (repository.path, tmp_path / "state", f"files:{tmp_path / 'out'}")
    with on_repository(*places) as loop:
        reconcile(loop, Decision.APPLIED)
        repository.commit({"a.yaml": None, "readme": "nothing"})
        refused = reconcile(loop, Decision.REFUSED)
        assert refused.plan is not None
    with on_repository(*places, allow_plan=refused.plan.digest) as loop:
        reconcile(loop, Decision.APPLIED)
        assert set(decided(loop)[0].happened) == {Happening.APPLY, Happening.BREAK_GLASS}
        (broken,) = newest(loop)["exceptions"]
        assert [one["reason"] for one in broken["refusals"]] == ["EmptyTable"]
        assert broken["by"] == {"name": "unknown", "through": "setting allow_plan, from flag --allow-plan"}


def test_a_process_says_when_it_begins_and_ends(repository: Repository, tmp_path: Path) -> None:
    """With its settings, from which the same options can be made; one that died leaves no end behind."""
    places = (repository.path, tmp_path / "state", f"files:{tmp_path / 'out'}")
    with on_repository(*places, environment="test") as loop:
        first = loop.edges.journal.entries()[0].records[0].body
    with on_repository(*places) as loop:
        second, stopped, _ = loop.edges.journal.entries()
        assert stopped.happened == (Happening.AUDIT_STOP,)
        assert second.records[0].body["before"]["ended"] == "properly"  # type: ignore[index,call-overload]
        # As if it were killed: its journal is left as it is, and what would say that it ends is not written.
        shutil.copytree(tmp_path / "state", tmp_path / "copy")
    with on_repository(repository.path, tmp_path / "copy", f"files:{tmp_path / 'out'}") as loop:
        third = loop.edges.journal.entries()[0]
        before: Any = third.records[0].body["before"]
        assert before["ended"] == "unclean"
        assert before["last_record_at"] == second.records[0].body["time"]
        assert "did not end properly" in third.message
    assert first["before"] == {"ended": "unknown", "last_record_at": "unknown"}
    assert first["controller"]["environment"] == "test"  # type: ignore[index,call-overload]
    shown: Any = first["settings"]
    assert recorded(shown).settings.repo == str(repository.path)
    assert recorded(shown).settings.interval == load({}, {}, None).settings.interval


def test_a_sync_that_finds_nothing_leaves_no_word(repository: Repository, tmp_path: Path) -> None:
    """One that applies is recorded with its beginning and end; the second beginning says where the settings are."""
    places = (repository.path, tmp_path / "state", f"files:{tmp_path / 'out'}")
    lengths: list[int] = []
    starts: list[Entry | None] = []
    for decision in (Decision.APPLIED, Decision.UNCHANGED, Decision.APPLIED):
        if lengths[1:]:
            repository.commit({"a.yaml": mapping("a", "/other/")})
        with on_repository(*places, verb="sync") as loop:
            reconcile(loop, decision)
        with on_repository(*places, verb="sync") as loop:
            lengths.append(loop.edges.journal.standing().records)
            starts.append(loop.edges.journal.latest(Happening.AUDIT_START))
            found = loop.edges.journal.at(decided(loop)[0].sequence)
            assert found.settings["repo"] == str(repository.path)
    # What a journal begins with, then a beginning, intent, result and end each.
    assert lengths == [5, 5, 9]
    assert starts[0] is not None
    assert starts[2] is not None
    assert "settings_of" not in starts[0].records[0].body
    assert starts[2].records[0].body["settings_of"] == starts[0].sequence
    assert "settings" not in starts[2].records[0].body


def test_settings_are_told_anew_where_they_differ_or_were_told_long_ago(tmp_path: Path) -> None:
    """So that retention, which deletes the oldest first, takes no settings along that newer records need."""
    opened, who = journal(tmp_path / "journal.db"), Controller("routes", "0", "test", "host", 7)
    told: dict[str, Json] = {"interval": "30s"}

    def begin(now: datetime, config: bytes) -> dict[str, Json]:
        entry = opened.entry(opened.note(began(opened, now, who, "sync", digest_bytes(config), told)))
        assert entry is not None
        return entry.records[0].body

    soon, late = NOON + timedelta(hours=1), NOON + timedelta(days=2)
    bodies = [begin(NOON + timedelta(minutes=1), b"a"), begin(soon, b"a"), begin(soon, b"a"), begin(soon, b"b")]
    bodies += [begin(late, b"b")]
    assert [body.get("settings_of") for body in bodies] == [None, 2, 2, None, None]
    assert [body.get("settings") for body in bodies] == [told, None, None, told, told]
    opened.close()


def test_a_process_that_an_exception_ends_says_which(repository: Repository, tmp_path: Path) -> None:
    """Not as if it had been told to end; the next one knows, too."""
    places = (repository.path, tmp_path / "state", f"files:{tmp_path / 'out'}")
    with pytest.raises(KeyError), on_repository(*places):
        raise KeyError("words that may be secret")
    with on_repository(*places) as loop:
        start, stop = loop.edges.journal.entries()[:2]
        assert (stop.records[0].body["error"], stop.message) == ("KeyError", "run ends: KeyError")
        assert start.records[0].body["before"]["ended"] == "error"  # type: ignore[index,call-overload]
        assert "secret" not in str(stop)


def test_what_we_applied_unrecorded_is_blamed_on_nobody(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process died before it could tell the journal: the next one puts back what that has, and calls it no drift."""
    monkeypatch.setattr(sqlite, "_BUSY_MILLISECONDS", 50)
    target = f"files:{tmp_path / 'out'}"
    with on_repository(repository.path, tmp_path / "state", target, journal_failure="open") as loop:
        reconcile(loop, Decision.APPLIED)
        repository.commit({"a.yaml": mapping("a", "/other/")})
        with closing(sqlite3.connect(tmp_path / "state" / "journal.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert reconcile(loop, Decision.APPLIED).sequence is None
        shutil.copytree(tmp_path / "state", tmp_path / "copy")
    repository.git("reset", "--quiet", "--hard", "HEAD~1")
    with on_repository(repository.path, tmp_path / "copy", target) as loop:
        reconcile(loop, Decision.APPLIED)
        told = decided(loop)[0]
        assert told.trigger is Trigger.STARTUP
        assert not {Happening.DRIFT_FOUND, Happening.DRIFT_HEALED} & set(told.happened)
        assert told.records[0].body["unrecorded"] == [target]
        assert loop.edges.clerk.ours == ()
        next((tmp_path / "out").iterdir()).write_bytes(b"by hand")
        assert reconcile(loop, Decision.APPLIED).trigger is Trigger.DRIFT


def test_a_silent_source_is_told_once_and_so_is_its_return(loop: Loop, repository: Repository, tmp_path: Path) -> None:
    """Also across a restart: the journal remembers who was silent."""
    loop.staleness.after_s = 0.0
    repository.path.rename(tmp_path / "away")
    for _ in range(2):
        reconcile(loop, Decision.FAILED)
    stale = [entry for entry in loop.edges.journal.entries() if Happening.SOURCE_STALE in entry.happened]
    assert len(stale) == 1
    assert stale[0].records[0].body["realm"] == "git"
    (tmp_path / "away").rename(repository.path)
    loop.staleness = replace(loop.staleness)  # as a new process has it
    for _ in range(2):
        reconcile(loop, Decision.UNCHANGED)
    told = [entry.happened[0] for entry in loop.edges.journal.entries() if entry.decision is None]
    assert told[:2] == [Happening.SOURCE_BACK, Happening.SOURCE_STALE]


def test_a_short_outage_is_no_silence(loop: Loop, repository: Repository, tmp_path: Path) -> None:
    """Before the time is over there is a failure in the journal, and no word of silence."""
    repository.path.rename(tmp_path / "away")
    reconcile(loop, Decision.FAILED)
    assert not [entry for entry in loop.edges.journal.entries() if Happening.SOURCE_STALE in entry.happened]
