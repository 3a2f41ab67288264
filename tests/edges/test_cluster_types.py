"""That a server knows no such type is believed only of an API server that says which groups it has."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.cluster import Cluster, ObjectType, connect
from reconciler.model.errors import ReconcileError
from reconciler.sources.cluster import ClusterReading, ClusterSource
from tests.support.scripted_api import Said, ScriptedApi, scripted
from tests.support.waiting import eventually

MAPPINGS = ObjectType("getambassador.io", "v3alpha1", "mappings", "Mapping")
BACKEND = Said(b"default backend - 404", status=404)
UNKNOWN_PATH = Said(b"404 page not found\n", status=404)
STATUS = Said(b'{"kind": "Status", "apiVersion": "v1", "code": 404, "reason": "NotFound"}', status=404)


def said(**body: object) -> Said:
    """An answer of an object."""
    return Said(json.dumps(body).encode())


def groups(*versions: str) -> Said:
    """A list of groups."""
    found = [{"name": group, "versions": [{"version": version}]} for group, version in (v.split("/") for v in versions)]
    return said(kind="APIGroupList", apiVersion="v1", groups=found)


def types(of: str, *names: str) -> Said:
    """A list of types."""
    return said(kind="APIResourceList", groupVersion=of, resources=[{"name": name} for name in names])


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own proxies."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def script() -> Iterator[ScriptedApi]:
    """Something that answers as its test tells it to."""
    with scripted() as found:
        yield found


@pytest.fixture
def door(script: ScriptedApi, tmp_path: Path) -> Iterator[Cluster]:
    """The way to it; impatient."""
    cluster = connect(script.settings(tmp_path, request_s=2.0, patience_s=0.1))
    assert cluster
    yield cluster
    cluster.close()


@pytest.mark.parametrize("missing", [UNKNOWN_PATH, STATUS, BACKEND], ids=["path", "status", "backend"])
def test_a_group_that_no_list_of_groups_has_is_not_known(door: Cluster, script: ScriptedApi, missing: Said) -> None:
    """However it is said that it is missing: what counts is the list of what is there."""
    script.answers[:] = [missing, groups("apps/v1", "getambassador.io/v2")]
    assert door.served(MAPPINGS) == frozenset()


@pytest.mark.parametrize("missing", [UNKNOWN_PATH, STATUS, BACKEND], ids=["path", "status", "backend"])
@pytest.mark.parametrize(
    "listing",
    [
        BACKEND,
        STATUS,
        Said(b"<html>Please log in</html>"),
        said(),
        groups(),
        said(kind="APIGroupList", groups=[3]),
        said(kind="List", groups=[{"name": "apps"}]),
        groups("apps/v1", "getambassador.io/v3alpha1"),
    ],
    ids=["backend", "status", "page", "nothing", "no-groups", "number", "another-list", "known"],
)
def test_what_only_somebody_in_between_says_is_not_believed(
    door: Cluster, script: ScriptedApi, missing: Said, listing: Said
) -> None:
    """A proxy, or a server that is not ready yet: it is not known whether the type is."""
    script.answers[:] = [missing, listing]
    with pytest.raises(ReconcileError):
        door.served(MAPPINGS)


@pytest.mark.parametrize(
    "answer",
    [
        said(),
        said(kind="APIResourceList", resources=[]),
        types("apps/v1", "mappings"),
        said(kind="APIResourceList", groupVersion="getambassador.io/v3alpha1", resources="x"),
    ],
    ids=["nothing", "no-version", "of-another", "text"],
)
def test_what_is_no_list_of_types_is_not_empty(door: Cluster, script: ScriptedApi, answer: Said) -> None:
    """Else a page in JSON would say that there is none."""
    script.answers[:] = [answer]
    with pytest.raises(ReconcileError):
        door.served(MAPPINGS)


def test_types_are_those_of_the_list(door: Cluster, script: ScriptedApi) -> None:
    """One group may have some types and not others; null stands for none."""
    script.answers[:] = [types("getambassador.io/v3alpha1", "mappings", "mappings/status")]
    assert door.serves(MAPPINGS)
    script.answers[:] = [types("getambassador.io/v3alpha1", "hosts")]
    assert not door.serves(MAPPINGS)
    script.answers[:] = [said(kind="APIResourceList", groupVersion="getambassador.io/v3alpha1", resources=None)]
    assert not door.serves(MAPPINGS)


@pytest.mark.parametrize("answer", [BACKEND, STATUS], ids=["backend", "status"])
def test_behind_a_proxy_that_lost_the_server_nothing_is_known(door: Cluster, script: ScriptedApi, answer: Said) -> None:
    """At the start it does not count as a cluster without objects, else what was served would be deleted."""
    script.answers[:] = [answer]
    reading = ClusterReading(annotations=False, custom_resources=True)
    source = ClusterSource(door, reading, lambda: None, kinds_every_s=0.01)
    source.start()
    try:
        eventually(lambda: len(script.asked) > 6 and bool(source.view().failure), what="several rounds")
        assert not source.view().synced
    finally:
        source.close()
