"""While somebody has suspended us nothing is applied, what is served stays, and the journal says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.loop import Loop
from reconciler.model.decision import Decision
from reconciler.model.outcome import Outcome
from reconciler.model.suspension import NOT_SUSPENDED, Suspension
from tests.support.controllers import decided, mapping, on_repository, reconcile, served
from tests.support.repositories import Repository

BY_EVE = Suspension(True, "eve", "RoutingRepository edge/routes")
GO_ON = replace(BY_EVE, wanted=False)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """One Mapping."""
    made = Repository.create(tmp_path / "repository")
    made.commit({"a.yaml": mapping("a", "/a/")})
    return made


@contextmanager
def wishing(
    repository: Repository, root: Path, *wishes: Suspension, target: str = ""
) -> Iterator[tuple[Loop, list[Suspension], list[Outcome]]]:
    """A controller, what somebody wishes now, and all that it reports."""
    wish, told = list(wishes), list[Outcome]()
    with on_repository(repository.path, root / "state", target or f"files:{root / 'out'}") as loop:
        loop.edges = replace(loop.edges, suspended=lambda: wish[-1])
        loop.report = told.append
        yield loop, wish, told


def reasons(loop: Loop) -> list[str]:
    """Of the journal, oldest first."""
    return [entry.reason or str(entry.decision) for entry in reversed(decided(loop))]


def test_nothing_is_applied_between_two_records_that_say_who(repository: Repository, tmp_path: Path) -> None:
    """Polls between them are quiet; what was committed meanwhile comes with the end."""
    with wishing(repository, tmp_path, NOT_SUSPENDED) as (loop, wish, told):
        reconcile(loop, Decision.APPLIED)
        wish.append(BY_EVE)
        repository.commit({"b.yaml": mapping("b", "/b/")})
        begun = loop.once()
        assert (begun.decision, begun.reason, begun.quiet) == (Decision.UNCHANGED, "Suspended", False)
        assert begun.message == "suspended by eve through RoutingRepository edge/routes; what is served stays"
        assert (loop.once().quiet, loop.suspended, served(loop)) == (True, True, {"default/a": "/a/"})
        wish.append(GO_ON)
        told.clear()
        loop.once()
        assert [outcome.reason for outcome in told] == ["Resumed", ""]
        assert served(loop) == {"default/a": "/a/", "default/b": "/b/"}
        assert reasons(loop) == ["Applied", "Suspended", "Resumed", "Applied"]


def test_a_restart_goes_on_as_it_was_until_the_wish_is_known(repository: Repository, tmp_path: Path) -> None:
    """While the API server does not answer, the journal says whether we were suspended."""
    with wishing(repository, tmp_path, NOT_SUSPENDED) as (loop, wish, _):
        reconcile(loop, Decision.APPLIED)
        wish.append(BY_EVE)
        loop.once()
    repository.commit({"b.yaml": mapping("b", "/b/")})
    with wishing(repository, tmp_path, Suspension(None)) as (loop, wish, _):
        assert loop.once().quiet
        assert served(loop) == {"default/a": "/a/"}
        wish.append(GO_ON)
        loop.once()
        assert served(loop) == {"default/a": "/a/", "default/b": "/b/"}
        assert reasons(loop) == ["Applied", "Suspended", "Resumed", "Applied"]
    with wishing(repository, tmp_path, Suspension(None)) as (loop, _, _):
        loop.once()
        assert not loop.suspended


def test_a_new_process_serves_what_was_served_though_suspended(repository: Repository, tmp_path: Path) -> None:
    """Over xDS nothing would be there for Envoys that connect to it; no commit is needed for that."""
    with wishing(repository, tmp_path, NOT_SUSPENDED, target="xds") as (loop, wish, _):
        reconcile(loop, Decision.APPLIED)
        wish.append(BY_EVE)
        loop.once()
    with wishing(repository, tmp_path, BY_EVE, target="xds") as (loop, _, _):
        repository.commit({"b.yaml": mapping("b", "/b/")})
        assert loop.once().quiet
        (target,) = loop.edges.targets
        assert target.observe() == loop.state.applied.snapshot.digest
        assert served(loop) == {"default/a": "/a/"}
