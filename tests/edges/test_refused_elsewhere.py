"""A replica that has nothing to compare a revision with leaves it alone where its leader refuses it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from reconciler.cluster.standing_form import pack, unpack
from reconciler.loop import Loop
from reconciler.model.decision import Decision
from reconciler.model.source import Revision
from reconciler.model.standing import Published, Standing
from tests.support.controllers import mapping, on_repository, reconcile, served
from tests.support.repositories import Repository


def many(count: int) -> dict[str, str | None]:
    """Files with one Mapping each."""
    return {f"{number}.yaml": mapping(f"m{number}", f"/{number}/") for number in range(count)}


def hearing(loop: Loop, published: Callable[[], Published]) -> Loop:
    """The same loop, told what the leader says."""
    loop.edges = replace(loop.edges, published=published)
    return loop


def leader(repository: Repository, place: Path) -> tuple[list[Standing], str]:
    """What a leader said after it applied twelve Mappings, and refused to delete half of them; and of which plan."""
    words: list[Standing] = []
    repository.commit(many(12))
    with on_repository(repository.path, place / "state", f"files:{place / 'out'}") as loop:
        loop.edges = replace(loop.edges, publish=lambda word: words.append(unpack(pack(word))))
        reconcile(loop, Decision.APPLIED)
        repository.commit(dict.fromkeys(list(many(6))))
        refused = reconcile(loop, Decision.REFUSED)
        assert loop.once().quiet
    assert refused.plan is not None
    return words, refused.plan.digest


def test_who_starts_with_nothing_refuses_what_the_leader_refuses(tmp_path: Path) -> None:
    """Until the leader changes its mind, or nobody leads any more; the past of the others is no reason to forget it."""
    repository = Repository.create(tmp_path / "repository")
    words, _ = leader(repository, tmp_path / "leader")
    served_there, refusing = words[0], words[-1]
    assert (served_there.routes, served_there.refused) == (12, None)
    assert refusing.refused is not None
    assert (refusing.revision, refusing.routes, refusing.refused.reason) == (served_there.revision, 12, "UnsafePlan")
    heard: list[Published] = [refusing]
    with on_repository(repository.path, tmp_path / "new", f"files:{tmp_path / 'out'}") as loop:
        hearing(loop, lambda: heard[-1])
        refused = reconcile(loop, Decision.REFUSED)
        assert refused.reason == "RefusedByLeader"
        assert "6 of 12 routes would be gone" in refused.message
        assert "12 routes" in refused.message
        assert served(loop) == {}
        assert loop.once().quiet
        heard.append(None)
        reconcile(loop, Decision.APPLIED)
        assert len(served(loop)) == 6


def test_who_is_asked_for_that_plan_applies_it_anew_too(tmp_path: Path) -> None:
    """The digest that a person gives to the leader is as good for one who starts with nothing."""
    repository = Repository.create(tmp_path / "repository")
    words, digest = leader(repository, tmp_path / "leader")
    target = f"files:{tmp_path / 'out'}"
    with on_repository(repository.path, tmp_path / "new", target, allow_plan=digest) as loop:
        reconcile(hearing(loop, lambda: words[-1]), Decision.APPLIED)


def test_another_revision_is_not_refused_with_it(tmp_path: Path) -> None:
    """What the leader refuses is one revision, and who serves something compares by itself."""
    repository = Repository.create(tmp_path / "repository")
    words, _ = leader(repository, tmp_path / "leader")
    refusing = words[-1]
    assert refusing.refused is not None
    other = replace(refusing, refused=replace(refusing.refused, revision=Revision("main", "f" * 40)))
    with on_repository(repository.path, tmp_path / "new", f"files:{tmp_path / 'out'}") as loop:
        reconcile(hearing(loop, lambda: other), Decision.APPLIED)
        hearing(loop, lambda: refusing)
        assert loop.once().quiet
