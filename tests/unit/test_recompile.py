"""What is compiled at the cost of a change is what is compiled from everything."""

from dataclasses import replace
from random import Random

import pytest

from reconciler.compile import NOTHING, Compiled, Options, compile_routes
from reconciler.envoy import EndpointSource, RenderOptions, Routing, SecretSource, Sharding
from reconciler.merge import ConflictPolicy
from reconciler.model.digest import digest_bytes
from reconciler.model.limits import DEFAULT_LIMITS
from reconciler.model.snapshot import TypeUrl
from reconciler.model.source import Realm, Revision, SourceFile, SourceSnapshot
from reconciler.recompile import Memory, recompile
from reconciler.resources import load_files
from tests.support.edits import EditedRepository

_EDITS = 40
_WATCHED = RenderOptions(endpoints=EndpointSource.KUBERNETES, secrets=SecretSource.KUBERNETES)
_PLAIN: dict[str, bool] = {}
_SECURED = {"secured": True}
_SHARED = {"shared": True}
_OWNED = {"owned": True}


@pytest.mark.parametrize(
    ("seed", "options", "kind"),
    [
        (0, Options(), _PLAIN),
        (1, Options(conflicts=ConflictPolicy.SPLIT), _PLAIN),
        (2, Options(render=RenderOptions(routing=Routing.TREE)), _PLAIN),
        (3, Options(render=RenderOptions(sharding=Sharding.BUCKETS)), _PLAIN),
        (4, Options(), _SECURED),
        (5, Options(render=RenderOptions(routing=Routing.TREE, sharding=Sharding.HOSTS)), _SECURED),
        (6, Options(), _SHARED),
        (7, Options(precedence=Realm.CLUSTER), _SHARED),
        (12, Options(limits=replace(DEFAULT_LIMITS, platform_namespaces=("default",))), _SHARED),
        (8, Options(render=_WATCHED), _SECURED),
        (9, Options(), _OWNED),
        (10, Options(), _OWNED | _SECURED),
        (11, Options(), _OWNED | _SHARED),
    ],
)
def test_incremental_equals_cold(seed: int, options: Options, kind: dict[str, bool]) -> None:
    """Over random edits, applied and refused, with conflicts, broken files and other kinds among them."""
    chance = Random(seed)
    files, memory, served = None, None, NOTHING
    short = 0
    for source in EditedRepository(seed, **kind).snapshots(_EDITS):
        files = load_files(source, files)
        cold = compile_routes(source, files.whole(), options, served.resources)
        found = memory and recompile(memory, source, files, options, served.resources)
        if found:
            _same(found, cold)
            short += 1
        else:
            found = cold
            memory = Memory.of(source, files, cold, options, served.resources)
        if chance.random() < 0.8:  # otherwise it is refused, and what was served stays
            served = found
    assert short > 1


def _same(found: Compiled, cold: Compiled) -> None:
    assert found.resources == cold.resources
    assert found.problems == cold.problems
    assert found.quarantined == cold.quarantined
    assert found.table == cold.table
    assert found.snapshot == cold.snapshot
    assert found == cold
    assert found.unsettled == cold.unsettled


_V3 = "apiVersion: getambassador.io/v3alpha1\nkind: "
_LIT = f"{_V3}Host\nmetadata: {{name: lit}}\nspec: {{hostname: lit.test}}\n"
_DARK = f"{_V3}Host\nmetadata: {{name: dark}}\nspec: {{hostname: dark.test, tlsContext: {{name: missing}}}}\n"
_CERTAIN = (
    f"{_V3}Host\nmetadata: {{name: certain}}\n"
    "spec: {hostname: a.test, tlsSecret: {name: own}, tls: {cert_required: true, ca_secret: ca}}\n"
)


def _port(number: int) -> str:
    return (
        f"{_V3}Listener\nmetadata: {{name: l{number}}}\n"
        f"spec: {{port: {number}, protocol: HTTPS, securityModel: INSECURE,\n"
        "  hostBinding: {namespace: {from: ALL}}}\n"
    )


def _mapping(name: str, host: str, prefix: str = "/", service: str = "svc") -> str:
    return (
        f"{_V3}Mapping\nmetadata: {{name: {name}}}\nspec: {{hostname: {host}, prefix: {prefix}, service: {service}}}\n"
    )


@pytest.mark.parametrize(
    "revisions",
    [
        [{"dark": _mapping("d", "dark.test", "/d/")}, {}],
        [{"dark": _mapping("d", "dark.test", "/d/", "alone")}, {"dark": _mapping("d", "lit.test", "/d/", "alone")}],
        [{}, {"again": _mapping("again", "lit.test", "/again/")}, {}],
    ],
)
def test_what_has_no_place_counts_for_nothing(revisions: list[dict[str, str]]) -> None:
    """A Mapping of a Host that can't be served names no cluster, whatever becomes of it."""
    always = {"lit": _LIT, "other": _DARK, "live": _mapping("live", "lit.test")}
    _hold([always | revision for revision in (revisions[0], *revisions)])


def test_the_first_rules_of_a_host_for_certificates() -> None:
    """At no port they are served in clear text."""
    edge = {"one": _port(8080), "two": _port(8443), "host": _CERTAIN}
    acme = {"acme": _mapping("acme", "a.test", "/.well-known/acme-challenge/")}
    rule = {"rule": _mapping("rule", "a.test")}
    _hold([edge, edge, edge | rule, edge | rule | acme, edge | acme, edge | acme | rule])


def test_what_is_discovered_is_named_as_long_as_somebody_asks() -> None:
    """Two clusters may ask for the endpoints of one service: the name goes with the last of them."""

    def shop(name: str, patience: int) -> dict[str, str]:
        more = f"resolver: kubernetes-endpoint, connect_timeout_ms: {patience}"
        return {name: _mapping(name, "a.test", f"/{name}/", f"svc, {more}")}

    alone = {"always": _mapping("always", "a.test")}
    one, two, other = shop("one", 1000), shop("two", 2000), shop("two", 3000)
    served = _hold([alone, alone, alone | one, alone | one | two, alone | one | other, alone | two, alone], _WATCHED)
    names = [list(compiled.snapshot[TypeUrl.ENDPOINT].resources) for compiled in served]
    assert names == [[], [], *[["default/svc:80"]] * 4, []]


def _hold(revisions: list[dict[str, str]], render: RenderOptions = RenderOptions()) -> list[Compiled]:  # noqa: B008
    """Each revision compiles to the same from the one before as from nothing."""
    memory: Memory | None = None
    files, served, options = None, NOTHING, Options(render=render)
    all_served: list[Compiled] = []
    for number, texts in enumerate(revisions):
        found = [SourceFile(path, digest_bytes(text.encode()), text.encode()) for path, text in sorted(texts.items())]
        named = [replace(file, path=f"{file.path}.yaml") for file in found]
        source = SourceSnapshot(Revision("main", f"{number:040x}"), None, tuple(named))
        files = load_files(source, files)
        cold = compile_routes(source, files.whole(), options, served.resources)
        short = memory and recompile(memory, source, files, options, served.resources)
        if short:
            _same(short, cold)
        else:
            memory = Memory.of(source, files, cold, options, served.resources)
        served = short or cold
        all_served.append(served)
    return all_served
