"""Who ends TLS for which host, who speaks it to upstreams, and what becomes of those who can't."""

import pytest

from reconciler.compile import NOTHING, Options, compile_routes, load_source
from reconciler.model.problem import Code, Problem
from reconciler.model.source import SourceFile, SourceSnapshot
from reconciler.model.table import Listener, RouteTable
from reconciler.model.tls import KeyPair, SecretRef, Termination, UpstreamTls
from reconciler.resources import load
from reconciler.table import Built, build

_LISTENER = """
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: https}
spec: {port: 8443, protocol: HTTPS, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: m}
spec: {hostname: "*", prefix: /, service: s}
"""


def _document(kind: str, name: str, fields: str, namespace: str = "default") -> str:
    return (
        f"---\napiVersion: getambassador.io/v3alpha1\nkind: {kind}\n"
        f"metadata: {{name: {name}, namespace: {namespace}}}\nspec: {{{fields}}}\n"
    )


def _built(*documents: str) -> Built:
    loaded = load([SourceFile("a.yaml", "", (_LISTENER + "".join(documents)).encode())])
    assert loaded.problems == ()
    return build(loaded.resources)


def _port(table: RouteTable) -> Listener:
    (listener,) = table.listeners
    return listener


def _ending(built: Built, host: str) -> Termination:
    """How TLS ends for a host, which must be served over TLS."""
    (found,) = [one.termination for one in _port(built.table).virtual_hosts if str(one.host) == host]
    assert found is not None
    return found


def _errors(built: Built) -> list[tuple[Code, str]]:
    return sorted((problem.code, problem.resource) for _, problem in built.stranded)


def test_a_secret_is_enough() -> None:
    """A Host's own Secret, in its namespace, in the one that is named, or in the one behind the last dot."""
    built = _built(
        _document("Host", "a", "hostname: a.test, tlsSecret: {name: s}", "ns"),
        _document("Host", "b", "hostname: b.test, tlsSecret: {name: s.x, namespace: other}"),
        _document("Host", "c", "hostname: c.test, tlsSecret: {name: s.x.other}"),
    )
    assert _ending(built, "a.test") == Termination("Host ns/a", SecretRef("ns", "s"))
    assert _ending(built, "b.test") == Termination("Host default/b", SecretRef("other", "s.x"))
    assert _ending(built, "c.test") == Termination("Host default/c", SecretRef("other", "s.x"))


def test_context_of_a_host() -> None:
    """The one it names comes before the one called like it, and its Secrets are in the TLSContext's namespace."""
    built = _built(
        _document("Host", "a", "hostname: a.test, tlsSecret: {name: s}, tlsContext: {name: named}"),
        _document("Host", "b", "hostname: b.test, tlsSecret: {name: s}"),
        _document("TLSContext", "named", "ca_secret: c, cert_required: true", "other"),
        _document("TLSContext", "a-context", "min_tls_version: v1.3"),
        _document("TLSContext", "b-context", "cert_chain_file: /etc/c, private_key_file: /etc/k"),
    )
    named = _ending(built, "a.test")
    assert (named.identity, named.authorities, named.required) == (
        SecretRef("default", "s"),
        SecretRef("other", "c"),
        True,
    )
    assert _errors(built) == [(Code.FIELDS_CONTRADICT, "Host default/b")]  # two certificates


def test_contexts_by_host() -> None:
    """Where a Host says nothing, the narrowest TLSContext that is for it does."""
    built = _built(
        _document("Host", "a", "hostname: a.x.test"),
        _document("Host", "b", "hostname: b.x.test"),
        _document("Host", "c", "hostname: other.test"),
        _document("TLSContext", "exact", "hosts: [a.x.test], cert_chain_file: /etc/c, private_key_file: /etc/k"),
        _document("TLSContext", "suffix", 'hosts: ["*.x.test", "*.test"], secret: wide'),
        _document("TLSContext", "wider", 'hosts: ["*"], secret: widest'),
        _document("TLSContext", "for-nobody", "secret: unused"),
    )
    exact, suffix, rest = (_ending(built, host) for host in ("a.x.test", "b.x.test", "other.test"))
    assert exact.identity == KeyPair("/etc/c", "/etc/k")
    assert suffix.name == rest.name == "TLSContext default/suffix"


def test_without_any_host() -> None:
    """The hosts that Mappings name get their TLS from TLSContexts too."""
    built = _built(_document("TLSContext", "all", 'hosts: ["*"], secret: s'))
    assert _ending(built, "*") == Termination("TLSContext default/all", SecretRef("default", "s"))


@pytest.mark.parametrize(
    ("host", "context", "code"),
    [
        ("tlsContext: {name: nowhere}", "", Code.UNKNOWN_REFERENCE),
        ("tlsContext: {name: c}", "min_tls_version: v1.2", Code.MISSING_FIELD),
        ("tlsContext: {name: c}, tlsSecret: {name: mine}", "secret: yours", Code.FIELDS_CONTRADICT),
    ],
)
def test_never_in_clear_text(host: str, context: str, code: Code) -> None:
    """A Host that can't end TLS has no rules at all, and its Mappings are not told off for it."""
    built = _built(
        _document("Host", "h", f"hostname: h.test, {host}, requestPolicy: {{insecure: {{action: Route}}}}"),
        _document("TLSContext", "c", context),
    )
    assert _errors(built) == [(code, "Host default/h")]
    (virtual_host,) = _port(built.table).virtual_hosts
    assert (virtual_host.routes, virtual_host.termination) == ((), None)
    assert {problem.resource for problem in built.problems} == {"Host default/h"}


