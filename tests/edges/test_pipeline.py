"""Whole reconciles: a real repository, a real journal, Envoy's real check, and files as the target."""

import re
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from reconciler.envoy import snapshot_json
from reconciler.model.decision import Decision, Trigger
from reconciler.model.effect import Ack, AckState, Evidence, Release
from reconciler.model.errors import Stalled
from reconciler.model.happening import Happening
from reconciler.model.plan import Op
from reconciler.model.policy import LocalLimit
from reconciler.model.problem import Code
from reconciler.model.snapshot import Snapshot
from tests.support.controllers import decided, mapping, on_repository, reconcile, served
from tests.support.disk import limited_file_size
from tests.support.repositories import BOB, Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Two Mappings in two files."""
    made = Repository.create(tmp_path / "repository")
    made.commit({"a.yaml": mapping("a", "/a/"), "b.yaml": mapping("b", "/b/")}, "Start")
    return made


def many(count: int) -> dict[str, str | bytes | None]:
    return {f"m{i}.yaml": mapping(f"m{i}", f"/m{i}/") for i in range(count)}


def test_a_commit_is_applied_and_recorded_with_its_author(repository: Repository, tmp_path: Path) -> None:
    """First everything, then one change: the journal names commit, author and routes of each."""
    with on_repository(repository.path, tmp_path / "state", f"files:{tmp_path / 'out'}") as loop:
        first = reconcile(loop, Decision.APPLIED)
        assert first.trigger is Trigger.STARTUP
        assert {(ack.state, ack.evidence) for ack in first.acks} == {(AckState.UNKNOWN, Evidence.READ_BACK)}
        sha = repository.commit({"a.yaml": mapping("a", "/new-a/")}, "Move a", author=BOB)
        second = reconcile(loop, Decision.APPLIED)
        assert second.plan is not None
        assert [(c.op, c.id.name) for c in second.plan.changes] == [(Op.UPDATE, "a")]
        newest, oldest = decided(loop)
        assert (newest.commit, newest.author, newest.subject) == (sha, BOB, "Move a")
        assert (oldest.creates, oldest.updates, newest.creates, newest.updates) == (2, 0, 0, 1)
        assert loop.edges.journal.verify().bad is None


def test_nothing_new_is_quiet_and_a_docs_commit_sends_nothing(repository: Repository, tmp_path: Path) -> None:
    """Polls without news leave no trace; a commit without routing change is recorded but touches no file."""
    out = tmp_path / "out"
    with on_repository(repository.path, tmp_path / "state", f"files:{out}") as loop:
        reconcile(loop, Decision.APPLIED)
        assert loop.once().quiet
        before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
        sha = repository.commit({"README.md": "words", "a.yaml": "# a comment\n" + mapping("a", "/a/")}, "Document")
        outcome = reconcile(loop, Decision.UNCHANGED)
        assert str(outcome.applied) == f"main@sha1:{sha}"
        assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == before
        assert [entry.decision for entry in decided(loop)] == [Decision.UNCHANGED, Decision.APPLIED]


def test_a_repeated_sync_of_the_same_revision_records_nothing_more(repository: Repository, tmp_path: Path) -> None:
    """A CronJob that finds nothing new, run after run, leaves one entry."""
    for decision in (Decision.APPLIED, Decision.UNCHANGED, Decision.UNCHANGED):
        with on_repository(repository.path, tmp_path / "state", f"files:{tmp_path / 'out'}") as loop:
            reconcile(loop, decision)
            assert len(decided(loop)) == 1


def test_a_bad_mapping_is_quarantined_and_the_rest_applied(repository: Repository, tmp_path: Path) -> None:
    """The good half of a commit is served, the bad half stays as it was, until it is mended."""
    with on_repository(repository.path, tmp_path / "state", f"files:{tmp_path / 'out'}") as loop:
        reconcile(loop, Decision.APPLIED)
        repository.commit({"a.yaml": mapping("a", "/a2/", timeout_ms='"5s"'), "b.yaml": mapping("b", "/b2/")})
        outcome = reconcile(loop, Decision.PARTIAL)
        assert outcome.reason == "InvalidMapping"
        assert [(p.code, p.provenance.path) for p in outcome.problems] == [(Code.WRONG_TYPE, "a.yaml")]
        assert served(loop) == {"default/a": "/a/", "default/b": "/b2/"}
        assert loop.once().quiet
        repository.commit({"a.yaml": mapping("a", "/a2/", timeout_ms=5000)})
        reconcile(loop, Decision.APPLIED)
        assert served(loop) == {"default/a": "/a2/", "default/b": "/b2/"}


def test_a_file_that_is_not_yaml_keeps_what_it_served(repository: Repository, tmp_path: Path) -> None:
    """A broken file is no deletion, also after a restart."""
    for _restart in range(2):
        with on_repository(repository.path, tmp_path / "state", f"files:{tmp_path / 'out'}") as loop:
            loop.once()
            repository.commit({"a.yaml": "a: [\n", "b.yaml": mapping("b", f"/b{_restart}/")})
            reconcile(loop, Decision.PARTIAL)
            assert served(loop) == {"default/a": "/a/", "default/b": f"/b{_restart}/"}


def test_on_invalid_refuse_is_all_or_nothing(repository: Repository, tmp_path: Path) -> None:
    """With the setting, one error refuses the whole commit."""
    target = f"files:{tmp_path / 'out'}"
    with on_repository(repository.path, tmp_path / "state", target, on_invalid="refuse") as loop:
        reconcile(loop, Decision.APPLIED)
        repository.commit({"a.yaml": mapping("a", "no-slash/"), "b.yaml": mapping("b", "/b2/")})
        assert reconcile(loop, Decision.REFUSED).reason == "InvalidMapping"
        assert served(loop) == {"default/a": "/a/", "default/b": "/b/"}


def test_accidents_are_refused_until_exactly_that_plan_is_allowed(tmp_path: Path) -> None:
    """Deleting half of twelve routes needs the digest of that plan, and another plan's digest does not do."""
    repository = Repository.create(tmp_path / "repository")
    repository.commit(many(12))
    target, state = f"files:{tmp_path / 'out'}", tmp_path / "state"
    with on_repository(repository.path, state, target) as loop:
        reconcile(loop, Decision.APPLIED)
        repository.commit(dict.fromkeys(list(many(6))))
        refused = reconcile(loop, Decision.REFUSED)
        assert refused.reason == "UnsafePlan"
        assert len(served(loop)) == 12
        assert refused.plan is not None
        digest = refused.plan.digest
        assert loop.once().quiet
    with on_repository(repository.path, state, target, allow_plan="sha256:" + "0" * 64) as loop:
        reconcile(loop, Decision.REFUSED)
    with on_repository(repository.path, state, target, allow_plan=digest) as loop:
        reconcile(loop, Decision.APPLIED)
        assert len(served(loop)) == 6


