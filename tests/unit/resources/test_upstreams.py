"""The fields of a Mapping that say how Envoy talks to its service."""

from typing import Any

import pytest

from reconciler.model.policy import HashKey, HashSource, HeaderValue, Priority
from reconciler.model.problem import Code, Severity
from reconciler.model.resource import Kind
from reconciler.model.upstream import (
    ANY_UPSTREAM,
    CircuitBreaker,
    Discovery,
    DnsType,
    GrpcCheck,
    HealthCheck,
    HttpCheck,
    Keepalive,
    LoadBalancing,
    OutlierDetection,
    Upstream,
)
from reconciler.model.upstream_resources import CircuitBreakerResource, OutlierDetectionResource, ResolverResource
from tests.support.documents import load_text, mapping, old, refusal, spec, warned_mapping


def test_most_mappings_say_nothing() -> None:
    """Without any such field there is nothing to compare, to digest or to render."""
    assert mapping(spec(hostname="*")).upstream is ANY_UPSTREAM


@pytest.mark.parametrize(
    ("fields", "upstream"),
    [
        ({"connect_timeout_ms": 500}, Upstream(connect_timeout_ms=500)),
        ({"cluster_idle_timeout_ms": 0}, Upstream(idle_timeout_ms=0)),
        ({"cluster_max_connection_lifetime_ms": 5}, Upstream(max_connection_ms=5)),
        ({"grpc": True}, Upstream(http2=True)),
        ({"grpc": False}, ANY_UPSTREAM),
        ({"dns_type": "LOGICAL_DNS"}, Upstream(dns=DnsType.LOGICAL)),
        ({"respect_dns_ttl": True}, Upstream(respect_dns_ttl=True)),
        ({"enable_ipv4": False, "enable_ipv6": True}, Upstream(ipv4=False, ipv6=True)),
        ({"cluster_tag": "blue"}, Upstream(tag="blue")),
        ({"keepalive": {"idle_time": 1, "interval": 2, "probes": 3}}, Upstream(keepalive=Keepalive(1, 2, 3))),
        ({"keepalive": {"time": 1}}, Upstream(keepalive=Keepalive(1))),
        ({"keepalive": None, "circuit_breakers": [], "load_balancer": None, "resolver": None}, ANY_UPSTREAM),
        (
            {"circuit_breakers": [{"priority": "high", "max_retries": 1}, {"max_connections": 0}]},
            Upstream(
                circuit_breakers=(CircuitBreaker(max_connections=0), CircuitBreaker(Priority.HIGH, max_retries=1))
            ),
        ),
        (
            {"outlier_detection": {"consecutive_5xx": 1, "max_ejection_percent": 2}},
            Upstream(outliers=OutlierDetection(consecutive_5xx=1, max_ejection_percent=2)),
        ),
    ],
)
def test_fields_mean_the_same_in_all_versions(fields: dict[str, Any], upstream: Upstream) -> None:
    """What the language spells the same in all versions is read the same."""
    for document in (spec(hostname="*", **fields), old(**fields)):
        assert mapping(document).upstream == upstream


def test_older_spellings() -> None:
    """The names that v2 has for fields of v3alpha1."""
    checks = [{"health_check": {"http": {"path": "/"}}}]
    upstream = mapping(old(v3StatsName="a", v3health_checks=checks)).upstream
    assert upstream == Upstream(stat_name="a", health_checks=(HealthCheck(http=HttpCheck("/")),))
    assert mapping(spec(hostname="*", stats_name="a", health_checks=checks)).upstream == upstream


