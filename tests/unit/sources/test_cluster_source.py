"""When a cluster counts as read: not before everything that was listed has arrived, and not a second time unread."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from reconciler.cluster import Cluster, Copy, ObjectKey, ObjectType, Scope
from reconciler.cluster.attempts import Absent
from reconciler.model.errors import Transient
from reconciler.sources.cluster import ClusterReading, ClusterSource
from reconciler.sources.cluster import source as module
from reconciler.sources.cluster.facts import Body
from reconciler.sources.cluster.kinds import ServedKinds
from reconciler.sources.cluster.reduction import Reduced
from tests.support.waiting import eventually


class Listed:
    """Stands in for a reflector: it has listed as soon as it is told to, and tells only when it is told to.

    A real one has a moment between the two, which no test can catch it in.
    """

    all: list["Listed"] = []  # noqa: RUF012 - emptied by the fixture

    def __init__(
        self,
        _cluster: Cluster,
        kind: ObjectType,
        reduce: Callable[[Body], Reduced | None],
        on_change: Callable[[], None],
        _scope: Scope,
        _pace: object,
    ) -> None:
        self.kind, self.reduce, self.tell = kind, reduce, on_change
        self.objects: dict[ObjectKey, Reduced] = {}
        self.synced = self.answered = False
        self.stale_s = 0.0
        self.closed = False
        Listed.all.append(self)

    def list(self, *bodies: dict[str, Any]) -> None:
        """It holds these from now on."""
        self.synced = self.answered = True
        reduced = {("shop", body["metadata"]["name"]): self.reduce(body) for body in bodies}
        self.objects = {key: one for key, one in reduced.items() if one is not None}

    def copy(self) -> Copy[Reduced]:
        """What it holds."""
        return Copy(self.objects, self.synced, 0, "", self.stale_s, self.answered)

    def start(self) -> None:
        """Nothing runs."""

    def close(self) -> None:
        """Nothing runs."""
        self.closed = True

    def end(self) -> None:
        """Nothing runs."""
        self.closed = True

    def join(self, seconds: float) -> None:
        """Nothing runs."""


class Knowing(Cluster):
    """Stands in for an API server: it knows types, by group and version, and how many rounds it was asked."""

    def __init__(self, **types: str) -> None:
        self.types = {version: frozenset(names.split()) for version, names in types.items()}
        self.rounds = 0
        self.goes_on = threading.Event()
        self.bug: Exception | None = None

    def served(self, like: ObjectType) -> frozenset[str]:
        """What it knows; the second round and those after it wait until told to go on."""
        if like.group == "getambassador.io" and like.version == "v3alpha1":
            self.rounds += 1
            if self.rounds > 1:
                assert self.goes_on.wait(10)
            if self.bug is not None:
                raise self.bug
        return self.types.get(like.version, frozenset()) if like.group == "getambassador.io" else frozenset()


@contextmanager
def following(cluster: Knowing, told: list[str]) -> Iterator[ClusterSource]:
    """A source that reads custom resources alone, until left."""
    reading = ClusterReading(annotations=False, custom_resources=True)
    source = ClusterSource(cluster, reading, lambda: told.append("changed"), kinds_every_s=0.01)
    source.start()
    try:
        yield source
    finally:
        cluster.goes_on.set()
        source.close()


def rounds(cluster: Knowing, count: int = 5) -> None:
    """Waits until the server was asked some more times, and all of that has come of it that comes of it."""
    enough = cluster.rounds + count
    eventually(lambda: cluster.rounds >= enough, what="the server to be asked again")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows each time that a source tells of a change."""
    monkeypatch.setattr(module, "Reflector", Listed)
    Listed.all.clear()
    return []


def _source(told: list[str]) -> ClusterSource:
    cluster = Cluster.__new__(Cluster)  # nobody asks it anything
    found = ClusterSource(cluster, ClusterReading(), lambda: told.append("changed"))
    found.start()
    return found


def _service(name: str) -> dict[str, Any]:
    text = "apiVersion: ambassador/v1\nkind: Mapping\nname: a\nprefix: /a/\nservice: a\n"
    metadata = {"name": name, "namespace": "shop", "annotations": {"getambassador.io/config": text}}
    return {"kind": "Service", "metadata": metadata}


def test_what_was_listed_counts_when_it_has_arrived(told: list[str]) -> None:
    """Else the cluster would look empty for a moment, and what is served from there would be deleted."""
    source = _source(told)
    services, ingresses = Listed.all
    services.list(_service("a"))
    ingresses.list()
    assert not source.view().synced
    ingresses.tell()
    assert not source.view().synced
    services.tell()
    view = source.view()
    assert (view.synced, len(view.files)) == (True, 1)
    assert told == ["changed"]


