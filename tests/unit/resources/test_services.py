"""AuthService, RateLimitService, TracingService and LogService: what is read of them, and what is refused."""

from typing import Any

import pytest
import yaml

from reconciler.model.problem import Code, Severity
from reconciler.model.resource import Resource
from reconciler.model.services import (
    AuthProtocol,
    AuthServiceResource,
    BodyCopy,
    LogServiceResource,
    RateLimitServiceResource,
    TracingServiceResource,
)
from reconciler.model.upstream import ServiceAddress
from tests.support.documents import load_text, refusal

LEAST: dict[str, dict[str, Any]] = {
    "AuthService": {"auth_service": "a"},
    "RateLimitService": {"service": "a"},
    "TracingService": {"service": "a", "driver": "zipkin"},
    "LogService": {"service": "a", "driver": "http"},
}


def document(kind: str, version: str = "v3alpha1", **fields: Any) -> str:
    """A document of a kind with these fields besides those it must have; None takes one of those away."""
    spec = {name: value for name, value in (LEAST[kind] | fields).items() if value is not None}
    head = {"apiVersion": f"getambassador.io/{version}", "kind": kind, "metadata": {"name": "s", "namespace": "edge"}}
    return yaml.safe_dump(head | {"spec": spec}, sort_keys=False)


def only(kind: str, version: str = "v3alpha1", **fields: Any) -> Resource:
    """The one resource of a document without findings."""
    loaded = load_text(document(kind, version, **fields))
    assert loaded.problems == ()
    (resource,) = loaded.resources
    return resource


def test_defaults() -> None:
    """What is not said is as the language says."""
    auth, limit = only("AuthService"), only("RateLimitService")
    traces, log = only("TracingService"), only("LogService")
    assert isinstance(auth, AuthServiceResource)
    assert isinstance(limit, RateLimitServiceResource)
    assert isinstance(traces, TracingServiceResource)
    assert isinstance(log, LogServiceResource)
    assert auth.backend.address == ServiceAddress("a.edge", 80)
    assert (auth.settings.protocol, auth.settings.timeout_ms) == (AuthProtocol.HTTP, 5000)
    assert not auth.settings.failure_mode_allow
    assert (limit.settings.timeout_ms, limit.settings.failure_mode_deny, limit.settings.domain) == (20, False, "")
    assert limit.backend.upstream.http2
    assert (traces.settings.endpoint, traces.settings.trace_id_128bit) == ("/api/v2/spans", True)
    assert (log.settings.flush_interval_ms, log.settings.flush_bytes) == (1000, 16384)
    assert log.backend.upstream.http2


@pytest.mark.parametrize(
    ("service", "tls", "address", "context"),
    [
        ("a", None, ServiceAddress("a.edge", 80), ""),
        ("https://a", None, ServiceAddress("a.edge", 443, tls=True), ""),
        ("a", True, ServiceAddress("a.edge", 443, tls=True), ""),
        ("a:3000", True, ServiceAddress("a.edge", 3000, tls=True), ""),
        ("a", False, ServiceAddress("a.edge", 80), ""),
        ("a", "", ServiceAddress("a.edge", 80), ""),
        ("a", "ctx", ServiceAddress("a.edge", 443, tls=True), "ctx"),
        ("http://a:1", "ctx", ServiceAddress("a.edge", 1, tls=True), "ctx"),
        ("HTTPS://a", "ctx", ServiceAddress("a.edge", 443, tls=True), "ctx"),
    ],
)
def test_tls_is_never_lost(service: str, tls: object, address: ServiceAddress, context: str) -> None:
    """``tls`` speaks for TLS, whatever scheme stands before the service."""
    auth = only("AuthService", auth_service=service, tls=tls)
    assert isinstance(auth, AuthServiceResource)
    assert (auth.backend.address, auth.backend.tls_context) == (address, context)


def test_bodies() -> None:
    """The older flag shows the first bytes; the newer field wins, with a warning."""
    old = only("AuthService", allow_request_body=True)
    assert isinstance(old, AuthServiceResource)
    assert old.settings.body == BodyCopy(4096, allow_partial=True)
    both = load_text(
        document("AuthService", allow_request_body=True, include_body={"max_bytes": 9, "allow_partial": False})
    )
    assert [(p.code, p.severity) for p in both.problems] == [(Code.FIELD_IGNORED, Severity.WARNING)]
    (auth,) = both.resources
    assert isinstance(auth, AuthServiceResource)
    assert auth.settings.body == BodyCopy(9, allow_partial=False)


