"""A bug that one object of a cluster brings to light takes nothing from anybody, and ends no watch."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler.cluster import Pace, connect
from reconciler.model.limits import Limits
from reconciler.sources.cluster import ClusterReading, ClusterSource, ClusterView
from reconciler.sources.cluster.facts import Body
from reconciler.sources.cluster.holding import Holding
from reconciler.sources.cluster.reduction import IngressRules, Input, Reduced, reduce_ingress, reduced, rules_input
from tests.support.scripted_api import page, scripted
from tests.support.waiting import eventually

READING = ClusterReading(annotations=True, ingresses=True)
PATHS = {name: f"cluster://Ingress/shop/{name}" for name in ("good", "bad")}


def ingress(name: str) -> dict[str, Any]:
    """An Ingress with an annotation and rules."""
    metadata = {"namespace": "shop", "name": name, "uid": name, "resourceVersion": "1"}
    annotations = {"getambassador.io/config": "kind: Mapping"}
    spec = {"ingressClassName": "reconciler", "defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}
    return {"metadata": metadata | {"annotations": annotations}, "spec": spec}


def failing(body: Body) -> Reduced | None:
    """Keeps what is kept of an Ingress, but of one."""
    metadata = body["metadata"]
    assert isinstance(metadata, dict)
    if metadata["name"] == "bad":
        raise KeyError("topsecret")
    return reduce_ingress(body, READING)


def both(reduce: Callable[[Body], Reduced | None]) -> dict[tuple[str, str], Reduced]:
    """Two Ingresses as a reflector would give them."""
    kept = {("shop", name): reduced(ingress(name), "Ingress", reduce) for name in PATHS}
    return {key: one for key, one in kept.items() if one is not None}


def view(holding: Holding) -> ClusterView:
    """What is known."""
    return holding.view(synced=True, failure="", stale_s=0.0)


def test_an_object_that_can_not_be_read_is_not_taken_for_gone() -> None:
    """It is told of, without its words, and all that it may have stood for is kept as it was; the other is there."""
    holding = Holding(Limits())
    assert holding.put("Ingress", both(failing))
    found = view(holding)
    assert set(found.refused) == {PATHS["bad"], PATHS["bad"] + "/spec"}
    assert set(found.files) == {PATHS["good"], PATHS["good"] + "/spec"}
    assert all("KeyError" in problem.message for problem in found.problems)
    assert "topsecret" not in str(found.problems)
    assert holding.put("Ingress", both(lambda body: reduce_ingress(body, READING)))
    assert not view(holding).refused
    assert len(view(holding).files) == 4


def test_rules_that_can_not_be_read_keep_no_others_from_being_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The annotation of the same Ingress among them."""

    def breaking(rules: IngressRules, ports: Callable[[str], Mapping[str, int]], limits: Limits) -> Input:
        if rules.head["name"] == "bad":
            raise RecursionError("x")
        return rules_input(rules, ports, limits)

    monkeypatch.setattr("reconciler.sources.cluster.ports.rules_input", breaking)
    holding = Holding(Limits())
    holding.put("Ingress", both(lambda body: reduce_ingress(body, READING)))
    assert set(view(holding).refused) == {PATHS["bad"] + "/spec"}
    assert set(view(holding).files) == {PATHS["good"], PATHS["good"] + "/spec", PATHS["bad"]}


def test_what_could_not_be_taken_is_taken_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nobody would look at it again before it changes."""
    holding, objects = Holding(Limits()), both(lambda body: reduce_ingress(body, READING))

    def breaking(*_given: object) -> None:
        raise KeyError("x")

    with monkeypatch.context() as broken:
        broken.setattr(Holding, "_resolve", breaking)
        with pytest.raises(KeyError):
            holding.put("Ingress", objects)
    assert holding.put("Ingress", objects)
    assert len(view(holding).files) == 4


@pytest.mark.parametrize("custom", [False, True], ids=["by-a-watch", "by-the-kinds"])
def test_who_could_not_be_told_is_told_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, custom: bool) -> None:
    """Of everything having been read, which comes once; whichever thread it is that has to tell."""
    calls: list[bool] = []
    fails = [True]

    def tell() -> None:
        calls.append(fails[0])
        if fails[0]:
            raise KeyError("x")

    reading = ClusterReading(annotations=not custom, custom_resources=custom)
    with scripted(page("a")) as script:
        cluster = connect(script.settings(tmp_path, request_s=2.0, patience_s=0.1))
        assert cluster
        if custom:
            monkeypatch.setattr(cluster, "served", lambda _like: frozenset())
        pace = Pace(retry_s=0.02, retry_cap_s=0.05)
        source = ClusterSource(cluster, reading, tell, pace, kinds_every_s=0.02)
        source.start()
        eventually(lambda: calls)
        eventually(lambda: "InternalError: KeyError" in source.view().failure)
        fails[0] = False
        eventually(lambda: False in calls)
        assert source.view().synced
        source.close()
        cluster.close()
