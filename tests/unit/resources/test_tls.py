"""TLS settings as they are written: TLSContexts, Hosts, the old Module, Mappings."""

from typing import Any

import pytest
import yaml

from reconciler.model.match import HostMatch, MatchKind
from reconciler.model.problem import Code, Severity
from reconciler.model.resource import HostResource, TlsContextResource, TlsModuleResource
from reconciler.model.tls import NO_TLS, HostTls, KeyPair, TlsParameters, TlsSettings, TlsVersion
from tests.support.documents import load_text, mapping, old, spec, warned_mapping


def _text(kind: str, fields: dict[str, Any], version: str = "v3alpha1", name: str = "x") -> str:
    head = {"apiVersion": f"getambassador.io/{version}", "kind": kind, "metadata": {"name": name}}
    return yaml.safe_dump(head | {"spec": fields})


def _context(version: str = "v3alpha1", **fields: Any) -> TlsContextResource:
    loaded = load_text(_text("TLSContext", fields, version))
    assert loaded.problems == ()
    (resource,) = loaded.resources
    assert isinstance(resource, TlsContextResource)
    return resource


def _host(**fields: Any) -> HostTls:
    (resource,) = load_text(_text("Host", fields)).resources
    assert isinstance(resource, HostResource)
    return resource.tls


def _module(**config: Any) -> TlsModuleResource:
    loaded = load_text(_text("Module", {"config": config}, name="tls"))
    assert loaded.problems == ()
    (resource,) = loaded.resources
    assert isinstance(resource, TlsModuleResource)
    return resource


def test_empty_context() -> None:
    """Nothing is required: what a TLSContext lacks, who uses it must have."""
    assert _context().settings == TlsSettings()
    assert _context().hosts == ()


def test_whole_context() -> None:
    """Every field is read; lists keep their order, hosts are sorted."""
    context = _context(
        hosts=["b.test", "*.a.test"],
        secret="s.n",
        ca_secret="ca",
        crl_secret="crl",
        cert_required=True,
        alpn_protocols="h2, http/1.1",
        min_tls_version="v1.2",
        max_tls_version="v1.3",
        cipher_suites=["AES256-SHA", "AES128-SHA"],
        ecdh_curves=["X25519"],
        secret_namespacing=False,
        redirect_cleartext_from=8080,
        sni="api.test",
    )
    assert context.hosts == (HostMatch(MatchKind.EXACT, "b.test"), HostMatch(MatchKind.SUFFIX, ".a.test"))
    assert context.settings == TlsSettings(
        secret="s.n",
        ca_secret="ca",
        crl_secret="crl",
        required=True,
        sni="api.test",
        redirect_from=8080,
        split_names=False,
        parameters=TlsParameters(
            TlsVersion.V1_2, TlsVersion.V1_3, ("AES256-SHA", "AES128-SHA"), ("X25519",), ("h2", "http/1.1")
        ),
    )


def test_files() -> None:
    """The same from files."""
    files = {
        "cert_chain_file": "/etc/a.crt",
        "private_key_file": "/etc/a.key",
        "cacert_chain_file": "/etc/ca",
        "crl_file": "/etc/crl",
    }
    settings = _context(**files).settings
    assert (settings.key_pair, settings.ca_file, settings.crl_file) == (
        KeyPair("/etc/a.crt", "/etc/a.key"),
        "/etc/ca",
        "/etc/crl",
    )


