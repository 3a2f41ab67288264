"""What documents ask of Envoy's machine is held to what the settings allow."""

from dataclasses import replace
from typing import Any

import pytest
import yaml

from reconciler.model.limits import DEFAULT_LIMITS, Limits
from reconciler.model.machine import MachineAccess, is_below
from reconciler.model.problem import Code
from reconciler.resources import Loaded, load
from tests.support.documents import codes, source, spec


def _allowing(**access: Any) -> Limits:
    return replace(DEFAULT_LIMITS, machine=MachineAccess(**access))


def _document(kind: str, name: str = "a", **fields: Any) -> str:
    head = {"apiVersion": "getambassador.io/v3alpha1", "kind": kind, "metadata": {"name": name}}
    return yaml.safe_dump(head | {"spec": fields})


def _load(text: str, limits: Limits = DEFAULT_LIMITS) -> Loaded:
    return load([source(text)], limits=limits)


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("/etc/a", True),
        ("/etc", True),
        ("/etc/a/../b", True),
        ("/etcetera", False),
        ("/etc/../proc/self/environ", False),
        ("//proc/self/environ", False),
        ("/etc/./../dev/zero", False),
    ],
)
def test_places(path: str, inside: bool) -> None:
    """A place is itself and what is below, wherever dots lead."""
    assert is_below(path, ["/etc/"]) is inside


def _keys_at(path: str) -> str:
    return _document("TLSContext", hosts=["a.test"], cert_chain_file=path, private_key_file="/etc/key")


@pytest.mark.parametrize("path", ["/proc/self/environ", "//proc/self/environ", "/etc/../dev/zero", "/dev/stdin"])
def test_keys_that_nobody_keeps(path: str) -> None:
    """A device would be read without end; no setting allows it."""
    assert codes(_load(_keys_at(path))) == [Code.NOT_ALLOWED]
    assert codes(_load(_keys_at(path), _allowing(tls_files=("/", path)))) == [Code.NOT_ALLOWED]


def test_keys_from_elsewhere() -> None:
    """Certificates may be anywhere, unless who runs Envoy says where."""
    assert _load(_keys_at("/root/key")).problems == ()
    assert codes(_load(_keys_at("/root/key"), _allowing(tls_files=("/etc",)))) == [Code.NOT_ALLOWED]


@pytest.mark.parametrize(
    "path",
    ["/run/own/tls.crt", "//run/own/tls.crt", "/run/own/..data/tls.crt", "/var/run/own/tls.crt", "/etc/../run/own/a"],
)
def test_what_envoy_shows_itself_by(path: str) -> None:
    """Whoever could have Envoy show the certificate of its bootstrap would be Envoy to the ADS server."""
    replies = [{"on_status_code": 404, "body": {"text_format_source": {"filename": path}}}]
    written = _document("Module", "ambassador", config={"envoy_log_path": path})
    trusted = _document("TLSContext", hosts=["a.test"], secret="a", cacert_chain_file=path)
    open_to_all = {"tls_files": ("/",), "body_files": ("/",), "log_files": ("/",)}
    for text in (_keys_at(path), trusted, spec(error_response_overrides=replies), written):
        assert _load(text, _allowing(**open_to_all)).problems == (), text
        assert codes(_load(text, _allowing(never_files=("/run/own",), **open_to_all))) == [Code.NOT_ALLOWED], text
    assert _load(_keys_at("/run/owner/tls.crt"), _allowing(never_files=("/run/own",))).problems == ()


@pytest.mark.parametrize("path", ["/etc/envoy/secrets/default/shop/tls.key", "/proc/self/environ", "/etc/hostname"])
def test_bodies_show_no_file(path: str) -> None:
    """Unless who runs Envoy says which: every client reads a body."""
    replies = [{"on_status_code": 404, "body": {"text_format_source": {"filename": path}}}]
    assert codes(_load(spec(error_response_overrides=replies))) == [Code.NOT_ALLOWED]
    assert _load(spec(error_response_overrides=replies), _allowing(body_files=(path,))).problems == ()


