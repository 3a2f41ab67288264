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


@pytest.mark.parametrize("path", ["/proc/self/environ", "/etc/../dev/zero", "/dev/stdin"])
def test_keys_that_nobody_keeps(path: str) -> None:
    """A device would be read without end; no setting allows it."""
    assert codes(_load(_keys_at(path))) == [Code.NOT_ALLOWED]
    assert codes(_load(_keys_at(path), _allowing(tls_files=("/", path)))) == [Code.NOT_ALLOWED]


def test_keys_from_elsewhere() -> None:
    """Certificates may be anywhere, unless who runs Envoy says where."""
    assert _load(_keys_at("/root/key")).problems == ()
    assert codes(_load(_keys_at("/root/key"), _allowing(tls_files=("/etc",)))) == [Code.NOT_ALLOWED]


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


@pytest.mark.parametrize("service", ["127.0.0.1:8001", "localhost:8001", "[::1]:8001", "[::ffff:127.0.0.1]:1"])
def test_loopback(service: str) -> None:
    """Sidecars are common; where they are not, Envoy's own machine can be closed."""
    for text in (spec(service=service), _document("AuthService", auth_service=service)):
        assert _load(text).problems == ()
        assert codes(_load(text, _allowing(loopback=False))) == [Code.NOT_ALLOWED]


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
