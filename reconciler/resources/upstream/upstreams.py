"""The fields of a Mapping that say how Envoy talks to its service."""

from dataclasses import dataclass

from reconciler.model.policy import HashKey
from reconciler.model.problem import Code
from reconciler.model.upstream import ANY_UPSTREAM, DnsType, Keepalive, Upstream
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown
from reconciler.resources.patterns import has_control_characters
from reconciler.resources.upstream.circuit_breakers import read_circuit_breakers
from reconciler.resources.upstream.health_checks import read_health_checks
from reconciler.resources.upstream.load_balancers import read_load_balancer
from reconciler.resources.upstream.outliers import read_outliers

# Older spellings come first where both are read.
_STATS_NAMES = ("v3StatsName", "stats_name")
_HEALTH_CHECKS = ("v3health_checks", "health_checks")
UPSTREAM_FIELDS = frozenset({
    *_STATS_NAMES, *_HEALTH_CHECKS, "circuit_breaker", "circuit_breakers", "cluster_idle_timeout_ms",
    "cluster_max_connection_lifetime_ms", "cluster_tag", "connect_timeout_ms", "dns_type", "enable_ipv4",
    "enable_ipv6", "grpc", "keepalive", "load_balancer", "outlier_detection", "resolver", "respect_dns_ttl",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class UpstreamReading:
    """How to talk to a service, and what names other documents.

    Attributes:
        hash_key: of a load balancer that hashes.
        resolver, circuit_breaker, outlier_detection: names, as written; empty for none.
    """

    upstream: Upstream = ANY_UPSTREAM
    hash_key: HashKey | None = None
    resolver: str = ""
    circuit_breaker: str = ""
    outlier_detection: str = ""


NO_UPSTREAM_FIELDS = UpstreamReading()


def read_upstream(fields: Fields) -> UpstreamReading:
    """What a Mapping says of its upstream; most say nothing."""
    given = fields.values.keys() & UPSTREAM_FIELDS
    if not given:
        return NO_UPSTREAM_FIELDS
    if fields.flag("host_redirect"):
        for name in sorted(given):
            fields.ignored(name, "a redirect forwards nothing")
        return NO_UPSTREAM_FIELDS
    balancer = read_load_balancer(fields)
    dns = fields.text("dns_type")
    http2 = fields.flag("grpc")
    upstream = Upstream(
        connect_timeout_ms=fields.integer("connect_timeout_ms"),
        idle_timeout_ms=fields.integer("cluster_idle_timeout_ms"),
        max_connection_ms=fields.integer("cluster_max_connection_lifetime_ms"),
        http2=http2 or None,
        circuit_breakers=read_circuit_breakers(fields),
        keepalive=read_keepalive(fields),
        balancing=balancer.policy if balancer else None,
        dns=DnsType(dns.lower()) if dns else None,
        respect_dns_ttl=_said(fields, "respect_dns_ttl"),
        ipv4=_said(fields, "enable_ipv4"),
        ipv6=_said(fields, "enable_ipv6"),
        health_checks=tuple(
            check for name in _HEALTH_CHECKS for check in read_health_checks(fields, name, http2=http2)
        ),
        outliers=read_outliers(fields),
        tag=fields.text("cluster_tag") or "",
        stat_name=_stat_name(fields),
    )
    return UpstreamReading(
        upstream,
        hash_key=balancer.key if balancer else None,
        resolver=fields.text("resolver") or "",
        circuit_breaker=_circuit_breaker(fields),
        outlier_detection=fields.text("outlier_detection") or "",
    )


def read_keepalive(fields: Fields, name: str = "keepalive") -> Keepalive | None:
    """TCP keep-alive; ``time`` is what the other implementation reads, ``idle_time`` what the language says."""
    if not isinstance(fields.values.get(name), dict):
        return None
    inside = fields.inside(name)
    idle, time = inside.integer("idle_time"), inside.integer("time")
    if idle is not None and time is not None and idle != time:
        message = "time and idle_time are the same setting, and they differ"
        inside.report(Code.FIELDS_CONTRADICT, message, "time", expected=str(idle), got=str(time), hint="remove one")
    return Keepalive(time if idle is None else idle, inside.integer("interval"), inside.integer("probes"))


def _said(fields: Fields, name: str) -> bool | None:
    value = fields.values.get(name)
    return value if isinstance(value, bool) else None


def _stat_name(fields: Fields) -> str:
    for name in _STATS_NAMES:
        text = fields.text(name)
        if text and has_control_characters(text):
            fields.report(Code.INVALID_VALUE, "a name holds no control characters", name, got=shown(text))
        if text:
            return text
    return ""


def _circuit_breaker(fields: Fields) -> str:
    name = fields.text("circuit_breaker") or ""
    if name and fields.values.get("circuit_breakers"):
        message = "circuit_breaker is the older spelling of circuit_breakers"
        fields.report(Code.FIELDS_CONTRADICT, message, "circuit_breaker", hint="remove one of the two")
    return name
