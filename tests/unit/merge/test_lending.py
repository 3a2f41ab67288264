"""An object of the cluster has Envoy show no Secret, and speak by no TLSContext, of another namespace."""

from dataclasses import replace
from typing import Any

import pytest
import yaml

from reconciler.compile import NOTHING, Compiled, Options, compile_routes, load_source
from reconciler.model.limits import DEFAULT_LIMITS
from reconciler.model.machine import MachineAccess
from reconciler.model.problem import Code, Problem
from reconciler.model.provenance import object_path
from reconciler.model.source import SourceFile, SourceSnapshot
from reconciler.recompile import Memory, recompile
from reconciler.resources import load_files

_LIMITS = replace(
    DEFAULT_LIMITS, platform_namespaces=("*",), machine=MachineAccess(secret_files="/etc/envoy/secrets")
)  # what concerns everybody may stand anywhere here, so that nothing else refuses it
_OPTIONS = Options(limits=_LIMITS)
_SHOP, _PAYMENTS = object_path("Service", "shop", "a"), object_path("Service", "payments", "a")
_TEAM: dict[str, Any] = {"teams": [{"name": "shop", "namespaces": ["shop", "payments"]}]}
_LENDING: dict[str, Any] = {"hosts": ["a.test"], "secret": "victim.payments"}

Files = dict[str, str]


def _document(kind: str, name: str, namespace: str = "shop", **spec: Any) -> str:
    group = "reconciler.dev/v1alpha1" if kind in ("Ownership", "MappingPolicy") else "getambassador.io/v3alpha1"
    metadata = {"name": name, "namespace": namespace}
    return yaml.safe_dump({"apiVersion": group, "kind": kind, "metadata": metadata, "spec": spec})


def _source(files: Files) -> SourceSnapshot:
    found = tuple(SourceFile(path, text, text.encode()) for path, text in sorted(files.items()))
    return SourceSnapshot(None, None, found)


def _compiled(files: Files, before: Compiled = NOTHING) -> Compiled:
    source = _source(files)
    return compile_routes(source, load_source(source, _OPTIONS), _OPTIONS, before.resources)


def _refused(compiled: Compiled) -> list[Problem]:
    return [problem for problem in compiled.problems if problem.code is Code.NOT_ALLOWED]


def _served(compiled: Compiled) -> list[str]:
    return [str(one.origin.id) for one in compiled.resources]


_NAMING = [
    (_document("TLSContext", "c", **_LENDING), "spec.secret"),
    (_document("TLSContext", "c", hosts=["a.test"], secret="own", ca_secret="victim.payments"), "spec.ca_secret"),
    (_document("TLSContext", "c", ca_secret="own", crl_secret="victim.payments"), "spec.crl_secret"),
    (
        _document("Host", "h", hostname="a.test", tlsSecret={"name": "victim", "namespace": "payments"}),
        "spec.tlsSecret",
    ),
    (_document("Host", "h", hostname="a.test", tlsSecret={"name": "victim.payments"}), "spec.tlsSecret"),
    (
        _document("Host", "h", hostname="a.test", tlsSecret={"name": "own"}, tls={"ca_secret": "victim.payments"}),
        "spec.tls.ca_secret",
    ),
    (_document("Module", "tls", config={"server": {"secret": "victim.payments"}}), "spec.config.server.secret"),
    (_document("Module", "tls", config={"up": {"secret": "victim.payments"}}), "spec.config.up.secret"),
    (
        _document("MappingPolicy", "p", mappings=["m"], upstream_tls={"ca_secret": "victim.payments"}),
        "spec.upstream_tls.ca_secret",
    ),
]


@pytest.mark.parametrize(("text", "field"), _NAMING)
def test_a_secret_of_another_namespace(text: str, field: str) -> None:
    """Refused in an object, with what to do; in the repository it stays as it is, since that is reviewed."""
    compiled = _compiled({_SHOP: text})
    (problem,) = _refused(compiled)
    assert (problem.field, problem.provenance.path, problem.provenance.line) == (field, _SHOP, 1)
    assert "payments/victim" in problem.message
    assert "repository" in problem.hint
    assert compiled.resources == ()
    assert b"victim" not in b"".join(
        one.body for of in compiled.snapshot.sets.values() for one in of.resources.values()
    )
    assert _refused(_compiled({"a.yaml": text})) == []
    assert _served(_compiled({"a.yaml": text}))


@pytest.mark.parametrize(("text", "field"), _NAMING)
def test_who_may_name_it(text: str, field: str) -> None:
    """A team that has both namespaces, and the platform; an Ownership that enforces nothing gives nothing."""
    assert field
    platform: dict[str, Any] = {"platform": {"namespaces": ["shop"]}}
    for owners in (_TEAM, platform):
        assert _refused(_compiled({_SHOP: text, "o.yaml": _document("Ownership", "o", **owners)})) == []
    other: dict[str, Any] = {
        "teams": [{"name": "a", "namespaces": ["shop"]}, {"name": "b", "namespaces": ["payments"]}]
    }
    for owners in (other, _TEAM | {"enforce": False}):
        assert len(_refused(_compiled({_SHOP: text, "o.yaml": _document("Ownership", "o", **owners)}))) == 1


