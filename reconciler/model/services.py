"""Services that requests are shown to on their way: authentication, rate limits, traces, logs.

Each kind has its settings, which the resource and the route table share; the resource adds where the service is as it
was written, the table where it is in the end.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from reconciler.model.origin import Origin
from reconciler.model.policy import Pairs
from reconciler.model.upstream import ANY_UPSTREAM, ServiceAddress, Upstream


@dataclass(frozen=True, slots=True)
class Backend:
    """Where such a service is, and how Envoy talks to it.

    Attributes:
        tls_context: name of a TLSContext, ``name`` or ``name.namespace``, as written; empty for none.
    """

    address: ServiceAddress
    upstream: Upstream = ANY_UPSTREAM
    tls_context: str = ""


@dataclass(frozen=True, slots=True)
class Reached:
    """Such a service as the table has it: ``namespace/name`` of its document, its address and its cluster."""

    name: str
    address: ServiceAddress
    cluster: str


class AuthProtocol(StrEnum):
    """How the auth service is asked: with the head of the request, or with ``envoy.service.auth.v3``."""

    HTTP = "http"
    GRPC = "grpc"


@dataclass(frozen=True, slots=True)
class BodyCopy:
    """How much of a request's body the auth service sees.

    Attributes:
        max_bytes: bytes that are buffered.
        allow_partial: a longer body is shown in part; otherwise the client gets 413.
    """

    max_bytes: int
    allow_partial: bool


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """How requests are authenticated.

    Attributes:
        path_prefix: put before the path of the request (HTTP).
        timeout_ms: milliseconds to answer.
        request_headers: further headers of the request that an HTTP service sees, lower case, sorted.
        reply_headers: further headers of its reply that reach the upstream or the client, lower case, sorted.
        add_headers: sent to an HTTP service, sorted.
        linkerd: send it ``l5d-dst-override``; None for the Module's word.
        failure_mode_allow: a request passes when the service does not answer.
        status_on_error: what the client gets when it does not answer and that is not allowed; None for 403.
    """

    protocol: AuthProtocol = AuthProtocol.HTTP
    path_prefix: str = ""
    timeout_ms: int = 5000
    request_headers: tuple[str, ...] = ()
    reply_headers: tuple[str, ...] = ()
    add_headers: Pairs = ()
    linkerd: bool | None = None
    body: BodyCopy | None = None
    failure_mode_allow: bool = False
    status_on_error: int | None = None


@dataclass(frozen=True, slots=True)
class AuthServiceResource:
    """One AuthService: every request passes it but those of Mappings with ``bypass_auth``."""

    origin: Origin
    backend: Backend
    settings: AuthSettings


@dataclass(frozen=True, slots=True)
class Auth:
    """The auth service of a table."""

    service: Reached
    settings: AuthSettings


@dataclass(frozen=True, slots=True)
class RateLimitSettings:
    """How rates are limited.

    Attributes:
        domain: whose labels are sent; empty for the Module's ``default_label_domain``.
        timeout_ms: milliseconds to answer.
        failure_mode_deny: a request is refused when the service does not answer.
        resource_exhausted: a limited gRPC call gets RESOURCE_EXHAUSTED instead of UNAVAILABLE.
    """

    domain: str = ""
    timeout_ms: int = 20
    failure_mode_deny: bool = False
    resource_exhausted: bool = False


@dataclass(frozen=True, slots=True)
class RateLimitServiceResource:
    """One RateLimitService: it is asked about every request whose Mapping has labels of its domain."""

    origin: Origin
    backend: Backend
    settings: RateLimitSettings


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The rate-limit service of a table; ``settings.domain`` is set."""

    service: Reached
    settings: RateLimitSettings


class TraceDriver(StrEnum):
    """Whom the spans are for."""

    ZIPKIN = "zipkin"
    DATADOG = "datadog"
    OPENTELEMETRY = "opentelemetry"


class TraceFormat(StrEnum):
    """How spans are written for Zipkin, version 2 of its API."""

    JSON = "HTTP_JSON"
    PROTO = "HTTP_PROTO"


class TagSource(StrEnum):
    """Where the value of a tag comes from."""

    LITERAL = "literal"
    ENVIRONMENT = "environment"
    REQUEST_HEADER = "request_header"


@dataclass(frozen=True, slots=True, order=True)
class TraceTag:
    """A tag of every span.

    Attributes:
        value: the literal, or the name of the variable or header.
        default: value where the variable or header is missing; empty: no tag then.
    """

    tag: str
    source: TagSource
    value: str
    default: str = ""


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which requests are traced, in percent: those a client asks for, those drawn at random, and at most overall."""

    client: int = 100
    random: int = 100
    overall: int = 100


@dataclass(frozen=True, slots=True)
class TraceSettings:
    """What is traced, and how it is told.

    Attributes:
        tags: as written.
        endpoint: path of the Zipkin collector.
        hostname: ``host`` header for the collector; empty for Envoy's choice.
        trace_id_128bit: Zipkin trace ids are 128 bits long, else 64.
        shared_span_context: client and server share a Zipkin span.
        w3c: Zipkin also reads and writes the ``traceparent`` header.
        service_name: of Envoy in Datadog and OpenTelemetry; empty for Envoy's choice.
    """

    driver: TraceDriver
    sampling: Sampling = Sampling()
    tags: tuple[TraceTag, ...] = ()
    endpoint: str = "/api/v2/spans"
    format: TraceFormat = TraceFormat.JSON
    hostname: str = ""
    trace_id_128bit: bool = True
    shared_span_context: bool = True
    w3c: bool = False
    service_name: str = ""


@dataclass(frozen=True, slots=True)
class TracingServiceResource:
    """One TracingService."""

    origin: Origin
    backend: Backend
    settings: TraceSettings


@dataclass(frozen=True, slots=True)
class Tracing:
    """The tracing of a table."""

    service: Reached
    settings: TraceSettings


class LogDriver(StrEnum):
    """Which of the two entries of ``envoy.service.accesslog.v3`` a request is logged as."""

    HTTP = "http"
    TCP = "tcp"


@dataclass(frozen=True, slots=True)
class RemoteLogSettings:
    """What is logged, and when it is sent.

    Attributes:
        request_headers, response_headers, response_trailers: logged besides, lower case, sorted (HTTP).
        flush_interval_ms: entries wait at most so many milliseconds.
        flush_bytes: and no longer than until there are so many bytes of them.
    """

    driver: LogDriver
    request_headers: tuple[str, ...] = ()
    response_headers: tuple[str, ...] = ()
    response_trailers: tuple[str, ...] = ()
    flush_interval_ms: int = 1000
    flush_bytes: int = 16384


@dataclass(frozen=True, slots=True)
class LogServiceResource:
    """One LogService; several may be."""

    origin: Origin
    backend: Backend
    settings: RemoteLogSettings


@dataclass(frozen=True, slots=True)
class RemoteLog:
    """One remote access log of a table."""

    service: Reached
    settings: RemoteLogSettings


ServiceResource: TypeAlias = (
    AuthServiceResource | RateLimitServiceResource | TracingServiceResource | LogServiceResource
)
