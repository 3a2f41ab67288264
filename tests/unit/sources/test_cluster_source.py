"""When a cluster counts as read: not before everything that was listed has arrived, and not a second time unread."""

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.cluster import Cluster, Copy, ObjectKey, ObjectType, Scope
from reconciler.sources.cluster import ClusterReading, ClusterSource
from reconciler.sources.cluster import source as module
from reconciler.sources.cluster.facts import Body
from reconciler.sources.cluster.reduction import Reduced


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
        self.synced = False
        Listed.all.append(self)

    def list(self, *bodies: dict[str, Any]) -> None:
        """It holds these from now on."""
        self.synced = True
        reduced = {("shop", body["metadata"]["name"]): self.reduce(body) for body in bodies}
        self.objects = {key: one for key, one in reduced.items() if one is not None}

    def copy(self) -> Copy[Reduced]:
        """What it holds."""
        return Copy(self.objects, self.synced, 0)

    def start(self) -> None:
        """Nothing runs."""

    def close(self) -> None:
        """Nothing runs."""


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
