"""What a replica that follows does, and what it does the moment it leads: a real repository, journal and files."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from reconciler.apply import FilesTarget
from reconciler.loop import Loop
from reconciler.model.decision import Decision, Trigger
from reconciler.model.files import FilesFormat
from tests.support.controllers import mapping, on_repository, reconcile, served
from tests.support.repositories import Repository


class Shared(FilesTarget):
    """A folder of which there is one for all replicas."""

    exclusive = True


@dataclass
class Office:
    """Whether the replica leads."""

    held: bool = False


@contextmanager
def replica(repository: Repository, folder: Path, office: Office, *, own: bool) -> Iterator[tuple[Loop, Shared]]:
    """A replica with a shared target, and with one of its own or without."""
    shared = Shared(folder / "shared", FilesFormat.PB)
    with on_repository(repository.path, folder / "state", f"files:{folder / 'own'}") as loop:
        targets = (*(loop.edges.targets if own else ()), shared)
        loop.edges = replace(loop.edges, targets=targets, leads=lambda: office.held)
        yield loop, shared


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Twelve Mappings."""
    made = Repository.create(tmp_path / "repository")
    made.commit({f"m{i}.yaml": mapping(f"m{i}", f"/m{i}/") for i in range(12)})
    return made


def test_a_follower_serves_its_own_and_brings_what_is_shared_up_when_it_leads(
    repository: Repository, tmp_path: Path
) -> None:
    """Nothing is written to what is shared before, and nothing waits for the next poll after."""
    office = Office()
    with replica(repository, tmp_path, office, own=True) as (loop, shared):
        reconcile(loop, Decision.APPLIED)
        assert shared.observe() is None
        assert loop.once().quiet, "what others have there is not its drift"
        office.held = True
        loop.request(Trigger.LEADING)
        outcome = reconcile(loop, Decision.APPLIED)
        assert outcome.trigger is Trigger.LEADING
        assert shared.observe() == loop.state.applied.snapshot.digest
        loop.request(Trigger.LEADING)
        assert loop.once().quiet, "a predecessor may have left all in order"


def test_a_follower_with_nothing_of_its_own_follows_and_is_as_careful_as_a_leader(
    repository: Repository, tmp_path: Path
) -> None:
    """It records what the leader applies, also over a restart, and refuses what would be refused."""
    office = Office()
    with replica(repository, tmp_path, office, own=False) as (loop, shared):
        outcome = reconcile(loop, Decision.UNCHANGED)
        assert (outcome.reason, outcome.fine) == ("NotLeading", True)
        assert loop.once().quiet
    with replica(repository, tmp_path, office, own=False) as (loop, shared):
        assert len(served(loop)) == 12
        reconcile(loop, Decision.UNCHANGED)
        repository.commit({f"m{i}.yaml": None for i in range(8)})
        assert reconcile(loop, Decision.REFUSED).reason == "UnsafePlan"
        assert shared.observe() is None
        office.held = True
        loop.request(Trigger.LEADING)
        outcome = reconcile(loop, Decision.APPLIED)
        assert outcome.trigger is Trigger.LEADING
        assert shared.observe() == loop.state.applied.snapshot.digest
        assert len(served(loop)) == 12, "what was refused stays refused, whoever leads"
        assert loop.edges.journal.verify().bad is None


def test_a_broken_commit_is_partial_for_a_follower_too(repository: Repository, tmp_path: Path) -> None:
    """People see what is wrong at each replica."""
    with replica(repository, tmp_path, Office(), own=False) as (loop, shared):
        repository.commit({"m0.yaml": mapping("m0", "no-slash/")})
        assert reconcile(loop, Decision.PARTIAL).reason == "InvalidMapping"
        assert shared.observe() is None