@pytest.mark.parametrize(
    "value",
    [
        "%ENVIRONMENT(TOKEN)%",
        "a %ENVIRONMENT(HOSTNAME)% b %ENVIRONMENT(TOKEN):3%",
        '%COALESCE({"operators":[{"command":"ENVIRONMENT","param":"TOKEN"}]})%',
        '%COALESCE({"operators":[{"command":"ENV\\u0049RONMENT","param":"TOKEN"}]})%',
        "%ENVIRONMENT(TOKEN)(HOSTNAME)%",
    ],
)
def test_variables(value: str) -> None:
    """No format shows a variable that is not allowed, however it asks; the value is not repeated."""
    replies = [{"on_status_code": 404, "body": {"text_format": value}}]
    in_json = [{"on_status_code": 404, "body": {"json_format": {"a": value}}}]
    in_type = [{"on_status_code": 404, "body": {"text_format": "a", "content_type": value}}]
    check = {"health_check": {"http": {"path": "/", "add_request_headers": {"x-a": {"value": value}}}}}
    texts = [
        spec(add_request_headers={"x-a": value}),
        spec(add_response_headers={"x-a": {"value": value}}),
        spec(error_response_overrides=replies),
        spec(error_response_overrides=in_json),
        spec(error_response_overrides=in_type),
        spec(health_checks=[check]),
        _document("Module", "ambassador", config={"envoy_log_format": value}),
        _document("Module", "ambassador", config={"envoy_log_type": "json", "envoy_log_format": {"a": {"b": value}}}),
        _document("Module", "ambassador", config={"defaults": {"add_request_headers": {"x-a": value}}}),
        _document("AuthService", auth_service="auth", add_auth_headers={"x-a": value}),
    ]
    for text in texts:
        assert Code.NOT_ALLOWED in codes(_load(text)), text


def test_variables_that_are_allowed() -> None:
    """What tells Envoys apart may be shown, and what the settings say."""
    text = spec(add_request_headers={"x-a": "%ENVIRONMENT(POD_NAME)% %ENVIRONMENT(ZONE):3%"})
    assert codes(_load(text)) == [Code.NOT_ALLOWED]
    assert _load(text, _allowing(variables=("POD_NAME", "ZONE"))).problems == ()


def test_tags_of_traces() -> None:
    """Go to whom the document says."""
    tags = [{"tag": "a", "environment": {"name": "AWS_SECRET_ACCESS_KEY"}}]
    text = _document("TracingService", service="zipkin", driver="zipkin", custom_tags=tags)
    assert codes(_load(text)) == [Code.NOT_ALLOWED]


def test_scripts_and_logs() -> None:
    """Neither code in Envoy nor writing where one likes."""
    assert codes(_load(_document("Module", "ambassador", config={"lua_scripts": "x()"}))) == [Code.NOT_ALLOWED]
    assert _load(_document("Module", "ambassador", config={"lua_scripts": "x()"}), _allowing(lua=True)).problems == ()
    written = _document("Module", "ambassador", config={"envoy_log_path": "/etc/passwd"})
    assert codes(_load(written)) == [Code.NOT_ALLOWED]
    usual = _document("Module", "ambassador", config={"envoy_log_path": "/dev/fd/1"})
    assert _load(usual).problems == ()


@pytest.mark.parametrize(
    "service",
    [
        "169.254.169.254",
        "http://169.254.169.254:80",
        "[fe80::1]",
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]:80",
        "metadata.google.internal",
        "metadata.google.internal.:80",
        "0.0.0.0:8001",
        "[::]:8001",
        "224.0.0.1",
    ],
)
def test_metadata_of_clouds(service: str) -> None:
    """No Mapping and no AuthService brings requests to the credentials of the machine."""
    assert codes(_load(spec(service=service))) == [Code.INVALID_SERVICE]
    assert codes(_load(_document("AuthService", auth_service=service))) == [Code.INVALID_SERVICE]