def test_an_empty_repository_is_refused(repository: Repository, tmp_path: Path) -> None:
    """No route at all is never applied, neither at first nor later."""
    target = f"files:{tmp_path / 'out'}"
    empty = Repository.create(tmp_path / "empty")
    empty.commit({"README.md": "nothing yet"})
    with on_repository(empty.path, tmp_path / "first", target) as loop:
        assert reconcile(loop, Decision.REFUSED).reason == "UnsafePlan"
    with on_repository(repository.path, tmp_path / "state", target) as loop:
        reconcile(loop, Decision.APPLIED)
        repository.commit({"a.yaml": None, "b.yaml": None})
        assert reconcile(loop, Decision.REFUSED).reason == "UnsafePlan"
        assert served(loop) == {"default/a": "/a/", "default/b": "/b/"}


def test_a_rewritten_history_is_refused(repository: Repository, tmp_path: Path) -> None:
    """After a force-push the last good stays served, and the journal says what happened."""
    with on_repository(repository.path, tmp_path / "state", f"files:{tmp_path / 'out'}") as loop:
        reconcile(loop, Decision.APPLIED)
        repository.git("commit", "--quiet", "--amend", "--message=Another past")
        repository.commit({"a.yaml": mapping("a", "/rewritten/")})
        outcome = reconcile(loop, Decision.REFUSED)
        assert "histor" in outcome.message
        assert served(loop)["default/a"] == "/a/"