@pytest.mark.parametrize(
    ("kind", "fields", "code", "field"),
    [
        ("AuthService", {"auth_service": None}, Code.MISSING_FIELD, "spec.auth_service"),
        ("AuthService", {"auth_service": "a/b"}, Code.INVALID_SERVICE, "spec.auth_service"),
        ("AuthService", {"proto": "https"}, Code.INVALID_VALUE, "spec.proto"),
        ("AuthService", {"proto": "grpc", "protocol_version": "v2"}, Code.INVALID_VALUE, "spec.protocol_version"),
        ("AuthService", {"timeout_ms": 0}, Code.INVALID_VALUE, "spec.timeout_ms"),
        ("AuthService", {"timeout_ms": "5s"}, Code.WRONG_TYPE, "spec.timeout_ms"),
        ("AuthService", {"include_body": {"max_bytes": 5}}, Code.MISSING_FIELD, "spec.include_body.allow_partial"),
        ("AuthService", {"status_on_error": {"code": 200}}, Code.INVALID_VALUE, "spec.status_on_error.code"),
        ("AuthService", {"allowed_request_headers": "x"}, Code.WRONG_TYPE, "spec.allowed_request_headers"),
        ("AuthService", {"failure_mode": True}, Code.UNKNOWN_FIELD, "spec.failure_mode"),
        ("RateLimitService", {"protocol_version": "v2"}, Code.INVALID_VALUE, "spec.protocol_version"),
        ("RateLimitService", {"failure_mode_deny": "yes"}, Code.WRONG_TYPE, "spec.failure_mode_deny"),
        ("TracingService", {"driver": "lightstep"}, Code.INVALID_VALUE, "spec.driver"),
        ("TracingService", {"driver": None}, Code.MISSING_FIELD, "spec.driver"),
        ("TracingService", {"sampling": {"random": 101}}, Code.INVALID_VALUE, "spec.sampling.random"),
        ("TracingService", {"custom_tags": [{"tag": "a"}]}, Code.MISSING_FIELD, "spec.custom_tags[0]"),
        ("TracingService", {"tag_headers": ["a b"]}, Code.INVALID_VALUE, "spec.tag_headers"),
        ("LogService", {"driver": None}, Code.MISSING_FIELD, "spec.driver"),
        ("LogService", {"flush_interval_time": 0}, Code.INVALID_VALUE, "spec.flush_interval_time"),
        ("LogService", {"protocol_version": "v2"}, Code.INVALID_VALUE, "spec.protocol_version"),
        (
            "LogService",
            {"driver": "tcp", "driver_config": {"additional_log_headers": [{"header_name": "a"}]}},
            Code.FIELDS_CONTRADICT,
            "spec.driver_config.additional_log_headers",
        ),
    ],
)
def test_refusals(kind: str, fields: dict[str, Any], code: Code, field: str) -> None:
    """One located error each."""
    problem = refusal(document(kind, **fields))
    assert (problem.code, problem.field) == (code, field)


def test_what_replaced_lightstep_is_named() -> None:
    """The hint says what to write."""
    assert "driver: opentelemetry" in refusal(document("TracingService", driver="lightstep")).hint


def test_an_http_auth_service_may_name_any_protocol_version() -> None:
    """It is about gRPC only."""
    only("AuthService", protocol_version="v2")


def test_no_credential_is_shown() -> None:
    """Values of headers for the auth service stay out of messages."""
    for value in ("hunter2\n", 7, {"hunter2": 1}):
        problem = refusal(document("AuthService", add_auth_headers={"authorization": value}))
        assert "hunter2" not in str(problem)
        assert problem.field == "spec.add_auth_headers.authorization"


def test_v0_sees_more() -> None:
    """The first version shows the headers of tracing as well, and has one list for both directions."""
    loaded = load_text(
        "apiVersion: ambassador/v0\nkind: AuthService\nname: a\nauth_service: a\nallowed_headers: [X-A]\n"
    )
    (auth,) = loaded.resources
    assert isinstance(auth, AuthServiceResource)
    assert auth.settings.request_headers == auth.settings.reply_headers
    assert {"x-a", "x-b3-traceid"} <= set(auth.settings.request_headers)
