"""Upstreams: where they are and how Envoy talks to them."""

from dataclasses import dataclass, fields, replace
from enum import StrEnum

from reconciler.model.policy import HeaderValue, Priority
from reconciler.model.tls import UpstreamTls


@dataclass(frozen=True, slots=True, order=True)
class ServiceAddress:
    """An upstream: fully qualified host, port, and whether Envoy speaks TLS to it."""

    host: str
    port: int
    tls: bool = False

    @property
    def authority(self) -> str:
        """The host as a ``host`` header has it: an IPv6 address in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host

    def __str__(self) -> str:
        return f"{'https://' if self.tls else ''}{self.authority}:{self.port}"


@dataclass(frozen=True, slots=True, order=True)
class CircuitBreaker:
    """Limits on what one Envoy has under way with an upstream, for requests of one priority; None for Envoy's."""

    priority: Priority = Priority.DEFAULT
    max_connections: int | None = None
    max_pending_requests: int | None = None
    max_requests: int | None = None
    max_retries: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class Keepalive:
    """TCP keep-alive, in seconds and probes; None for the system's."""

    idle_time_s: int | None = None
    interval_s: int | None = None
    probes: int | None = None


class LoadBalancing(StrEnum):
    """How an endpoint is chosen (``Cluster.LbPolicy``)."""

    ROUND_ROBIN = "round_robin"
    LEAST_REQUEST = "least_request"
    RING_HASH = "ring_hash"
    MAGLEV = "maglev"

    @property
    def hashes(self) -> bool:
        """Whether something of the request decides, so that equal requests go to the same endpoint."""
        return self in (LoadBalancing.RING_HASH, LoadBalancing.MAGLEV)


class DnsType(StrEnum):
    """``STRICT``: all addresses of a name are endpoints; ``LOGICAL``: a new connection goes to the first."""

    STRICT = "strict_dns"
    LOGICAL = "logical_dns"


class IpFamily(StrEnum):
    """Which addresses of a name are used (``Cluster.DnsLookupFamily``)."""

    V4_ONLY = "V4_ONLY"
    V6_ONLY = "V6_ONLY"
    AUTO = "AUTO"


@dataclass(frozen=True, slots=True, order=True)
class HttpCheck:
    """A GET whose status must be in one of ``statuses`` (first and last, inclusive; empty: 200)."""

    path: str
    host: str = ""
    add_headers: tuple[HeaderValue, ...] = ()
    remove_headers: tuple[str, ...] = ()
    statuses: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class GrpcCheck:
    """A ``grpc.health.v1`` check of ``service``; https://github.com/grpc/grpc/blob/master/doc/health-checking.md."""

    service: str
    authority: str = ""


@dataclass(frozen=True, slots=True, order=True)
class HealthCheck:
    """An active health check; times in milliseconds, thresholds in checks. Exactly one of the two is set."""

    timeout_ms: int = 3000
    interval_ms: int = 5000
    unhealthy_threshold: int = 2
    healthy_threshold: int = 1
    http: HttpCheck | None = None
    grpc: GrpcCheck | None = None


@dataclass(frozen=True, slots=True, order=True)
class OutlierDetection:
    """When an endpoint that fails is left alone for a while; times in milliseconds; None for Envoy's.

    https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier
    """

    consecutive_5xx: int | None = None
    consecutive_gateway_failure: int | None = None
    interval_ms: int | None = None
    base_ejection_time_ms: int | None = None
    max_ejection_percent: int | None = None


class Discovery(StrEnum):
    """Who knows the endpoints of a service: DNS, the Kubernetes endpoint objects, or Consul."""

    DNS = "dns"
    KUBERNETES = "kubernetes"
    CONSUL = "consul"


@dataclass(frozen=True, slots=True)
class Upstream:
    """How Envoy talks to a service; ``None`` and empty mean that nothing is said, and the next to ask decides.

    Attributes:
        connect_timeout_ms: milliseconds to connect.
        idle_timeout_ms: a connection without requests is closed after so many milliseconds; 0 for never.
        max_connection_ms: a connection is drained after so many milliseconds; 0 for never.
        http2: speak HTTP/2 without being asked (``grpc``).
        ipv4, ipv6: which addresses of a name are used; `ip_family` says what follows.
        discovery: who knows the endpoints; None for DNS.
        tls: settings of a TLSContext, or None: the certificate is verified with the CA file of the settings.
        tag: whatever is written here keeps this upstream's connections apart from others'.
        stat_name: name in Envoy's statistics.
        buffer_bytes: bytes that are buffered per connection.
        proper_case: the words of header names are capitalised in HTTP/1.
    """

    connect_timeout_ms: int | None = None
    idle_timeout_ms: int | None = None
    max_connection_ms: int | None = None
    http2: bool | None = None
    circuit_breakers: tuple[CircuitBreaker, ...] = ()
    keepalive: Keepalive | None = None
    balancing: LoadBalancing | None = None
    dns: DnsType | None = None
    respect_dns_ttl: bool | None = None
    ipv4: bool | None = None
    ipv6: bool | None = None
    health_checks: tuple[HealthCheck, ...] = ()
    outliers: OutlierDetection | None = None
    discovery: Discovery | None = None
    tls: UpstreamTls | None = None
    tag: str = ""
    stat_name: str = ""
    buffer_bytes: int | None = None
    proper_case: bool | None = None

    @property
    def ip_family(self) -> IpFamily | None:
        """Which addresses are used: those of IPv4 and no others unless told otherwise; None when both are off."""
        ipv4 = self.ipv4 is not False
        if self.ipv6:
            return IpFamily.AUTO if ipv4 else IpFamily.V6_ONLY
        return IpFamily.V4_ONLY if ipv4 else None

    def over(self, weaker: "Upstream") -> "Upstream":
        """This, with what it does not say taken from ``weaker``."""
        unsaid = {f.name: getattr(weaker, f.name) for f in fields(self) if getattr(self, f.name) in (None, (), "")}
        return replace(self, **unsaid)


ANY_UPSTREAM = Upstream()