def test_certificates_that_only_envoys_have_are_no_fault_of_a_mapping(repository: Repository, tmp_path: Path) -> None:
    """The check runs here, the CA file is there: an https service is applied all the same."""
    target = f"files:{tmp_path / 'out'}"
    with on_repository(repository.path, tmp_path / "state", target, upstream_ca_file="/on/envoys/ca.pem") as loop:
        repository.commit({"a.yaml": mapping("a", "/a/", service="https://shop.example.com")})
        reconcile(loop, Decision.APPLIED)


def test_drift_of_the_target_is_healed_and_recorded(repository: Repository, tmp_path: Path) -> None:
    """A file changed by hand is put right at the next poll though nothing is new in Git."""
    out = tmp_path / "out"
    with on_repository(repository.path, tmp_path / "state", f"files:{out}") as loop:
        reconcile(loop, Decision.APPLIED)
        original = {path: path.read_bytes() for path in out.iterdir() if path.is_file()}
        next(path for path in original if "route" in path.name or "rds" in path.name).write_bytes(b"by hand")
        outcome = reconcile(loop, Decision.APPLIED)
        assert outcome.trigger is Trigger.DRIFT
        assert loop.state.memory is not None  # the next change costs what it changes, as before
        healed, applied = (entry.records for entry in decided(loop))
        assert [healed[0].body["source"][name] for name in ("fetched_at", "commit")] == [  # type: ignore[index,call-overload]
            "unknown",
            applied[0].body["source"]["commit"],  # type: ignore[index,call-overload]
        ]
        known: list[set[str]] = []
        for record in (applied[1], healed[1]):
            times = record.body["effect"]["lead_times_ms"]  # type: ignore[index,call-overload]
            known.append({name for name, time in times.items() if time != "unknown"})  # type: ignore[union-attr]
            assert record.body["effect"]["written_at"] != "unknown"  # type: ignore[index,call-overload]
        assert known == [{"commit_to_fetch", "fetch_to_apply"}, set()]
        assert {path: path.read_bytes() for path in original} == original
        assert loop.once().quiet


@pytest.mark.parametrize("target", ["files", "xds"])
def test_other_settings_are_recorded_as_that_and_blamed_on_nobody(
    repository: Repository, tmp_path: Path, target: str
) -> None:
    """What the same documents render to anew is no drift, nor anybody's commit, and the journal has what is served."""
    where = "xds" if target == "xds" else f"files:{tmp_path / 'envoy'}"
    with on_repository(repository.path, tmp_path / "state", where) as loop:
        before = reconcile(loop, Decision.APPLIED)
    with on_repository(repository.path, tmp_path / "state", where, access_log="/dev/stdout") as loop:
        after = reconcile(loop, Decision.APPLIED)
        assert (after.trigger, after.drift) == (Trigger.SETTINGS_CHANGED, ())
        assert before.plan
        assert after.plan
        assert (after.plan.before, after.plan.changes) == (before.plan.after, ())
        assert after.plan.before != after.plan.after
        last = decided(loop)[0]
        assert Happening.SETTINGS_CHANGED in last.happened
        assert Happening.DRIFT_FOUND not in last.happened
        assert loop.edges.journal.served_digest() == after.plan.after
        assert reconcile(loop, Decision.UNCHANGED).quiet
    with on_repository(repository.path, tmp_path / "state", where, access_log="/dev/stdout") as loop:
        assert reconcile(loop, Decision.UNCHANGED).sequence is None