@pytest.mark.parametrize(
    ("balancer", "policy", "key"),
    [
        ({"policy": "round_robin"}, LoadBalancing.ROUND_ROBIN, None),
        ({"policy": "least_request", "source_ip": False}, LoadBalancing.LEAST_REQUEST, None),
        ({"policy": "ring_hash", "header": "X-A"}, LoadBalancing.RING_HASH, HashKey(HashSource.HEADER, "x-a")),
        ({"policy": "maglev", "source_ip": True}, LoadBalancing.MAGLEV, HashKey(HashSource.SOURCE_IP)),
        (
            {"policy": "maglev", "source_ip": False, "cookie": {"name": "a", "path": "/", "ttl": "1m"}},
            LoadBalancing.MAGLEV,
            HashKey(HashSource.COOKIE, "a", "/", 60_000),
        ),
        (
            {"policy": "maglev", "cookie": {"name": "a", "ttl": "0"}},
            LoadBalancing.MAGLEV,
            HashKey(HashSource.COOKIE, "a", "", 0),
        ),
    ],
)
def test_load_balancers(balancer: dict[str, Any], policy: LoadBalancing, key: HashKey | None) -> None:
    """Policy goes to the cluster, the key to the route."""
    found = mapping(spec(hostname="*", load_balancer=balancer))
    assert (found.upstream.balancing, found.policy.hash_key) == (policy, key)


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        (
            {
                "timeout": "1s",
                "interval": "2s",
                "unhealthy_threshold": 3,
                "healthy_threshold": 4,
                "health_check": {
                    "http": {
                        "path": "/a?b",
                        "hostname": "h:1",
                        "add_request_headers": {"B": "x", "A": {"value": "y", "append": False}},
                        "remove_request_headers": ["X", "x"],
                        "expected_statuses": [{"min": 300, "max": 301}, {"min": 200, "max": 200}],
                    }
                },
            },
            HealthCheck(
                1000,
                2000,
                3,
                4,
                http=HttpCheck(
                    "/a?b",
                    "h:1",
                    (HeaderValue("a", "y", append=False), HeaderValue("b", "x")),
                    ("x",),
                    ((200, 200), (300, 301)),
                ),
            ),
        ),
        ({"health_check": {"grpc": {"upstream_name": "s", "authority": "a"}}}, HealthCheck(grpc=GrpcCheck("s", "a"))),
    ],
)
def test_health_checks(check: dict[str, Any], expected: HealthCheck) -> None:
    """All that can be said of a check; what is not said is the language's default."""
    assert mapping(spec(hostname="*", grpc=True, health_checks=[check])).upstream.health_checks == (expected,)


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"connect_timeout_ms": 0}, Code.INVALID_VALUE, "connect_timeout_ms"),
        ({"keepalive": {"probes": 128}}, Code.INVALID_VALUE, "keepalive.probes"),
        ({"keepalive": {"idle_time": 32768}}, Code.INVALID_VALUE, "keepalive.idle_time"),
        ({"keepalive": {"idle_time": 1, "time": 2}}, Code.FIELDS_CONTRADICT, "keepalive.time"),
        ({"keepalive": {"idle": 1}}, Code.UNKNOWN_FIELD, "keepalive.idle"),
        ({"circuit_breakers": [{}, {"priority": "default"}]}, Code.FIELDS_CONTRADICT, "circuit_breakers[1].priority"),
        ({"circuit_breakers": [{"max_requests": 2**32}]}, Code.INVALID_VALUE, "circuit_breakers[0].max_requests"),
        ({"load_balancer": {"policy": "random"}}, Code.INVALID_VALUE, "load_balancer.policy"),
        ({"load_balancer": {"header": "x"}}, Code.MISSING_FIELD, "load_balancer.policy"),
        ({"load_balancer": {"policy": "maglev", "header": "x y"}}, Code.INVALID_VALUE, "load_balancer.header"),
        ({"outlier_detection": {"interval_ms": 0}}, Code.WRONG_TYPE, "outlier_detection"),
        ({"stats_name": "a\x00"}, Code.INVALID_VALUE, "stats_name"),
        ({"health_checks": [{}]}, Code.MISSING_FIELD, "health_checks[0].health_check"),
        (
            {"health_checks": [{"health_check": {"http": {"path": "/"}, "grpc": {"upstream_name": "a"}}}]},
            Code.FIELDS_CONTRADICT,
            "health_checks[0].health_check",
        ),
        (
            {"health_checks": [{"health_check": {"http": {"path": "/", "add_request_headers": {"x": "a\nb"}}}}]},
            Code.INVALID_VALUE,
            "health_checks[0].health_check.http.add_request_headers.x",
        ),
    ],
)
def test_refusals(fields: dict[str, Any], code: Code, field: str) -> None:
    """What cannot work is one error at its place."""
    problem = refusal(spec(hostname="*", **fields))
    assert (problem.code, problem.field) == (code, f"spec.{field}")
    assert "a\nb" not in str(problem)


def test_both_spellings_of_circuit_breakers() -> None:
    """The older spelling does not go with the newer."""
    assert refusal(old(circuit_breaker="a", circuit_breakers=[{}])).field == "spec.circuit_breaker"


def test_a_redirect_has_no_upstream() -> None:
    """Fields of an upstream are ignored with a warning where nothing is forwarded."""
    found, problem = warned_mapping(spec(hostname="*", host_redirect=True, grpc=True))
    assert found.upstream is ANY_UPSTREAM
    assert (problem.code, problem.severity) == (Code.FIELD_IGNORED, Severity.WARNING)


def test_documents_that_mappings_name() -> None:
    """Resolvers of three kinds, and the settings of version 0."""
    loaded = load_text(
        """
apiVersion: ambassador/v0
kind: CircuitBreaker
name: a
max_pending: 1
---
apiVersion: ambassador/v0
kind: OutlierDetection
name: b
max_ejection: 2
---
apiVersion: getambassador.io/v3alpha1
kind: ConsulResolver
metadata: {name: c}
spec: {address: "consul:8500", datacenter: dc1}
---
apiVersion: getambassador.io/v2
kind: KubernetesEndpointResolver
metadata: {name: d}
"""
    )
    assert loaded.problems == ()
    breaker, outliers, consul, endpoints = loaded.resources
    assert isinstance(breaker, CircuitBreakerResource)
    assert breaker.breaker == CircuitBreaker(max_pending_requests=1)
    assert isinstance(outliers, OutlierDetectionResource)
    assert outliers.outliers == OutlierDetection(max_ejection_percent=2)
    assert isinstance(consul, ResolverResource)
    assert (consul.discovery, consul.address, consul.datacenter) == (Discovery.CONSUL, "consul:8500", "dc1")
    assert isinstance(endpoints, ResolverResource)
    assert (endpoints.origin.id.kind, endpoints.discovery) == (Kind.KUBERNETES_ENDPOINT_RESOLVER, Discovery.KUBERNETES)
