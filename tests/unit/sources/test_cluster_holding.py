"""What is known of a cluster is kept at the cost of what changes, and is what a fresh reading gives."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.cluster import ObjectKey
from reconciler.model.limits import Limits
from reconciler.model.source import ObjectOp
from reconciler.sources.cluster import ClusterReading, ClusterView, shares
from reconciler.sources.cluster.holding import Holding
from reconciler.sources.cluster.reduction import Reduced, reduce_ingress, reduce_service
from tests.support.cluster_objects import view_of

READING = ClusterReading(annotations=True, ingresses=True)


def head(kind: str, name: str, version: int, text: str = "", **more: Any) -> dict[str, Any]:
    """The metadata of an object."""
    annotations = {"getambassador.io/config": text} if text else {}
    created = "2026-03-01T08:00:00Z"
    metadata = {"name": name, "namespace": "shop", "uid": f"{kind}-{name}", "creationTimestamp": created}
    return metadata | {"resourceVersion": str(version), "annotations": annotations} | more


def service(name: str, version: int = 1, text: str = "", port: int = 80, **more: Any) -> dict[str, Any]:
    """A Service with an annotation and a port."""
    spec = {"ports": [{"name": "http", "port": port}]}
    return {"kind": "Service", "metadata": head("service", name, version, text, **more), "spec": spec}


def ingress(name: str, to: str, version: int = 1, text: str = "") -> dict[str, Any]:
    """An Ingress that sends everything to the port ``http`` of a Service."""
    backend = {"service": {"name": to, "port": {"name": "http"}}}
    spec = {"ingressClassName": "reconciler", "defaultBackend": backend}
    return {"kind": "Ingress", "metadata": head("ingress", name, version, text), "spec": spec}


def put(holding: Holding, *objects: dict[str, Any], reading: ClusterReading = READING) -> bool:
    """Takes all objects, as reflectors would give them; whether any file differs."""
    groups: dict[str, dict[ObjectKey, Reduced]] = {"Service": {}, "Ingress": {}}
    for body in objects:
        found = (
            reduce_service(body, reading, annotations=True, ports=True)
            if body["kind"] == "Service"
            else reduce_ingress(body, reading)
        )
        if found is not None:
            groups[body["kind"]][body["metadata"]["namespace"], body["metadata"]["name"]] = found
    differs = [holding.put(group, members) for group, members in groups.items()]
    return any(differs)


def view(holding: Holding) -> ClusterView:
    """What is known."""
    return holding.view(synced=True, failure="", stale_s=0.0)


_OBJECT = st.one_of(
    st.builds(
        service,
        st.sampled_from("abc"),
        st.integers(1, 9),
        st.sampled_from(["", "one", "two"]),
        st.sampled_from([80, 90]),
        uid=st.sampled_from(["u", "v"]),
        namespace=st.sampled_from(["shop", "pets"]),
        creationTimestamp=st.sampled_from(["2026-03-01T08:00:00Z", "2026-03-02T08:00:00Z", None]),
    ),
    st.builds(ingress, st.sampled_from("ab"), st.sampled_from("abc"), st.integers(1, 9), st.sampled_from(["", "one"])),
)
_STATES = st.lists(
    st.lists(
        _OBJECT,
        max_size=5,
        unique_by=lambda body: (body["kind"], body["metadata"]["namespace"], body["metadata"]["name"]),
    ),
    min_size=1,
    max_size=5,
)


_SHARES = st.sampled_from(
    [Limits(), *(Limits(max_namespace_files=n) for n in (1, 2, 3)), Limits(max_namespace_bytes=6)]
)


@given(_STATES, _SHARES)
@settings(max_examples=300, deadline=None)
def test_step_by_step_is_as_read_anew(states: list[list[dict[str, Any]]], limits: Limits) -> None:
    """Files, digest and differences after any steps are those of the last state, whatever was before."""
    holding, reading = Holding(limits), replace(READING, limits=limits)
    before = view(holding)
    for objects in states:
        differs = put(holding, *objects)
        with patch.object(shares, "_FEW", 0):
            anew = view_of(objects, reading)
        now = view(holding)
        assert {path: one.blob for path, one in now.refused.items()} == {
            path: one.blob for path, one in anew.refused.items()
        }
        assert now.digest == anew.digest
        contents = {path: (file.blob, file.content) for path, file in now.files.items()}
        assert contents == {path: (file.blob, file.content) for path, file in anew.files.items()}
        both = {**now.files, **now.refused}, {**before.files, **before.refused}
        changed = {path for path in {*both[0], *both[1]} if both[0].get(path) is not both[1].get(path)}
        assert {change.path for change in now.changes_since(before)} == changed
        assert differs == bool(changed) == (now.generation > before.generation)
        before = now


def test_a_write_that_says_the_same_leaves_the_file_as_it_was() -> None:
    """The very file stays, with the version in which this content was first seen."""
    holding = Holding(Limits())
    put(holding, service("a", 1, "text"))
    first = view(holding)
    assert not put(holding, service("a", 2, "text"))
    assert view(holding).files["cluster://Service/shop/a"] is first.files["cluster://Service/shop/a"]
    assert view(holding).digest == first.digest


def test_differences_name_what_became_of_each_object() -> None:
    """Added, changed and removed, each with the last write that is known."""
    holding = Holding(Limits())
    put(holding, service("changed", 1, "one"), service("removed", 2, "one"), service("same", 3, "one"))
    before = view(holding)
    put(holding, service("changed", 4, "two"), service("added", 5, "one"), service("same", 6, "one"))
    found = [(change.path, change.op, change.touch.resource_version) for change in view(holding).changes_since(before)]
    assert found == [
        ("cluster://Service/shop/added", ObjectOp.ADDED, "5"),
        ("cluster://Service/shop/changed", ObjectOp.CHANGED, "4"),
        ("cluster://Service/shop/removed", ObjectOp.REMOVED, "2"),
    ]
    assert view(holding).changes_since(view(holding)) == ()


def test_a_changed_port_changes_who_names_it() -> None:
    """The rules of an Ingress follow the Service whose port they name, also when that comes later or goes."""
    holding = Holding(Limits())
    seen = []
    for objects in ([], [service("b", port=1)], [service("b", port=2)], []):
        put(holding, ingress("x", "b"), *objects)
        seen.append(b'"number"' in view(holding).files["cluster://Ingress/shop/x/spec"].content)
    assert seen == [False, True, True, False]
    assert not put(holding, ingress("x", "b"), service("other", port=7))


def test_an_object_past_the_limit_quarantines_only_itself() -> None:
    """It is named with its reason, and the others are read."""
    small = ClusterReading(limits=Limits(max_file_bytes=10))
    holding = Holding(small.limits)
    put(holding, service("large", 1, "x" * 11), service("small", 2, "x"), reading=small)
    now = view(holding)
    assert list(now.files) == ["cluster://Service/shop/small"]
    assert list(now.refused) == ["cluster://Service/shop/large"]
    put(holding, service("large", 3, "x"), service("small", 2, "x"), reading=small)
    assert not view(holding).refused
    assert len(view(holding).files) == 2


@pytest.mark.parametrize("limits", [Limits(max_files=2), Limits(max_total_bytes=25)])
def test_past_the_limit_of_all_nothing_changes(limits: Limits) -> None:
    """What was known before stays, with the reason, until it is less again; at the start nothing is known."""
    holding = Holding(limits)
    many = [service(name, 1, "ten bytes!") for name in "abc"]
    put(holding, *many)
    assert not view(holding).synced
    put(holding, *many[:2])
    good = view(holding)
    assert (good.synced, good.failure, len(good.files)) == (True, "", 2)
    put(holding, *many)
    full = view(holding)
    assert full.synced
    assert full.failure
    assert (full.files, full.generation, full.digest) == (good.files, good.generation, good.digest)


def flood(count: int, text: str = "ten bytes!") -> list[dict[str, Any]]:
    """Services of one namespace, each younger than the one before."""
    made = [f"2026-03-01T08:{number // 60:02}:{number % 60:02}Z" for number in range(count)]
    return [service(f"f{n}", 1, text, namespace="flood", creationTimestamp=at) for n, at in enumerate(made)]


def names(found: Iterable[str]) -> list[str]:
    """Of the objects of some paths, sorted."""
    return sorted(path.rpartition("/")[2] for path in found)


@pytest.mark.parametrize(
    "limits",
    [Limits(max_namespace_files=3, max_files=5), Limits(max_namespace_bytes=35, max_total_bytes=60)],
    ids=["count", "bytes"],
)
def test_who_floods_a_namespace_harms_nobody_else(limits: Limits) -> None:
    """Its own newest objects are not read, its older ones and all others are, and others may change what they have."""
    holding = Holding(limits)
    put(holding, service("a", 1, "one"), *flood(200))
    seen = view(holding)
    assert (seen.synced, seen.failure) == (True, "")
    assert names(seen.files) == ["a", "f0", "f1", "f2"]
    assert len(seen.refused) == 197
    (problem,) = seen.problems
    assert str(problem).startswith("Namespace flood/flood: error [size-limit] the newest objects")
    put(holding, service("a", 2, "two"), *flood(400))
    assert view(holding).files["cluster://Service/shop/a"].content == b"two"
    assert names(view(holding).files) == ["a", "f0", "f1", "f2"]
    put(holding, service("a", 2, "two"), *flood(400)[1:])
    assert names(view(holding).files) == ["a", "f1", "f2", "f3"], "there is room for the next one"
    put(holding, service("a", 2, "two"), *flood(2))
    assert (names(view(holding).files), view(holding).refused) == (["a", "f0", "f1"], {})


def test_what_is_left_out_may_say_what_it_wants() -> None:
    """Writes to what is not read are no revision."""
    holding = Holding(Limits(max_namespace_files=2))
    put(holding, *flood(4))
    before = view(holding)
    assert not put(holding, *flood(2), *flood(4, "otherwise!")[2:])
    assert view(holding).digest == before.digest
    assert put(holding, *flood(2), *flood(5, "otherwise!")[2:])
    assert [change.path for change in view(holding).changes_since(before)] == ["cluster://Service/flood/f4"]