@pytest.mark.parametrize(
    "service",
    [
        "127.0.0.1:8001",
        "127.1.2.3:8001",
        "localhost:8001",
        "LOCALHOST.:8001",
        "shop.localhost:8001",
        "localhost.localdomain",
        "[::1]:8001",
        "[::ffff:127.0.0.1]:1",
    ],
)
def test_loopback(service: str) -> None:
    """Sidecars are common; where they are not, Envoy's own machine can be closed."""
    for text in (spec(service=service), _document("AuthService", auth_service=service)):
        assert _load(text).problems == ()
        assert codes(_load(text, _allowing(loopback=False))) == [Code.NOT_ALLOWED]


_XDS = "xds.edge:18000"


def _all_that_send(service: str, namespace: str = "default") -> list[str]:
    """A document of each kind that has something sent to a service."""
    fields: dict[str, dict[str, Any]] = {
        "Mapping": {"hostname": "*", "prefix": "/a/", "service": service},
        "TCPMapping": {"port": 9000, "service": service},
        "AuthService": {"auth_service": service},
        "RateLimitService": {"service": service, "protocol_version": "v3"},
        "TracingService": {"service": service, "driver": "zipkin"},
        "LogService": {"service": service, "driver": "http", "driver_config": {}, "grpc": True},
    }
    shadow = {**fields["Mapping"], "shadow": True}
    listed = [*fields.items(), ("Mapping", shadow)]
    head = {"apiVersion": "getambassador.io/v3alpha1", "metadata": {"name": "a", "namespace": namespace}}
    return [yaml.safe_dump(head | {"kind": kind, "spec": given}) for kind, given in listed]


@pytest.mark.parametrize(
    ("service", "namespace"),
    [
        ("https://xds.edge:18000", "default"),
        ("XDS.Edge:18000", "default"),
        ("xds.edge.:18000", "default"),
        ("xds.edge.svc:18000", "default"),
        ("xds.edge.svc.cluster.local:18000", "default"),
        ("xds.edge.svc.cluster.local.:18000", "default"),
        ("xds.edge.svc.another.domain:18000", "default"),
        ("10-1-2-3.xds.edge.svc.cluster.local:18000", "default"),
        ("10-1-2-3.xds:18000", "default"),
        ("xds:18000", "edge"),
        ("xds:18000", "EDGE"),
    ],
)
def test_services_that_are_kept(service: str, namespace: str) -> None:
    """No document has the ADS server asked, however it is spelt and whatever its kind."""
    for text in _all_that_send(service, namespace):
        assert Code.NOT_ALLOWED not in codes(_load(text)), text
        assert Code.NOT_ALLOWED in codes(_load(text, _allowing(never_services=(_XDS,)))), text
        assert Code.NOT_ALLOWED in codes(_load(text, _allowing(never_services=("xds.edge",)))), text
    where = _load(_all_that_send(service)[0], _allowing(never_services=("xds.default", "xds.edge"))).problems[0]
    assert where.field == "spec.service"
    assert where.provenance.line > 0


@pytest.mark.parametrize("service", ["xds.edge:18001", "xds.other:18000", "axds.edge:18000", "xds.edge.test:18000"])
def test_services_that_are_not_kept(service: str) -> None:
    """Another port, and names that only look alike."""
    assert _load(spec(service=service), _allowing(never_services=(_XDS,))).problems == ()


@pytest.mark.parametrize(
    ("kept", "service"),
    [("10.1.2.3", "10.1.2.3:80"), ("[fd00::1]:18000", "[fd00:0::1]:18000"), ("1.2.3.4", "[::ffff:1.2.3.4]")],
)
def test_addresses_that_are_kept(kept: str, service: str) -> None:
    """In each spelling."""
    assert codes(_load(spec(service=service), _allowing(never_services=(kept,)))) == [Code.NOT_ALLOWED]


