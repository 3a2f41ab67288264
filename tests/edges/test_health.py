"""How the sources are, as metrics and readiness tell it."""

from dataclasses import replace
from pathlib import Path

from reconciler.model.decision import Decision, Trigger
from reconciler.model.health import Health, SourceHealth
from reconciler.sources import CombinedSource
from reconciler.sources.cluster import ClusterView
from reconciler.sources.combined import Patience
from reconciler.web import Metrics, StatusBoard
from tests.support.controllers import on_repository, reconcile
from tests.support.repositories import Repository, local_source


class Silent:
    """An API server that has never answered."""

    describe = "https://cluster.example.com"

    def view(self) -> ClusterView:
        """What is known of it."""
        return replace(ClusterView.nothing(), failure="no answer in time", stale_s=7.0)

    def close(self) -> None:
        """Nothing is open."""


def test_each_source_tells_how_it_is(tmp_path: Path) -> None:
    """A repository that was read beside a cluster that was not."""
    repository = Repository.create(tmp_path / "repository")
    first = repository.commit({"a.yaml": "", "b.yaml": ""})
    git = local_source(repository.path, tmp_path / "clone")
    source = CombinedSource(git, Silent(), Patience(60, start_s=1), lambda _trigger: None)
    before, cluster = source.health()
    assert (before.name, before.dark, before.objects) == ("git", True, 0)
    assert cluster == SourceHealth("cluster", 7.0, "no answer in time", dark=True, objects=0)
    previous = git.fetch(None).revision
    assert previous is not None
    assert previous.sha == first
    source.fetch(previous, Trigger.STARTUP)
    after, _ = source.health()
    assert (after.dark, after.failure, after.objects) == (False, "", 2)
    assert after.stale_s < 60
    source.close()


def test_metrics_and_readiness_say_it(tmp_path: Path) -> None:
    """By source; counters only grow, and readiness hangs on none of it."""
    health = [Health((SourceHealth("cluster", 7.0, "no answer in time", True, 0),), 3, 1, True)]
    metrics = Metrics(lambda: 0, health=lambda: health[-1])
    lines = metrics.text().decode().splitlines()
    assert 'reconciler_source_stale_seconds{source="cluster"} 7.0' in lines
    assert 'reconciler_source_failing{source="cluster"} 1.0' in lines
    assert 'reconciler_source_dark{source="cluster"} 1.0' in lines
    assert 'reconciler_events_total{result="posted"} 3.0' in lines
    assert "reconciler_suspended 1.0" in lines
    assert "reconciler_pages_failing 0.0" in lines
    health.append(replace(health[0], posted=5))
    assert 'reconciler_events_total{result="posted"} 5.0' in metrics.text().decode().splitlines()
    board = StatusBoard(serving=True, health=lambda: health[-1])
    told = board.as_json()
    assert told["sources"] == [{"source": "cluster", "failure": "no answer in time", "dark": True, "staleSeconds": 7.0}]
    assert (told["serving"], told["suspended"]) == (True, True)


def test_a_failing_repository_is_not_heard(tmp_path: Path) -> None:
    """What is told of the source that is the only one."""
    repository = Repository.create(tmp_path / "repository")
    repository.commit({"a.yaml": ""})
    board = StatusBoard()
    with on_repository(repository.path, tmp_path / "state", "none") as loop:
        loop.report = board.record
        repository.path.rename(tmp_path / "away")
        reconcile(loop, Decision.FAILED)
        assert not board.heard
        (tmp_path / "away").rename(repository.path)
        loop.once()
        assert board.heard
