"""What a Mapping asks of its route besides where it goes: retries, headers, CORS, limits, replies.

``None`` and empty mean that the Mapping does not say; the ``table`` stage fills in what the Module says.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from reconciler.model.match import StringMatch


class Priority(StrEnum):
    """Which circuit breakers count a request (``RouteAction.priority``)."""

    DEFAULT = "DEFAULT"
    HIGH = "HIGH"


@dataclass(frozen=True, slots=True, order=True)
class RetryPolicy:
    """When and how often a request is tried again.

    Attributes:
        retry_on: Envoy's words, sorted; https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-retry-on
        num_retries: None for Envoy's 1.
        per_try_timeout_ms: milliseconds; None for the timeout of the whole request.
        statuses: HTTP statuses that are tried again, for ``retriable-status-codes``.
    """

    retry_on: tuple[str, ...]
    num_retries: int | None = None
    per_try_timeout_ms: int | None = None
    statuses: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Cors:
    """Which origins may read the answers, and how (https://fetch.spec.whatwg.org/#http-cors-protocol).

    ``max_age`` is in seconds, as text; empty is left out.
    """

    origins: tuple[StringMatch, ...]
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    exposed_headers: tuple[str, ...] = ()
    credentials: bool | None = None
    max_age: str = ""


@dataclass(frozen=True, slots=True, order=True)
class HeaderValue:
    """A header to set; ``append`` keeps what is there already, otherwise it is replaced."""

    name: str
    value: str
    append: bool = True


@dataclass(frozen=True, slots=True, order=True)
class HeaderChanges:
    """Headers to set (sorted by name, as written otherwise) and to remove (sorted)."""

    add: tuple[HeaderValue, ...] = ()
    remove: tuple[str, ...] = ()


NO_HEADER_CHANGES = HeaderChanges()


class Descriptor(StrEnum):
    """What of a request goes into a rate-limit descriptor."""

    SOURCE_CLUSTER = "source_cluster"
    DESTINATION_CLUSTER = "destination_cluster"
    REMOTE_ADDRESS = "remote_address"
    REQUEST_HEADERS = "request_headers"
    GENERIC_KEY = "generic_key"


@dataclass(frozen=True, slots=True, order=True)
class LimitEntry:
    """One entry of a descriptor.

    Attributes:
        key: of ``REQUEST_HEADERS`` and ``GENERIC_KEY``; empty for Envoy's default.
        value: the header's name, or the generic value.
        omit_if_not_present: a missing header leaves only this entry out, not the whole descriptor.
    """

    kind: Descriptor
    key: str = ""
    value: str = ""
    omit_if_not_present: bool = False


@dataclass(frozen=True, slots=True, order=True)
class LimitLabels:
    """Descriptors for the rate-limit service of one domain, one tuple of entries per named group, as written."""

    domain: str
    groups: tuple[tuple[str, tuple[LimitEntry, ...]], ...]


@dataclass(frozen=True, slots=True, order=True)
class LocalLimit:
    """A token bucket inside each Envoy: ``tokens`` at most, ``per_fill`` more every ``interval_ms`` milliseconds."""

    tokens: int
    per_fill: int
    interval_ms: int
    status: int = 429


@dataclass(frozen=True, slots=True, order=True)
class DirectResponse:
    """What Envoy answers by itself, in place of the upstream.

    https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto#config-route-v3-directresponseaction

    Attributes:
        body: as it stands.
        content_type: empty for Envoy's ``text/plain``.
        retry_after_s: seconds after which to ask again (RFC 9110, section 10.2.3); None for nothing of that.
        maintenance: it stands in for an upstream only for a while.
    """

    status: int
    body: str = ""
    content_type: str = ""
    retry_after_s: int | None = None
    maintenance: bool = False


@dataclass(frozen=True, slots=True, order=True)
class ErrorReply:
    """Replace the body of answers with ``status``, Envoy's own and the upstream's.

    Attributes:
        body: a format of Envoy's, as canonical JSON where ``json``; of a ``file`` its path on Envoy's machine.
        content_type: empty for ``text/plain``, or ``application/json`` where ``json``.
    """

    status: int
    body: str
    content_type: str = ""
    json: bool = False
    file: bool = False


class HashSource(StrEnum):
    """What of a request decides its endpoint."""

    COOKIE = "cookie"
    HEADER = "header"
    SOURCE_IP = "source_ip"


@dataclass(frozen=True, slots=True, order=True)
class HashKey:
    """Requests with the same value go to the same endpoint.

    Attributes:
        name: of the cookie or header.
        path: of a cookie Envoy makes.
        ttl_ms: lifetime of a cookie Envoy makes, milliseconds; 0 for a session, None when Envoy makes none.
    """

    source: HashSource
    name: str = ""
    path: str = ""
    ttl_ms: int | None = None


Pairs: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RoutePolicy:
    """Everything of the above that one Mapping asks for.

    Attributes:
        idle_timeout_ms: of the stream, milliseconds; 0 for none.
        upgrades: protocols a client may switch to, lower case, sorted (``websocket``).
        linkerd: add ``l5d-dst-override``; None for the Module's word.
        auth_context: sent to the auth service, sorted.
        errors: None for the Module's; empty for none.
    """

    request_headers: HeaderChanges = NO_HEADER_CHANGES
    response_headers: HeaderChanges = NO_HEADER_CHANGES
    retry: RetryPolicy | None = None
    cors: Cors | None = None
    priority: Priority | None = None
    idle_timeout_ms: int | None = None
    upgrades: tuple[str, ...] = ()
    linkerd: bool | None = None
    hash_key: HashKey | None = None
    labels: tuple[LimitLabels, ...] = ()
    bypass_auth: bool = False
    auth_context: Pairs = ()
    local_limit: LocalLimit | None = None
    errors: tuple[ErrorReply, ...] | None = None


NO_POLICY = RoutePolicy()
