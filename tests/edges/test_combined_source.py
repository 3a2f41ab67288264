"""A repository and a cluster as one source: real git, and a cluster that says what the test wants it to."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.model.decision import Trigger
from reconciler.model.digest import digest_bytes
from reconciler.model.errors import ReconcileError, Transient
from reconciler.model.problem import Code
from reconciler.model.provenance import ObjectTouch, object_path
from reconciler.model.source import ClusterObject, ObjectOp, Realm, Revision, SourceFile, SourceSnapshot
from reconciler.sources import CombinedSource, Patience, Source
from reconciler.sources.cluster import ClusterView
from tests.support.controllers import mapping
from tests.support.repositories import Repository, local_source
from tests.support.waiting import eventually

CREATED = datetime(2024, 1, 1, tzinfo=UTC)
LONG = Patience(poll_s=3600, start_s=0.2)


@dataclass
class Told:
    """A cluster that holds what it was told."""

    now: ClusterView = field(default_factory=ClusterView.nothing)
    closed: bool = False

    @property
    def describe(self) -> str:
        return "a cluster"

    def view(self) -> ClusterView:
        return self.now

    def close(self) -> None:
        self.closed = True

    def annotate(self, name: str, text: str | None) -> str:
        """Puts an annotation on a Service, or takes the Service away."""
        path = object_path("Service", "default", name)
        files, tree = dict(self.now.files), self.now.tree
        if text is None:
            del files[path]
            tree = tree.with_changes([path], {})
        else:
            blob = digest_bytes(text.encode())
            touch = ObjectTouch(f"uid-{name}", str(self.now.generation + 1), "kubectl", CREATED)
            files[path] = SourceFile(path, blob, text.encode(), object=ClusterObject("default", touch, annotated=True))
            tree = tree.with_changes([], {path: blob})
        self.now = ClusterView(files, tree.digest.removeprefix("sha256:"), True, self.now.generation + 1, tree=tree)
        return path


@dataclass
class Stubborn:
    """A repository that answers when it may, and how it is told."""

    source: Source
    may: threading.Event = field(default_factory=threading.Event)
    asked: int = 0
    failure: ReconcileError | None = None

    @property
    def describe(self) -> str:
        return self.source.describe

    def fetch(self, previous: Revision | None, trigger: Trigger = Trigger.NEW_REVISION) -> SourceSnapshot:
        self.asked += 1
        assert self.may.wait(20)
        if self.failure is not None:
            raise self.failure
        return self.source.fetch(previous, trigger)

    def close(self) -> None:
        self.source.close()


@dataclass
class World:
    repository: Repository
    git: Stubborn
    cluster: Told
    source: CombinedSource
    woken: list[Trigger]

    def commit(self, prefix: str) -> None:
        self.repository.commit({"a.yaml": mapping("a", prefix)})


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A repository with one Mapping and a cluster that has not answered yet."""
    return _world(tmp_path, LONG)


def _world(tmp_path: Path, patience: Patience) -> World:
    repository = Repository.create(tmp_path / "repository")
    repository.commit({"a.yaml": mapping("a", "/a/")})
    git, cluster, woken = Stubborn(local_source(repository.path, tmp_path / "clone")), Told(), list[Trigger]()
    git.may.set()
    return World(repository, git, cluster, CombinedSource(git, cluster, patience, woken.append), woken)


def paths(snapshot: SourceSnapshot) -> list[str]:
    return [file.path for file in snapshot.files]