def test_an_empty_cluster_is_told_of_once(told: list[str]) -> None:
    """That nothing is there is news the first time, and another generation than that nothing is known."""
    source = _source(told)
    unknown = source.view().generation
    for each in Listed.all:
        each.list()
        each.tell()
    assert told == ["changed"]
    view = source.view()
    assert (view.synced, view.files) == (True, {})
    assert view.generation > unknown
    Listed.all[0].tell()
    assert told == ["changed"]


def test_without_anything_to_read_it_is_read(told: list[str]) -> None:
    """Settings that read nothing leave nothing to wait for."""
    nothing = ClusterReading(annotations=False)
    source = ClusterSource(Cluster.__new__(Cluster), nothing, lambda: None)
    source.start()
    assert Listed.all == []
    assert source.view().synced
    assert told == []


def test_one_answer_that_no_kind_is_known_is_not_enough_at_the_start(told: list[str]) -> None:
    """It may be that of a server that does not know them yet: what was served would be deleted."""
    cluster = Knowing()
    with following(cluster, told) as source:
        eventually(lambda: cluster.rounds == 2, what="the second round")
        assert not source.view().synced
        cluster.goes_on.set()
        eventually(lambda: source.view().synced, what="the second answer to count")
        assert told == ["changed"]


def test_a_kind_that_is_told_of_is_never_forgotten(told: list[str]) -> None:
    """However often something says that it is not known, as long as its own watch hears of it."""
    cluster = Knowing(v3alpha1="mappings")
    cluster.goes_on.set()
    with following(cluster, told) as source:
        eventually(lambda: bool(Listed.all), what="the kind to be followed")
        (mappings,) = Listed.all
        mappings.list({"metadata": {"name": "a", "namespace": "shop"}, "apiVersion": "getambassador.io/v3alpha1"})
        mappings.tell()
        eventually(lambda: source.view().synced, what="all to be read")
        mappings.stale_s = 500.0  # well within a watch
        cluster.types = {}
        rounds(cluster)
        assert len(source.view().files) == 1
        mappings.answered = False
        eventually(lambda: source.view().files == {} and mappings.closed, what="the kind to be forgotten")


def test_an_older_version_is_followed_only_when_it_is_certain(told: list[str]) -> None:
    """Not after one answer, nor as long as the newer one is told of; a newer one is, at once."""
    cluster = Knowing(v3alpha1="mappings", v2="mappings")
    cluster.goes_on.set()
    with following(cluster, told):
        eventually(lambda: len(Listed.all) == 1, what="the kind to be followed")
        newest = Listed.all[0]
        newest.list()
        newest.tell()
        del cluster.types["v3alpha1"]
        rounds(cluster)
        assert [one.kind.version for one in Listed.all] == ["v3alpha1"]
        newest.answered, newest.stale_s = False, 500.0
        eventually(lambda: len(Listed.all) == 2, what="the older one to be followed")
        Listed.all[1].list()
        Listed.all[1].tell()
        cluster.types["v3alpha1"] = frozenset({"mappings"})
        eventually(lambda: len(Listed.all) == 3, what="the newer one to be followed again")
        assert [one.kind.version for one in Listed.all] == ["v3alpha1", "v2", "v3alpha1"]


@pytest.mark.parametrize("bug", [Absent(), KeyError("surprise"), Transient("ClusterBusy", "later")])
def test_kinds_are_looked_for_whatever_went_wrong_before(told: list[str], bug: Exception) -> None:
    """It is told, and over with the next answer."""
    cluster = Knowing(v3alpha1="mappings")
    cluster.bug = bug
    with following(cluster, told) as source:
        eventually(lambda: bool(source.view().failure), what="the failure to be told")
        assert not source.view().synced
        cluster.bug = None
        cluster.goes_on.set()
        eventually(lambda: bool(Listed.all) and not source.view().failure, what="the kind to be followed")


def kinds_of(**types: str) -> Callable[[ObjectType], frozenset[str]]:
    """What a server says that knows these Mappings, by version."""
    return lambda like: frozenset(types.get(like.version, "").split())


def test_what_gets_less_is_believed_when_it_was_said_twice_in_a_row() -> None:
    """None, an older version, at the start and later; one answer in between begins anew."""
    both, old, nothing = kinds_of(v3alpha1="mappings", v2="mappings"), kinds_of(v2="mappings"), kinds_of()
    mappings = "getambassador.io", "mappings", "Mapping"
    kinds = ServedKinds()

    def heard(served: Callable[[ObjectType], frozenset[str]]) -> str:
        found = kinds.ask(served).get(mappings, "unknown")
        return found if isinstance(found, str) else found.version if found else "none"

    says = (old, nothing, old, old, both, old, nothing, both, old, old, nothing, nothing, both)
    believed = ["unknown"] * 3 + ["v2"] + ["v3alpha1"] * 5 + ["v2"] * 2 + ["none", "v3alpha1"]
    assert [heard(each) for each in says] == believed
    assert kinds.certain