def test_what_was_served_gives_no_right() -> None:
    """One that came to be served otherwise goes as soon as it is looked at."""
    text = _document("TLSContext", "c", **_LENDING)
    before = _compiled({_SHOP: text, "o.yaml": _document("Ownership", "o", **_TEAM)})
    assert "TLSContext shop/c" in _served(before)
    assert _served(_compiled({_SHOP: text}, before)) == []


def test_its_own_secret_is_its_own() -> None:
    """With its namespace written or not, and where it denies that a dot stands before one."""
    own: list[dict[str, Any]] = [{"secret": "own"}, {"secret": "own.shop"}]
    for secret in (*own, {"secret": "a.payments", "secret_namespacing": False}):
        compiled = _compiled({_SHOP: _document("TLSContext", "c", hosts=["a.test"], **secret)})
        assert (compiled.problems, _served(compiled)) == ((), ["TLSContext shop/c"])


def test_files_of_secrets() -> None:
    """An object names no file of them: that would be the same Secret by another name."""
    for path in ("/etc/envoy/secrets/payments/victim", "/etc/envoy/secrets/shop/../payments/victim"):
        pair = {"cert_chain_file": f"{path}/tls.crt", "private_key_file": f"{path}/tls.key"}
        text = _document("TLSContext", "c", hosts=["a.test"], **pair)
        assert [problem.field for problem in _refused(_compiled({_SHOP: text}))] == [
            "spec.cert_chain_file",
            "spec.private_key_file",
        ]
        assert _refused(_compiled({"a.yaml": text})) == []


def _mapping(**more: Any) -> str:
    return _document("Mapping", "m", hostname="*", prefix="/m/", service="https://bank.test", **more)


_BORROWING = [
    (_mapping(tls="up"), "spec.tls"),
    (_mapping(tls="up.payments"), "spec.tls"),
    (_document("TCPMapping", "t", port=9000, service="bank.test:443", tls="up"), "spec.tls"),
    (_document("AuthService", "a", auth_service="bank.test:443", tls="up"), "spec.tls"),
    (_document("Host", "h", hostname="a.test", tlsContext={"name": "up"}), "spec.tlsContext.name"),
]


@pytest.mark.parametrize(("text", "field"), _BORROWING)
def test_a_tls_context_of_another_namespace(text: str, field: str) -> None:
    """Envoy speaks by it for its own namespace, for a team that has both, and for all if it is in the repository."""
    up = _document("TLSContext", "up", "payments", secret="victim")
    compiled = _compiled({_SHOP: text, _PAYMENTS: up})
    (problem,) = _refused(compiled)
    assert (problem.field, problem.provenance.path) == (field, _SHOP)
    assert "TLSContext payments/up" in problem.message
    assert _served(compiled) == ["TLSContext payments/up"]
    files = [
        {"a.yaml": text, _PAYMENTS: up},
        {_SHOP: text, "up.yaml": up},
        {_PAYMENTS: text.replace("shop", "payments"), _PAYMENTS + "b": up},
    ]
    files.append({_SHOP: text, _PAYMENTS: up, "o.yaml": _document("Ownership", "o", **_TEAM)})
    for each in files:
        assert _refused(_compiled(each)) == [], each
        assert len(_served(_compiled(each))) >= 2, each


def test_a_name_of_others_disturbs_nobody() -> None:
    """Who uses a TLSContext of the repository goes on where somebody calls another one the same."""
    files = {_SHOP: _mapping(tls="up"), "up.yaml": _document("TLSContext", "up", "edge", secret="s")}
    files[_PAYMENTS] = _document("TLSContext", "up", "payments", secret="victim")
    assert _compiled(files).problems == ()


def test_the_short_way_refuses_it_too() -> None:
    """A Mapping that comes to name such a TLSContext is not served by what is recompiled."""
    up = _document("TLSContext", "up", "payments", secret="victim")
    old, new = _source({_SHOP: _mapping(), _PAYMENTS: up}), _source({_SHOP: _mapping(tls="up"), _PAYMENTS: up})
    before = load_files(old, None, limits=_LIMITS)
    compiled = compile_routes(old, before.whole(), _OPTIONS)
    memory = Memory.of(old, before, compiled, _OPTIONS)
    assert memory is not None
    files = load_files(new, before, limits=_LIMITS)
    whole = compile_routes(new, files.whole(), _OPTIONS, compiled.resources)
    found = recompile(memory, new, files, _OPTIONS, compiled.resources)
    assert found is None or found == whole
    assert len(_refused(whole)) == 1
    assert "Mapping shop/m" in _served(whole)  # as it was before
