"""How Envoy talks to an upstream, in words."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.envoy import RenderOptions
from reconciler.envoy.clusters.cluster import cluster as rendered
from reconciler.model.policy import HashKey, HashSource, HeaderValue, Priority
from reconciler.model.resource import ServiceAddress
from reconciler.model.table import Cluster
from reconciler.model.upstream import (
    CircuitBreaker,
    DnsType,
    GrpcCheck,
    HealthCheck,
    HttpCheck,
    Keepalive,
    LoadBalancing,
    OutlierDetection,
    Upstream,
)
from reconciler.plan.upstreams import cluster_words, hash_words

_NUMBERS = st.none() | st.integers(0, 3)
_TEXTS = st.sampled_from(["", "a", "a b", "a,b", '"'])
_HEADERS = st.lists(st.builds(HeaderValue, _TEXTS, _TEXTS, st.booleans()), max_size=2).map(tuple)
_STATUSES = st.lists(st.sampled_from([(200, 200), (200, 299)]), max_size=2).map(tuple)
_HTTP = st.builds(HttpCheck, _TEXTS, _TEXTS, _HEADERS, st.lists(_TEXTS, max_size=2).map(tuple), _STATUSES)
_CHECKS = st.builds(HealthCheck, st.integers(1, 2), st.integers(1, 2), http=_HTTP) | st.builds(
    HealthCheck, grpc=st.builds(GrpcCheck, _TEXTS, _TEXTS)
)
_BREAKERS = st.builds(CircuitBreaker, st.sampled_from(Priority), _NUMBERS, _NUMBERS, _NUMBERS, _NUMBERS)
_UPSTREAMS = st.builds(
    Upstream,
    connect_timeout_ms=st.none() | st.integers(1, 2),
    idle_timeout_ms=_NUMBERS,
    max_connection_ms=_NUMBERS,
    http2=st.none() | st.booleans(),
    circuit_breakers=st.lists(_BREAKERS, max_size=2).map(tuple),
    keepalive=st.none() | st.builds(Keepalive, _NUMBERS, _NUMBERS, _NUMBERS),
    balancing=st.none() | st.sampled_from(LoadBalancing),
    dns=st.none() | st.sampled_from(DnsType),
    respect_dns_ttl=st.none() | st.booleans(),
    ipv4=st.none() | st.booleans(),
    ipv6=st.none() | st.booleans(),
    health_checks=st.lists(_CHECKS, max_size=1).map(tuple),
    outliers=st.none() | st.builds(OutlierDetection, _NUMBERS, _NUMBERS, _NUMBERS, _NUMBERS, _NUMBERS),
    stat_name=_TEXTS,
)
_ADDRESS = ServiceAddress("svc.test", 80)


@given(st.data())
def test_what_reads_the_same_is_the_same_to_envoy(data: st.DataObject) -> None:
    """Two ways to talk to a service that Envoy tells apart are told apart in a plan."""
    one = data.draw(_UPSTREAMS)
    other = replace(one, **{name: getattr(data.draw(_UPSTREAMS), name) for name in data.draw(_FIELDS)})
    clusters = [Cluster("c", _ADDRESS, upstream) for upstream in (one, other)]
    if cluster_words(clusters[0]) == cluster_words(clusters[1]):
        assert rendered(clusters[0], RenderOptions()) == rendered(clusters[1], RenderOptions())


_FIELDS = st.lists(
    st.sampled_from(["idle_timeout_ms", "circuit_breakers", "keepalive", "health_checks", "outliers", "ipv6", "http2"]),
    min_size=1,
    max_size=2,
)


def test_values_of_headers_are_not_shown() -> None:
    """A header of a health check may be a credential."""
    check = HealthCheck(http=HttpCheck("/", add_headers=(HeaderValue("authorization", "hunter2"),)))
    words = cluster_words(Cluster("c", _ADDRESS, Upstream(health_checks=(check,))))
    assert "authorization" in words
    assert "hunter2" not in words


def test_keys_read_differently() -> None:
    """Whatever decides the endpoint has words of its own."""
    keys = [
        HashKey(HashSource.SOURCE_IP),
        HashKey(HashSource.HEADER, "a"),
        HashKey(HashSource.COOKIE, "a"),
        HashKey(HashSource.COOKIE, "a", "", 0),
        HashKey(HashSource.COOKIE, "a", "/", 0),
    ]
    assert len({hash_words(key) for key in keys}) == len(keys)
