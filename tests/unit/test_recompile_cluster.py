"""Objects of a cluster that change cost what they change, and come to what a fresh compile comes to."""

from random import Random
from typing import Any

import pytest

from reconciler.compile import NOTHING, Options, compile_routes
from reconciler.model.source import Realm, Revision, SourceFile, SourceSnapshot
from reconciler.recompile import Memory, recompile
from reconciler.resources import load_files
from reconciler.sources.cluster import ClusterReading
from tests.support.cluster_objects import view_of

_STEPS = 40
_ALWAYS = "".join(
    f"---\napiVersion: ambassador/v1\nkind: Mapping\nname: m{i}\nprefix: /m{i}/\nservice: m\n" for i in "xyz"
)


def _mapping(name: str, prefix: str) -> str:
    return f"---\napiVersion: ambassador/v1\nkind: Mapping\nname: {name}\nprefix: {prefix}\nservice: s\n"


def _service(name: str, text: str) -> dict[str, Any]:
    created = "2026-03-01T08:00:00Z"
    head = {"name": name, "namespace": "default", "uid": name, "resourceVersion": "1", "creationTimestamp": created}
    return {"kind": "Service", "metadata": head | {"annotations": {"getambassador.io/config": text}}}


def _ingress(name: str, host: str) -> dict[str, Any]:
    created = "2026-03-01T08:00:00Z"
    head = {"name": name, "namespace": "default", "uid": name, "resourceVersion": "1", "creationTimestamp": created}
    backend = {"service": {"name": "shop", "port": {"number": 80}}}
    rules = [{"host": host, "http": {"paths": [{"path": f"/{name}", "pathType": "Prefix", "backend": backend}]}}]
    spec = {"ingressClassName": "reconciler", "rules": rules, "tls": [{"hosts": [host], "secretName": "tls"}]}
    return {"kind": "Ingress", "metadata": head, "spec": spec}


def _snapshot(objects: list[dict[str, Any]], file: str) -> SourceSnapshot:
    view = view_of([_service("always", _ALWAYS), *objects], ClusterReading(ingresses=True))
    files = [*view.files.values(), *([SourceFile("a.yaml", file, file.encode())] if file else [])]
    revision = Revision("main", "0" * 40, view.digest)
    return SourceSnapshot(revision, None, tuple(sorted(files, key=lambda one: one.path)))


@pytest.mark.parametrize("precedence", Realm)
def test_objects_that_share_a_mapping_come_and_go(precedence: Realm) -> None:
    """Several carry the same document, or another of the same name, or a file does: at every step as compiled anew."""
    chance, options = Random(7), Options(precedence=precedence)
    state: dict[str, dict[str, Any]] = {}
    files, memory, served, short = None, None, NOTHING, 0
    for step in range(_STEPS):
        name = chance.choice(["a", "b", "c", "i", "j"])
        if name in state and chance.random() < 0.4:
            del state[name]
        elif name in "ij":
            state[name] = _ingress(name, chance.choice(["a.test", "b.test"]))
        else:
            state[name] = _service(name, _mapping("shared", chance.choice(["/one/", "/two/"])) + _mapping(name, "/o/"))
        file = _mapping("shared", "/git/") if chance.random() < 0.3 else ""
        source = _snapshot([*state.values()], file + _mapping("moving", f"/moving{step}/"))
        files = load_files(source, files)
        cold = compile_routes(source, files.whole(), options, served.resources)
        found = memory and recompile(memory, source, files, options, served.resources)
        short += bool(found)
        if not found:
            found, memory = cold, Memory.of(source, files, cold, options, served.resources)
        assert (found.resources, found.problems, found.quarantined) == (cold.resources, cold.problems, cold.quarantined)
        assert found == cold
        served = found
    assert short


def test_the_last_that_carries_a_mapping_keeps_it() -> None:
    """Where two objects say the same and one goes, in a step or in any order, the Mapping stays as it was."""
    text = _mapping("shared", "/one/")
    both = [_service("a", text), _service("b", text)]
    options = Options()
    for left in both:
        first, second = _snapshot(both, ""), _snapshot([left], "")
        before = load_files(first, None)
        compiled = compile_routes(first, before.whole(), options)
        memory = Memory.of(first, before, compiled, options)
        assert memory is not None
        after = load_files(second, before)
        found = recompile(memory, second, after, options, compiled.resources) or compile_routes(
            second, after.whole(), options, compiled.resources
        )
        assert "default/shared" in {route.name for route in found.table.routes}
        assert found == compile_routes(second, after.whole(), options, compiled.resources)
