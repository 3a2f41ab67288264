"""What all listeners have in common: settings of the Module, and the services every request passes."""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.policy import ErrorReply
from reconciler.model.services import Auth, RateLimit, RemoteLog, Tracing


class GzipStrategy(StrEnum):
    """How the compressor looks for repetitions (``Gzip.CompressionStrategy``)."""

    DEFAULT = "DEFAULT_STRATEGY"
    FILTERED = "FILTERED"
    HUFFMAN_ONLY = "HUFFMAN_ONLY"
    RLE = "RLE"
    FIXED = "FIXED"


@dataclass(frozen=True, slots=True)
class Gzip:
    """Compress answers for clients that accept it; None and empty for Envoy's defaults.

    https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/compressor_filter

    Attributes:
        min_content_length: bytes; shorter answers are sent as they are.
        level: 0 for Envoy's default, 1 (fastest) to 9 (smallest).
        window_bits: 9 to 15, the base two logarithm of the window.
        memory_level: 1 to 9.
        content_types: which answers.
        skip_etag: answers with an ``etag`` are sent as they are.
        hide_accept_encoding: the upstream is not told that the client accepts compression.
    """

    min_content_length: int | None = None
    level: int | None = None
    strategy: GzipStrategy | None = None
    window_bits: int | None = None
    memory_level: int | None = None
    content_types: tuple[str, ...] = ()
    skip_etag: bool = False
    hide_accept_encoding: bool = False


@dataclass(frozen=True, slots=True)
class GrpcStats:
    """Statistics of gRPC calls; ``services`` (each with its methods) wins over ``all_methods``."""

    all_methods: bool = False
    services: tuple[tuple[str, tuple[str, ...]], ...] = ()
    upstream: bool = False


@dataclass(frozen=True, slots=True, order=True)
class IpRange:
    """Addresses of clients, by CIDR (RFC 4632). ``peer``: of the connection, whatever headers say."""

    address: str
    bits: int
    peer: bool

    def __str__(self) -> str:
        return f"{'peer' if self.peer else 'remote'} {self.address}/{self.bits}"


@dataclass(frozen=True, slots=True)
class IpRules:
    """Only clients in ``ranges`` are served (``allow``), or all others; the rest is answered 403."""

    allow: bool
    ranges: tuple[IpRange, ...]


class LogType(StrEnum):
    """One line of words, or one line of JSON, per request."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The access log, where a Module speaks of it; empty for what the settings say.

    ``format``: of a line of words, or as canonical JSON that of a line of JSON.
    """

    path: str = ""
    type: LogType | None = None
    format: str = ""


class ForwardCert(StrEnum):
    """What becomes of ``x-forwarded-client-cert`` (``HttpConnectionManager.ForwardClientCertDetails``)."""

    SANITIZE = "SANITIZE"
    FORWARD_ONLY = "FORWARD_ONLY"
    APPEND_FORWARD = "APPEND_FORWARD"
    SANITIZE_SET = "SANITIZE_SET"
    ALWAYS_FORWARD_ONLY = "ALWAYS_FORWARD_ONLY"


class Underscores(StrEnum):
    """What becomes of headers whose name has an underscore (``HttpProtocolOptions``)."""

    ALLOW = "ALLOW"
    REJECT_REQUEST = "REJECT_REQUEST"
    DROP_HEADER = "DROP_HEADER"


@dataclass(frozen=True, slots=True)
class Connections:
    """How requests are read off client connections; None for Envoy's defaults.

    https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto

    Attributes:
        use_remote_address: the client is who connects; otherwise who ``x-forwarded-for`` names.
        trusted_hops: proxies in front whose ``x-forwarded-*`` are believed, where the Listener does not say.
        idle_timeout_ms: a connection without requests is closed after so many milliseconds; 0 for never.
        max_headers_kb: KiB of request headers.
        http10: HTTP/1.0 is answered, too.
        chunked_length: a request with both ``content-length`` and ``transfer-encoding`` is taken, without the former.
        strip_port: the listener's own port is taken off the host before it is matched and sent on.
        proxy_protocol: connections begin with the PROXY protocol, at the listener that no Listener describes.
    """

    use_remote_address: bool = True
    trusted_hops: int = 0
    idle_timeout_ms: int | None = None
    max_headers_kb: int | None = None
    http10: bool = False
    chunked_length: bool = False
    strip_port: bool = False
    proxy_protocol: bool = False
    underscores: Underscores | None = None