def test_drift_is_healed_while_a_plan_is_refused_without_recording_the_refusal_again(tmp_path: Path) -> None:
    """A refused revision neither keeps drift from being healed nor fills the journal at every poll."""
    repository = Repository.create(tmp_path / "repository")
    repository.commit(many(12))
    out = tmp_path / "out"
    with on_repository(repository.path, tmp_path / "state", f"files:{out}") as loop:
        reconcile(loop, Decision.APPLIED)
        original = {path: path.read_bytes() for path in out.iterdir() if path.is_file()}
        repository.commit(dict.fromkeys(list(many(6))))
        reconcile(loop, Decision.REFUSED)
        next(iter(original)).unlink()
        assert reconcile(loop, Decision.APPLIED).trigger is Trigger.DRIFT
        assert {path: path.read_bytes() for path in original} == original
        assert loop.once().quiet
        decisions = [entry.decision for entry in decided(loop)]
        assert decisions == [Decision.APPLIED, Decision.REFUSED, Decision.APPLIED]


def test_a_result_that_could_not_be_written_is_made_good(repository: Repository, tmp_path: Path) -> None:
    """The disk fills up after the change was applied: the next reconcile closes the open intent and records it."""
    with on_repository(repository.path, tmp_path / "state", f"files:{tmp_path / 'out'}") as loop:
        reconcile(loop, Decision.APPLIED)
        repository.commit({"a.yaml": mapping("a", "/later/")})
        (target,) = loop.edges.targets
        real_apply = target.apply
        wal = tmp_path / "state" / "journal.db-wal"

        with ExitStack() as full_disk:

            def apply_and_fill(snapshot: Snapshot, release: Release) -> tuple[Ack, ...]:
                acks = real_apply(snapshot, release)
                full_disk.enter_context(limited_file_size(wal.stat().st_size))
                return acks

            object.__setattr__(target, "apply", apply_and_fill)
            reconcile(loop, Decision.FAILED)
        object.__setattr__(target, "apply", real_apply)
        assert loop.edges.journal.unfinished() is not None
        reconcile(loop, Decision.APPLIED)
        assert loop.edges.journal.unfinished() is None
        assert loop.edges.journal.verify().bad is None
        assert served(loop)["default/a"] == "/later/"


def test_an_outage_of_the_source_leaves_everything_and_ends_by_itself(repository: Repository, tmp_path: Path) -> None:
    """While the repository is gone each poll fails softly; when it is back, work goes on; a restart in between too."""
    away = tmp_path / "away"
    with on_repository(repository.path, tmp_path / "state", f"files:{tmp_path / 'out'}") as loop:
        reconcile(loop, Decision.APPLIED)
        shutil.move(repository.path, away)
        for failures in (1, 2):
            reconcile(loop, Decision.FAILED)
            assert loop.failures == failures
        assert served(loop) == {"default/a": "/a/", "default/b": "/b/"}
        assert [e.decision for e in decided(loop)] == [Decision.FAILED, Decision.APPLIED]
    with on_repository(repository.path, tmp_path / "state", f"files:{tmp_path / 'out'}") as loop:
        reconcile(loop, Decision.FAILED)
        assert served(loop) == {"default/a": "/a/", "default/b": "/b/"}
        shutil.move(away, repository.path)
        repository.commit({"a.yaml": mapping("a", "/back/")})
        reconcile(loop, Decision.APPLIED)
        assert (loop.failures, served(loop)["default/a"]) == (0, "/back/")


def test_a_dry_run_touches_and_claims_nothing(repository: Repository, tmp_path: Path) -> None:
    """Target none: the plan is told, the decision says so, nothing counts as served."""
    with on_repository(repository.path, tmp_path / "state", "none") as loop:
        outcome = reconcile(loop, Decision.DRY_RUN)
        assert outcome.plan is not None
        assert outcome.plan.count(Op.CREATE) == 2
        assert outcome.applied is None
        assert loop.edges.journal.served().origins == ()


def test_two_controllers_never_share_a_state_directory(repository: Repository, tmp_path: Path) -> None:
    """The second is told who holds it; after the first has gone it may."""
    state = tmp_path / "state"
    with (
        on_repository(repository.path, state, "none"),
        pytest.raises(Stalled, match=r"in use by process \d+"),
        on_repository(repository.path, state, "none"),
    ):
        pass
    with on_repository(repository.path, state, "none") as loop:
        reconcile(loop, Decision.DRY_RUN)