def test_last_good_host_stays() -> None:
    """A Host that names what is not there is served as it was before."""
    good = _LISTENER + _document("Host", "h", "hostname: h.test, tlsSecret: {name: s}")
    bad = good.replace("{name: s}}", "{name: s}, tlsContext: {name: nowhere}}")
    served = NOTHING
    for text in (good, bad):
        source = SourceSnapshot(None, None, (SourceFile("a.yaml", "", text.encode()),))
        served = compile_routes(source, load_source(source, Options()), Options(), served.resources)
    assert [(str(name), older) for name, older in served.quarantined] == [("Host default/h", True)]
    (virtual_host,) = _port(served.table).virtual_hosts
    assert virtual_host.termination == Termination("Host default/h", SecretRef("default", "s"))
    assert len(virtual_host.routes) == 1


def test_two_for_one_host() -> None:
    """Two TLSContexts with different settings for one host: the first by name, and a warning."""
    built = _built(
        _document("TLSContext", "one", "hosts: [a.test], secret: a"),
        _document("TLSContext", "two", "hosts: [a.test], secret: b"),
        _document("Host", "a", "hostname: a.test"),
    )
    ending = _ending(built, "a.test")
    assert ending.identity == SecretRef("default", "a")
    assert [(p.code, p.resource) for p in built.problems] == [(Code.CONFLICT, "TLSContext default/two")]


def test_hosts_without_certificate() -> None:
    """A TLSContext for clients needs a certificate, its own or that of the Host that names it."""
    lacking = _document("TLSContext", "c", "hosts: [a.test]")
    assert _errors(_built(lacking)) == [(Code.MISSING_FIELD, "TLSContext default/c")]
    lent = _built(lacking, _document("Host", "h", "hostname: a.test, tlsSecret: {name: s}, tlsContext: {name: c}"))
    assert _errors(lent) == []


def test_context_for_other_hosts() -> None:
    """A Host may use a TLSContext that is for others; that is a warning."""
    built = _built(
        _document("TLSContext", "c", "hosts: [b.test], secret: s"),
        _document("Host", "h", "hostname: a.test, tlsContext: {name: c}"),
    )
    assert _ending(built, "a.test").name == "Host default/h"
    assert [p.code for p in built.problems] == [Code.FIELDS_CONTRADICT]


def test_namespaces_of_secrets_by_module() -> None:
    """The Module says whether dots in names of Secrets stand before namespaces; a TLSContext says it for itself."""
    module = _document("Module", "ambassador", "config: {defaults: {tls_secret_namespacing: false}}")
    host = _document("Host", "h", "hostname: a.test, tlsSecret: {name: s.n}")
    own = _document("TLSContext", "c", "hosts: [b.test], secret: s.n, secret_namespacing: true")
    built = _built(module, host, own, _document("Host", "b", "hostname: b.test"))
    kept, split = _ending(built, "a.test"), _ending(built, "b.test")
    assert (kept.identity, split.identity) == (SecretRef("default", "s.n"), SecretRef("n", "s"))


def _upstream(built: Built, name: str) -> UpstreamTls | None:
    (cluster,) = [one for one in built.table.clusters if one.address.host == f"{name}.default"]
    return cluster.upstream.tls


def test_upstreams() -> None:
    """A Mapping's TLSContext is the one of its namespace, or the only one, or the one whose namespace it writes."""
    built = _built(
        _document("TLSContext", "c", "secret: s, ca_secret: a, sni: api.test", "other"),
        _document("TLSContext", "twice", "ca_secret: one", "one"),
        _document("TLSContext", "twice", "ca_secret: two", "two"),
        _document("Mapping", "only", 'hostname: "*", prefix: /only/, service: only, tls: c'),
        _document("Mapping", "written", 'hostname: "*", prefix: /written/, service: written, tls: twice.two'),
        _document("Mapping", "both", 'hostname: "*", prefix: /both/, service: both, tls: twice'),
        _document("Mapping", "none", 'hostname: "*", prefix: /none/, service: none, tls: nowhere'),
        _document("TCPMapping", "tcp", "port: 1, service: tcp, tls: nowhere"),
    )
    assert _upstream(built, "only") == UpstreamTls(SecretRef("other", "a"), SecretRef("other", "s"), "api.test")
    assert _upstream(built, "written") == UpstreamTls(SecretRef("two", "two"))
    assert _errors(built) == [
        (Code.UNKNOWN_REFERENCE, "Mapping default/both"),
        (Code.UNKNOWN_REFERENCE, "Mapping default/none"),
        (Code.UNKNOWN_REFERENCE, "TCPMapping default/tcp"),
    ]


@pytest.mark.parametrize(
    ("documents", "ignored"),
    [
        (('hosts: ["*"], secret: s, redirect_cleartext_from: 8443', ""), False),
        (('hosts: ["*"], secret: s, redirect_cleartext_from: 80', ""), True),
        (("secret: s, redirect_cleartext_from: 8443", ""), True),
        (('hosts: ["*"], secret: s, redirect_cleartext_from: 8443', "hostname: a.test"), True),
    ],
)
def test_redirects(documents: tuple[str, str], *, ignored: bool) -> None:
    """Clear text on the port is redirected; where that can't be, or a Host says otherwise, a warning says so."""
    context, host = documents
    built = _built(_document("TLSContext", "c", context), *([_document("Host", "h", host)] if host else []))
    assert [p.code for p in _about(built, "redirect_cleartext_from")] == [Code.FIELD_IGNORED] * ignored
    if not ignored:
        (virtual_host,) = _port(built.table).virtual_hosts
        assert virtual_host.guard is not None
        assert virtual_host.guard.by_header


def _about(built: Built, field: str) -> list[Problem]:
    return [problem for problem in built.problems if problem.field.endswith(field)]