def in_background(call: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


def test_both_are_in_one_snapshot_and_its_revision_names_both(world: World) -> None:
    """Files come sorted by path, each with what it stands for; the revision survives being written down."""
    service = world.cluster.annotate("web", "one")
    snapshot = world.source.fetch(None)
    assert paths(snapshot) == ["a.yaml", service]
    assert snapshot.revision == Revision("main", world.repository.head, world.cluster.now.digest)
    assert Revision.parse(str(snapshot.revision)) == snapshot.revision
    assert snapshot.commit is not None
    assert world.source.fetch(None) is snapshot


def test_a_change_in_the_cluster_is_told_while_the_repository_hangs(world: World) -> None:
    """The commit is not named as its cause; what differs is."""
    world.cluster.annotate("web", "one")
    first = world.source.fetch(None)
    world.git.may.clear()
    polling = in_background(lambda: world.source.fetch(first.revision))
    eventually(lambda: world.git.asked == 2, what="a poll")
    service = world.cluster.annotate("web", "two")
    world.source.cluster_changed()
    polling.join(20)
    assert not polling.is_alive()
    assert world.woken == [Trigger.ANNOTATION_CHANGED]
    second = world.source.fetch(first.revision, Trigger.ANNOTATION_CHANGED)
    file = second.file(service)
    assert file is not None
    assert file.content == b"two"
    assert (second.commit, second.commits_in_range, second.fast_forward) == (None, (), True)
    assert [(change.path, change.op) for change in second.objects] == [(service, ObjectOp.CHANGED)]
    assert second.delta is not None
    assert second.delta.paths == (service,)
    world.git.may.set()
    eventually(lambda: Trigger.NEW_REVISION in world.woken, what="the late answer to be told")
    assert world.source.fetch(first.revision, Trigger.ANNOTATION_CHANGED).revision == second.revision


def test_a_commit_is_told_while_the_cluster_says_nothing_new(world: World) -> None:
    """The delta names the file alone, and no object is named as a cause."""
    world.cluster.annotate("web", "one")
    first = world.source.fetch(None)
    world.cluster.now = replace(world.cluster.now, failure="connection refused", stale_s=99)
    world.commit("/b/")
    second = world.source.fetch(first.revision)
    assert second.commit is not None
    assert second.commit.sha == world.repository.head
    assert second.delta is not None
    assert (second.delta.paths, second.objects) == (("a.yaml",), ())
    assert second.fast_forward is True


def test_the_repository_is_left_alone_while_only_the_cluster_changes(tmp_path: Path) -> None:
    """It is asked again by the clock, not by every annotation."""
    world = _world(tmp_path, LONG)
    world.cluster.annotate("web", "0")
    revision = world.source.fetch(None).revision
    for number in range(1, 5):
        world.cluster.annotate("web", str(number))
        revision = world.source.fetch(revision, Trigger.ANNOTATION_CHANGED).revision
    assert world.git.asked == 1
    often = _world(tmp_path / "often", Patience(poll_s=0, start_s=1))
    often.cluster.annotate("web", "0")
    revision = often.source.fetch(None).revision
    often.source.fetch(revision, Trigger.ANNOTATION_CHANGED)
    eventually(lambda: often.git.asked == 2, what="a poll that is due")


def test_nothing_is_told_before_both_have_answered_where_nothing_is_served(world: World) -> None:
    """A table without the routes of the cluster must not take them from Envoys that have them."""
    with pytest.raises(Transient) as caught:
        world.source.fetch(None)
    assert caught.value.reason == "ClusterNotRead"
    world.cluster.annotate("web", "one")
    assert world.source.fetch(None).dark == frozenset()


def test_where_something_is_served_a_dark_cluster_keeps_no_commit_waiting(world: World) -> None:
    """What is not known is said to be dark, and ends being dark with the first answer."""
    earlier = Revision("main", world.repository.head, "0" * 64)
    world.commit("/b/")
    snapshot = world.source.fetch(earlier)
    assert snapshot.dark == {Realm.CLUSTER}
    assert [problem.code for problem in snapshot.problems] == [Code.SOURCE_DARK]
    assert snapshot.revision == Revision("main", world.repository.head, "0" * 64)  # what is served of the cluster
    service = world.cluster.annotate("web", "one")
    after = world.source.fetch(snapshot.revision, Trigger.ANNOTATION_CHANGED)
    assert (paths(after), after.dark, after.problems, after.delta) == (["a.yaml", service], frozenset(), (), None)


def test_a_dark_repository_keeps_no_annotation_waiting_where_something_is_served(world: World) -> None:
    """Its failure is told once the cluster has nothing new to say."""
    earlier = Revision("main", world.repository.head, "0" * 64)
    world.git.failure = Transient("GitUnreachable", "no route to host")
    service = world.cluster.annotate("web", "one")
    snapshot = world.source.fetch(earlier)
    assert (paths(snapshot), snapshot.dark) == ([service], frozenset({Realm.GIT}))
    assert snapshot.revision == replace(earlier, cluster=world.cluster.now.digest)  # the commit is served as before
    with pytest.raises(Transient, match="no route to host"):
        world.source.fetch(snapshot.revision)
    with pytest.raises(Transient, match="no route to host"):
        world.source.fetch(None)
    world.git.failure = None
    assert world.source.fetch(snapshot.revision).dark == frozenset()


def test_half_of_it_is_never_told_where_nothing_is_served(world: World) -> None:
    """The repository failed, and then the cluster has news: its routes alone would take those of files from Envoys."""
    world.git.failure = Transient("GitUnreachable", "no route to host")
    world.cluster.annotate("web", "one")
    for trigger in (Trigger.STARTUP, Trigger.ANNOTATION_CHANGED, Trigger.ANNOTATION_CHANGED):
        with pytest.raises(Transient, match="no route to host"):
            world.source.fetch(None, trigger)
        world.cluster.annotate("web", f"after {trigger}")
    world.git.failure = None
    assert len(paths(world.source.fetch(None))) == 2


def test_objects_that_were_listed_wait_for_those_that_were_not(world: World) -> None:
    """Half a cluster is none: what of it is known is not served until all is."""
    world.cluster.annotate("web", "one")
    world.cluster.now = replace(world.cluster.now, synced=False)
    earlier = Revision("main", world.repository.head, "0" * 64)
    snapshot = world.source.fetch(earlier)
    assert (paths(snapshot), snapshot.dark) == (["a.yaml"], frozenset({Realm.CLUSTER}))


def test_a_repository_that_fails_is_told_while_the_cluster_changes(world: World) -> None:
    """As a finding: else nobody would hear of it as long as there is always something new."""
    world.cluster.annotate("web", "one")
    revision = world.source.fetch(None).revision
    world.git.failure = Transient("GitUnreachable", "no route to host")
    world.cluster.annotate("web", "two")
    told = world.source.fetch(revision, Trigger.NEW_REVISION)
    if not told.problems:  # the cluster was quicker than the failure
        eventually(lambda: Trigger.NEW_REVISION in world.woken, what="the failure")
        world.cluster.annotate("web", "three")
        told = world.source.fetch(revision, Trigger.ANNOTATION_CHANGED)
    assert [problem.code for problem in told.problems] == [Code.SOURCE_STALE]
    assert "no route to host" in told.problems[0].message


def test_nothing_is_waited_for_when_the_process_is_to_end(world: World) -> None:
    """A forge that hangs does not hold up the end of a Pod."""
    world.git.may.clear()
    source = CombinedSource(world.git, world.cluster, LONG, world.woken.append, lambda: True)
    with pytest.raises(Transient) as caught:
        source.fetch(None)
    assert caught.value.reason == "Ending"
    world.git.may.set()


def test_a_service_that_went_is_told_and_its_file_is_gone(world: World) -> None:
    """Against the revision before, also when several snapshots lie between."""
    world.cluster.annotate("one", "one")
    gone = world.cluster.annotate("two", "two")
    applied = world.source.fetch(None).revision
    world.cluster.annotate("two", None)
    world.source.fetch(applied, Trigger.ANNOTATION_CHANGED)
    added = world.cluster.annotate("three", "three")
    snapshot = world.source.fetch(applied, Trigger.ANNOTATION_CHANGED)
    assert {change.path: change.op for change in snapshot.objects} == {gone: ObjectOp.REMOVED, added: ObjectOp.ADDED}
    assert gone not in paths(snapshot)


def test_a_cluster_alone_needs_no_repository() -> None:
    """The revision then names the cluster only, and reads back."""
    cluster = Told()
    source = CombinedSource(None, cluster, LONG, lambda _trigger: None)
    service = cluster.annotate("web", "one")
    snapshot = source.fetch(None)
    assert (paths(snapshot), snapshot.commit) == ([service], None)
    assert Revision.parse(str(snapshot.revision)) == snapshot.revision == Revision("", "", cluster.now.digest)
    source.close()
    assert cluster.closed
