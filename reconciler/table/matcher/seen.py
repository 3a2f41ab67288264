"""A request as Envoy's conditions see it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.model.paths import normalised
from reconciler.model.table import Request

HTTP = "http"
HTTPS = "https"
# Stand for what a request to explain doesn't say (RFC 5737, RFC 9562); conditions on their very values can't be told.
_CLIENT = "192.0.2.1"
_ANY_UUID = "00000000-0000-4000-8000-000000000000"

# Without trusted hops a listener believes nobody in front of it (``use_remote_address``): whatever a client says here
# is replaced before a route is chosen.
_SET_BY_ENVOY = {"x-envoy-external-address": _CLIENT, "x-request-id": _ANY_UUID}
_FORWARDED_FOR = "x-forwarded-for"
_FORWARDED_PROTO = "x-forwarded-proto"
# Headers no condition ever sees: those of the connection, and those only an internal client may send.
# https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/header_sanitizing
_DROPPED = frozenset({
    "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "x-envoy-decorator-operation",
    "x-envoy-downstream-service-cluster", "x-envoy-downstream-service-node", "x-envoy-expected-rq-timeout-ms",
    "x-envoy-force-trace", "x-envoy-hedge-on-per-try-timeout", "x-envoy-internal", "x-envoy-ip-tags",
    "x-envoy-max-retries", "x-envoy-original-host", "x-envoy-original-path", "x-envoy-retriable-header-names",
    "x-envoy-retriable-status-codes", "x-envoy-retry-grpc-on", "x-envoy-retry-on", "x-envoy-upstream-alt-stat-name",
    "x-envoy-upstream-rq-per-try-timeout-ms", "x-envoy-upstream-rq-timeout-alt-response",
    "x-envoy-upstream-rq-timeout-ms", "x-envoy-upstream-stream-duration-ms", "x-forwarded-client-cert",
})  # fmt: skip
# Headers of which Envoy keeps one value: several are joined by commas before anything looks at them.
_JOINED = frozenset({
    "accept", "accept-encoding", "access-control-request-headers", "access-control-request-method",
    "access-control-request-private-network", "authorization", "cache-control", "content-encoding", "content-type",
    "expect", "grpc-accept-encoding", "grpc-timeout", "if-match", "if-modified-since", "if-none-match", "origin",
    "pragma", "referer", "user-agent", "via", "x-client-trace-id", _FORWARDED_FOR, "x-forwarded-host",
    "x-forwarded-port", _FORWARDED_PROTO,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """A request taken apart.

    Attributes:
        host: lower case, without port: what hosts are compared with.
        authority: the host as it was sent.
        path: without the query, normalised.
        query_string: with its ``?``; empty for no query.
        headers: all values by name; a condition holds if it holds for one of them.
        query: the first value by name; only that one is looked at.
    """

    host: str
    authority: str
    path: str
    query_string: str
    headers: Mapping[str, tuple[str, ...]]
    query: Mapping[str, str]

    @property
    def scheme(self) -> str:
        """``https`` over TLS, or where a proxy that is believed says so; otherwise ``http``."""
        return self.headers[":scheme"][0]


def look_at(request: Request, trusted_hops: int = 0) -> Seen | None:
    """Takes a request apart; None when Envoy answers 400 before it looks for a route.

    Args:
        request: as it was sent.
        trusted_hops: of the listener; where there are any, the scheme that a proxy in front tells is believed.
    """
    path = normalised(request.path)
    if path is None:
        return None
    headers: dict[str, list[str]] = defaultdict(list)
    for name, value in request.headers:
        if name.lower() not in _DROPPED:
            headers[name.lower()].append(value)
    query_string = "?" + "&".join(_pair(pair) for pair in request.query) if request.query else ""
    headers[":method"] = [request.method]
    headers[":authority"] = headers["host"] = [request.host]
    headers[":path"] = [path + query_string]
    headers[_FORWARDED_FOR].append(_CLIENT)
    for name in headers.keys() & _JOINED:
        headers[name] = [",".join(filter(None, headers[name]))]
    told = headers.get(_FORWARDED_PROTO) if trusted_hops else None
    headers.update({name: [value] for name, value in _SET_BY_ENVOY.items()})
    headers[":scheme"] = headers[_FORWARDED_PROTO] = [HTTPS if request.tls else HTTP]
    if told:
        headers[_FORWARDED_PROTO] = told
        headers[":scheme"] = [HTTPS if told[0].lower() == HTTPS else HTTP]
    return Seen(
        host=without_port(request.host).lower(),
        authority=request.host,
        path=path,
        query_string=query_string,
        headers={name: tuple(values) for name, values in headers.items()},
        query=_first(request.query),
    )


def _first(query: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    first: dict[str, str] = {}
    for name, value in query:
        first.setdefault(name, value or "")
    return first


def _pair(pair: tuple[str, str | None]) -> str:
    name, value = pair
    return name if value is None else f"{name}={value}"


def without_port(host: str) -> str:
    """A host header without its port; the brackets of an IPv6 address stay."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() and not (":" in name and not name.endswith("]")) else host