def test_the_reconciler_s_own_ports() -> None:
    """Where it listens beside Envoy no document may route there, also where sidecars are allowed."""
    for host in ("127.0.0.1", "localhost", "a.localhost", "[::1]"):
        for text in _all_that_send(f"http://{host}:18000"):
            assert Code.NOT_ALLOWED in codes(_load(text, _allowing(own_ports=(18000,)))), text
        assert _load(spec(service=f"{host}:18001"), _allowing(own_ports=(18000,))).problems == ()
    assert codes(_load(spec(service="127.0.0.1", tls="a"), _allowing(own_ports=(443,)))) == [Code.NOT_ALLOWED]


@pytest.mark.parametrize(
    ("kind", "namespace", "fields"),
    [
        ("TLSContext", "shop", {"secret": "xds.edge"}),
        ("TLSContext", "edge", {"secret": "xds"}),
        ("TLSContext", "edge", {"secret": "xds", "secret_namespacing": False}),
        ("TLSContext", "shop", {"ca_secret": "xds.edge"}),
        ("TLSContext", "shop", {"ca_secret": "a", "crl_secret": "xds.edge"}),
        ("Host", "shop", {"hostname": "a.test", "tlsSecret": {"name": "xds", "namespace": "edge"}}),
        ("Host", "shop", {"hostname": "a.test", "tlsSecret": {"name": "xds.edge"}}),
        ("Host", "edge", {"hostname": "a.test", "tlsSecret": {"name": "xds"}}),
        ("Host", "shop", {"hostname": "a.test", "tlsSecret": {"name": "a"}, "tls": {"caSecret": "xds.edge"}}),
        ("Module", "shop", {"config": {"server": {"secret": "xds.edge"}}}),
        ("MappingPolicy", "edge", {"mappings": ["m"], "upstream_tls": {"ca_secret": "xds"}}),
    ],
)
def test_secrets_that_are_kept(kind: str, namespace: str, fields: dict[str, object]) -> None:
    """Those with the keys of the ADS server and its Envoys are nobody's to show, by whatever field."""
    name = "tls" if kind == "Module" else "a"
    group = "reconciler.dev/v1alpha1" if kind == "MappingPolicy" else "getambassador.io/v3alpha1"
    document = {"apiVersion": group, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": fields}
    text = yaml.safe_dump(document)
    assert _load(text).problems == ()
    found = _load(text, _allowing(never_secrets=("edge/xds",)))
    assert codes(found) == [Code.NOT_ALLOWED]
    assert found.problems[0].provenance.line > 0
    assert found.resources == ()
    assert _load(text, _allowing(never_secrets=("edge/another", "other/xds"))).problems == ()


def test_documents_for_everybody() -> None:
    """Only the platform's folder holds them, where there is one; others of their kind guard nothing."""
    limits = replace(DEFAULT_LIMITS, platform_paths=("platform",))
    auth, module = _document("AuthService", auth_service="auth"), _document("Module", "ambassador", config={})
    broken = _document("AuthService", "b", auth_service="auth", timeout_ms="x")
    files = [
        source(auth, "platform/auth.yaml"),
        source(auth.replace("name: a", "name: c"), "team/platform/auth.yaml"),
        source(module, "platformer/a.yaml"),
        source(broken, "team/b.yaml"),
        source(spec(), "team/c.yaml"),
    ]
    loaded = load(files, limits=limits)
    assert [str(resource.origin.id) for resource in loaded.resources] == ["AuthService default/a", "Mapping default/m"]
    assert codes(loaded) == [Code.NOT_ALLOWED] * 3
    assert [document.guard for document in loaded.rejected] == [None] * 3
    assert len(load(files).resources) == 4