@dataclass(frozen=True, slots=True)
class Paths:
    """How the path of a request is read before it is matched.

    ``merge_slashes``: ``//`` is ``/``. ``reject_escaped_slashes``: ``%2F`` and ``%5C`` are answered 400.
    """

    merge_slashes: bool = False
    reject_escaped_slashes: bool = False


@dataclass(frozen=True, slots=True)
class Headers:
    """Headers that Envoy writes by itself.

    Attributes:
        server: value of ``server``; empty for ``envoy``.
        suppress_envoy: none of the ``x-envoy-*`` headers.
        keep_request_id: a client's ``x-request-id`` is kept.
        proper_case: the words of header names are capitalised in HTTP/1; towards upstreams see `Upstream`.
        forward_cert: None for SANITIZE.
        cert_details: what of a client's certificate goes into ``x-forwarded-client-cert``, sorted.
    """

    server: str = ""
    suppress_envoy: bool = False
    keep_request_id: bool = False
    proper_case: bool = False
    forward_cert: ForwardCert | None = None
    cert_details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filters:
    """What is done to every request.

    Attributes:
        grpc_bridge: gRPC over HTTP/1.1 is made gRPC over HTTP/2.
        grpc_web: gRPC-Web is made gRPC.
        lua: a script, run for every request; empty for none.
        buffer_bytes: requests are held back until they are complete; a longer one is answered 413. None: streamed.
        errors: bodies of error answers, on routes that do not say otherwise.
    """

    grpc_bridge: bool = False
    grpc_web: bool = False
    grpc_stats: GrpcStats | None = None
    lua: str = ""
    gzip: Gzip | None = None
    buffer_bytes: int | None = None
    ip_rules: IpRules | None = None
    errors: tuple[ErrorReply, ...] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """Requests to paths that begin with ``prefix`` are answered 200 by Envoy itself.

    ``past_auth``: without the auth service.
    """

    prefix: str
    past_auth: bool = False

    def precedes(self, precedence: int, path: str) -> bool:
        """Whether a rule of that precedence and path is asked later; one as strong was written on purpose."""
        return (0, len(self.prefix)) > (precedence, len(path))


LIVENESS = Probe("/ambassador/v0/check_alive")
READINESS = Probe("/ambassador/v0/check_ready")


DEFAULT_CONNECTIONS, DEFAULT_PATHS, DEFAULT_HEADERS = Connections(), Paths(), Headers()
NO_FILTERS = Filters()


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How requests of clients are read and answered, from the ``ambassador`` Module.

    Attributes:
        log: None for what the settings say.
        probes: sorted.
        redirect_http: requests that ``x-forwarded-proto`` calls ``http`` are redirected, where no Host says otherwise.
    """

    connections: Connections = DEFAULT_CONNECTIONS
    paths: Paths = DEFAULT_PATHS
    headers: Headers = DEFAULT_HEADERS
    filters: Filters = NO_FILTERS
    log: LogSettings | None = None
    probes: tuple[Probe, ...] = (LIVENESS, READINESS)
    redirect_http: bool = False


DEFAULT_HTTP = HttpSettings()


@dataclass(frozen=True, slots=True)
class Edge:
    """Settings of every HTTP listener.

    Attributes:
        logs: sorted by name.
        own_error_bodies: some Mapping has bodies of its own for error answers.
    """

    http: HttpSettings = DEFAULT_HTTP
    auth: Auth | None = None
    rate_limit: RateLimit | None = None
    tracing: Tracing | None = None
    logs: tuple[RemoteLog, ...] = ()
    own_error_bodies: bool = False


PLAIN_EDGE = Edge()