def test_older_spelling() -> None:
    """The second version called the list of revoked certificates otherwise."""
    assert _context("v2", v3CRLSecret="r", ca_secret="c").settings.crl_secret == "r"


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        (
            {"secret": "s", "cert_chain_file": "/etc/c", "private_key_file": "/etc/k"},
            Code.FIELDS_CONTRADICT,
            "cert_chain_file",
        ),
        ({"cert_chain_file": "/etc/c"}, Code.MISSING_FIELD, "private_key_file"),
        ({"private_key_file": "/etc/k"}, Code.MISSING_FIELD, "cert_chain_file"),
        ({"ca_secret": "c", "cacert_chain_file": "/etc/c"}, Code.FIELDS_CONTRADICT, "cacert_chain_file"),
        ({"cert_required": True}, Code.MISSING_FIELD, "ca_secret"),
        ({"crl_file": "/etc/c"}, Code.MISSING_FIELD, "ca_secret"),
        ({"secret": "../../etc"}, Code.INVALID_VALUE, "secret"),
        ({"secret": "a/b"}, Code.INVALID_VALUE, "secret"),
        ({"secret": ".."}, Code.INVALID_VALUE, "secret"),
        ({"cacert_chain_file": "ca.crt"}, Code.INVALID_VALUE, "cacert_chain_file"),
        ({"min_tls_version": "1.2"}, Code.INVALID_VALUE, "min_tls_version"),
        ({"min_tls_version": "v1.3", "max_tls_version": "v1.2"}, Code.FIELDS_CONTRADICT, "max_tls_version"),
        ({"alpn_protocols": "h2,"}, Code.INVALID_VALUE, "alpn_protocols"),
        ({"sni": "https://a"}, Code.INVALID_VALUE, "sni"),
        ({"hosts": ["a*"]}, Code.INVALID_VALUE, "hosts"),
        ({"redirect_cleartext_from": "8080"}, Code.WRONG_TYPE, "redirect_cleartext_from"),
        ({"secrets": "s"}, Code.UNKNOWN_FIELD, "secrets"),
        ({"crl_secret": "a", "v3CRLSecret": "b", "ca_secret": "c"}, Code.FIELDS_CONTRADICT, "v3CRLSecret"),
    ],
)
def test_wrong_contexts(fields: dict[str, Any], code: Code, field: str) -> None:
    """Each mistake is one error at its field: none is dropped, and nothing is weaker for it."""
    loaded = load_text(_text("TLSContext", fields))
    assert [(p.code, p.field, p.severity) for p in loaded.problems] == [(code, f"spec.{field}", Severity.ERROR)]
    assert loaded.resources == ()


def test_namespace_that_is_none() -> None:
    """A path is made of the namespace, so one that Kubernetes would not allow is refused."""
    text = _text("TLSContext", {"secret": "s"}).replace("name: x", "name: x\n  namespace: ..")
    (problem,) = load_text(text).problems
    assert (problem.code, problem.field) == (Code.INVALID_VALUE, "spec.secret")


def test_host_tls() -> None:
    """A Host's certificate, its TLSContext, and settings of its own in both spellings."""
    assert _host() == _host(tlsSecret={}, tls=None) == NO_TLS
    assert _host(tlsSecret={"name": "s", "namespace": "n"}) == HostTls("s", "n")
    assert _host(tlsContext={"name": "c"}) == HostTls(context="c")
    new = {"min_tls_version": "v1.3", "ca_secret": "c", "cert_required": True}
    camel = {"minTlsVersion": "v1.3", "caSecret": "c", "certRequired": True}
    secret = {"name": "s"}
    assert _host(tlsSecret=secret, tls=new) == _host(tlsSecret=secret, tls=camel)


@pytest.mark.parametrize("acme", [{"authority": "https://acme.test"}, {"email": "a@b.test"}])
def test_acme_is_a_warning(acme: dict[str, str]) -> None:
    """Nobody obtains certificates here: that is said, and the Host is read all the same."""
    loaded = load_text(_text("Host", {"tlsSecret": {"name": "s"}, "acmeProvider": acme}))
    assert [(p.code, p.severity) for p in loaded.problems] == [(Code.FIELD_IGNORED, Severity.WARNING)]
    assert len(loaded.resources) == 1


def test_tls_module() -> None:
    """``server`` and ``client`` are one TLSContext, every other block another; blocks that are off are none."""
    module = _module(
        server={"enabled": True}, client={"cert_required": True}, upstream={"secret": "u"}, b={"enabled": False}
    )
    assert module.server == TlsSettings(secret="ambassador-certs", ca_secret="ambassador-cacert", required=True)
    assert module.named == (("upstream", TlsSettings(secret="u")),)
    assert _module(server={"enabled": False}).server is None
    by_file = _module(server={"secret": "s"}, client={"cacert_chain_file": "/etc/ca"}).server
    assert by_file == TlsSettings(secret="s", ca_file="/etc/ca")


def test_tls_of_mappings() -> None:
    """A name speaks TLS on port 443 whatever the scheme; true is https://, and nothing is nothing."""
    named = mapping(spec(service="s", tls="ctx"))
    assert (named.tls_context, str(named.service)) == ("ctx", "https://s.default:443")
    assert str(mapping(spec(service="s:8443", tls="ctx")).service) == "https://s.default:8443"
    assert str(mapping(old(service="s", tls=True)).service) == "https://s.default:443"
    assert mapping(old(service="s", tls=True)).tls_context == ""
    for nothing in (False, None, ""):
        assert str(mapping(old(service="s", tls=nothing)).service) == "s.default:80"
    forced, warning = warned_mapping(spec(service="http://s", tls="ctx"))
    assert (str(forced.service), warning.code) == ("https://s.default:443", Code.FIELDS_CONTRADICT)
    assert load_text(spec(service="s", tls=True)).problems[0].code is Code.WRONG_TYPE
