"""How Envoy talks to an upstream, in words. Values of headers may be secret and are never shown."""

from collections.abc import Iterator
from hashlib import sha256

from reconciler.model.policy import HashKey, HashSource, HeaderValue
from reconciler.model.table import Cluster
from reconciler.model.tls import Authorities, Identity, KeyPair, UpstreamTls
from reconciler.model.upstream import (
    ANY_UPSTREAM,
    CircuitBreaker,
    HealthCheck,
    HttpCheck,
    IpFamily,
    Keepalive,
    OutlierDetection,
    Upstream,
)
from reconciler.plan.quoting import quoted

_DIGITS = 8  # enough to see that a value is another one


def cluster_words(cluster: Cluster) -> str:
    """The address, and in brackets what is special about the way to it."""
    address = quoted(str(cluster.address))
    if cluster.upstream == ANY_UPSTREAM:
        return address
    return f"{address} ({', '.join(_facts(cluster.upstream))})"


def hash_words(key: HashKey) -> str:
    """What of a request decides its endpoint."""
    match key.source:
        case HashSource.SOURCE_IP:
            return "the client's address"
        case HashSource.HEADER:
            return f"header {quoted(key.name)}"
        case HashSource.COOKIE:
            made = "" if key.ttl_ms is None else f" made with path {quoted(key.path)} for {key.ttl_ms} ms"
            return f"cookie {quoted(key.name)}{made}"


def _facts(upstream: Upstream) -> Iterator[str]:
    yield from _addressing(upstream)
    yield from _connecting(upstream)
    yield from map(_breaker, upstream.circuit_breakers)
    yield from map(_health, upstream.health_checks)
    if upstream.outliers is not None:
        yield _outliers(upstream.outliers)
    if upstream.tls is not None:
        yield _tls(upstream.tls)
    if upstream.tag:
        yield f"tag {quoted(upstream.tag)}"
    if upstream.stat_name:
        yield f"statistics {quoted(upstream.stat_name)}"


def _addressing(upstream: Upstream) -> Iterator[str]:
    if upstream.discovery:
        yield f"endpoints of {upstream.discovery}"
    if upstream.dns:
        yield str(upstream.dns)
    if upstream.respect_dns_ttl:
        yield "DNS TTL"
    if upstream.ip_family is not IpFamily.V4_ONLY:
        yield f"addresses {upstream.ip_family or 'none'}"
    if upstream.balancing:
        yield str(upstream.balancing)


def _connecting(upstream: Upstream) -> Iterator[str]:
    if upstream.http2:
        yield "HTTP/2"
    if upstream.connect_timeout_ms is not None:
        yield f"connect timeout {upstream.connect_timeout_ms} ms"
    if upstream.idle_timeout_ms is not None:
        yield f"idle timeout {_span(upstream.idle_timeout_ms)}"
    if upstream.max_connection_ms is not None:
        yield f"connection lifetime {_span(upstream.max_connection_ms)}"
    if upstream.keepalive is not None:
        yield _keepalive(upstream.keepalive)
    if upstream.buffer_bytes is not None:
        yield f"buffer {upstream.buffer_bytes} bytes"
    if upstream.proper_case:
        yield "header names with capitals"


def _span(milliseconds: int) -> str:
    return f"{milliseconds} ms" if milliseconds else "none"


def _listed(what: str, **numbers: int | str | None) -> str:
    """``what`` with those numbers that are given."""
    given = (f"{name.replace('_', ' ')} {value}" for name, value in numbers.items() if value is not None)
    return " ".join((what, *given))


def _keepalive(keepalive: Keepalive) -> str:
    return _listed("keep-alive", idle_s=keepalive.idle_time_s, interval_s=keepalive.interval_s, probes=keepalive.probes)


def _breaker(breaker: CircuitBreaker) -> str:
    return _listed(
        f"limits of {breaker.priority}",
        connections=breaker.max_connections,
        pending=breaker.max_pending_requests,
        requests=breaker.max_requests,
        retries=breaker.max_retries,
    )


def _health(check: HealthCheck) -> str:
    every = (
        f"every {check.interval_ms} ms within {check.timeout_ms} ms "
        f"down after {check.unhealthy_threshold} up after {check.healthy_threshold}"
    )
    if check.grpc is not None:
        return f"health check gRPC {quoted(check.grpc.service)} as {quoted(check.grpc.authority)} {every}"
    return f"health check {_http(check.http) if check.http else ''} {every}"


def _http(check: HttpCheck) -> str:
    words = [quoted(check.path)]
    if check.host:
        words.append(f"of {quoted(check.host)}")
    words += (f"with {_header(header)}" for header in check.add_headers)
    words += (f"without {quoted(name)}" for name in check.remove_headers)
    words += (f"status {first}-{last}" for first, last in check.statuses)
    return " ".join(words)


def _header(header: HeaderValue) -> str:
    verb = "more" if header.append else "only"
    return f"{verb} {quoted(header.name)} (sha256 {sha256(header.value.encode()).hexdigest()[:_DIGITS]})"


def _outliers(outliers: OutlierDetection) -> str:
    return _listed(
        "ejection",
        after_5xx=outliers.consecutive_5xx,
        after_gateway_failures=outliers.consecutive_gateway_failure,
        interval_ms=outliers.interval_ms,
        for_ms=outliers.base_ejection_time_ms,
        at_most_percent=outliers.max_ejection_percent,
    )


def _tls(tls: UpstreamTls) -> str:
    spoken = tls.parameters
    words = {
        "signed by": _authorities(tls.authorities) if tls.authorities else "",
        "revoked by": _authorities(tls.crl) if tls.crl else "",
        "as": _identity(tls.identity) if tls.identity else "",
        "for": quoted(tls.sni) if tls.sni else "",
        "from": str(spoken.min_version or ""),
        "to": str(spoken.max_version or ""),
        "ciphers": " ".join(map(quoted, spoken.cipher_suites)),
        "curves": " ".join(map(quoted, spoken.ecdh_curves)),
        "alpn": " ".join(map(quoted, spoken.alpn)),
    }
    said = (f"{name} {value}" for name, value in words.items() if value)
    return " ".join(("TLS" if tls.verify else "TLS unverified", *said))


def _authorities(authorities: Authorities) -> str:
    return f"file {quoted(authorities)}" if isinstance(authorities, str) else f"secret {quoted(str(authorities))}"


def _identity(identity: Identity) -> str:
    if isinstance(identity, KeyPair):
        return f"files {quoted(identity.chain)} {quoted(identity.key)}"
    return f"secret {quoted(str(identity))}"