def test_nothing_is_applied_when_the_intent_cannot_be_written(repository: Repository, tmp_path: Path) -> None:
    """A full disk: the journal refuses first, so no change is served that it does not know of; then it recovers."""
    out = tmp_path / "out"
    with on_repository(repository.path, tmp_path / "state", f"files:{out}") as loop:
        reconcile(loop, Decision.APPLIED)
        loop.edges.source.fetch(loop.state.revision)
        before = {path: path.read_bytes() for path in out.iterdir() if path.is_file()}
        repository.commit({"a.yaml": mapping("a", "/later/")})
        # Fetching writes too; what matters here is the journal, so only its next write may fail.
        with limited_file_size((tmp_path / "state" / "journal.db-wal").stat().st_size):
            outcome = reconcile(loop, Decision.FAILED)
        assert outcome.retry
        assert {path: path.read_bytes() for path in out.iterdir() if path.is_file()} == before
        reconcile(loop, Decision.APPLIED)
        assert served(loop)["default/a"] == "/later/"
        assert loop.edges.journal.verify().bad is None


def test_a_mapping_only_envoy_rejects_is_found_held_and_remembered(repository: Repository, tmp_path: Path) -> None:
    """One of many changes is refused by the check: it is named, held at its last good version, and not tried again."""
    with on_repository(repository.path, tmp_path / "state", f"files:{tmp_path / 'out'}") as loop:
        reconcile(loop, Decision.APPLIED)
        asked: list[str] = []

        # Our own validation finds what we know of; this stands for what a newer Envoy refuses beyond that.
        def complain(snapshot: object) -> str:
            asked.append("once")
            return "Envoy says no" if re.search(r"/forbidden/", str(snapshot)) else ""

        object.__setattr__(loop.edges, "complain", complain)
        changes = many(20) | {"a.yaml": mapping("a", "/forbidden/")}
        repository.commit(changes)
        outcome = reconcile(loop, Decision.PARTIAL)
        assert outcome.reason == "EnvoyRejected"
        assert [(p.code, p.provenance.path, "Envoy says no" in p.message) for p in outcome.problems] == [
            (Code.ENVOY_REJECTED, "a.yaml", True)
        ]
        assert served(loop)["default/a"] == "/a/"
        assert len(served(loop)) == 22
        asked.clear()
        repository.commit({"b.yaml": mapping("b", "/b3/")})
        reconcile(loop, Decision.PARTIAL)
        assert len(asked) == 1
        repository.commit({"a.yaml": mapping("a", "/allowed/")})
        reconcile(loop, Decision.APPLIED)
        assert served(loop)["default/a"] == "/allowed/"


def test_a_policy_only_envoy_rejects_is_found_and_held(repository: Repository, tmp_path: Path) -> None:
    """Not the Mappings it is about: those go on as before, with what the policy last said."""

    def policy(status: int) -> str:
        head = "apiVersion: reconciler.dev/v1alpha1\nkind: MappingPolicy\nmetadata: {name: p}\n"
        return f"{head}spec: {{mappings: [a, b], local_rate_limit: {{requests: 9, per: second, status: {status}}}}}\n"

    with on_repository(repository.path, tmp_path / "state", f"files:{tmp_path / 'out'}") as loop:
        repository.commit({"p.yaml": policy(429)})
        reconcile(loop, Decision.APPLIED)

        # Our own validation finds what we know of; this stands for what a newer Envoy refuses beyond that.
        def complain(snapshot: Snapshot) -> str:
            text = str(snapshot_json(snapshot))
            return "Envoy says no" if "'ServiceUnavailable'" in text else ""

        object.__setattr__(loop.edges, "complain", complain)
        repository.commit(many(5) | {"p.yaml": policy(503), "a.yaml": mapping("a", "/a2/")})
        outcome = reconcile(loop, Decision.PARTIAL)
        assert [(p.code, p.resource) for p in outcome.problems] == [(Code.ENVOY_REJECTED, "MappingPolicy default/p")]
        assert served(loop)["default/a"] == "/a2/"
        limits = {route.name: route.policy.local_limit for route in loop.state.applied.table.routes}
        assert {limits["default/a"], limits["default/b"]} == {LocalLimit(9, 9, 1000, 429)}
