"""Fragments of Mappings, each with what it expects of a request; `pairwise` combines them.

A new one is a function that changes a `Draft`, and an entry in `DIMENSIONS`. The alternatives of one dimension exclude
one another; those of different ones are combined unless one of them is ``not_with`` the other. Dimensions are applied
in their order, so that later ones may look at what earlier ones decided.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

OURS, CANARY, SHADOW, BESIDE = "ours", "canary", "shadow", "beside"
_UPSTREAM_FIELDS = ("grpc", "tls")
# What decides which requests a Mapping gets.
MATCHING = (
    *("hostname", "prefix", "prefix_exact", "prefix_regex", "case_sensitive", "method", "method_regex", "headers"),
    *("regex_headers", "query_parameters", "regex_query_parameters", "precedence"),
)


@dataclass(slots=True)
class Draft:
    """A case that is being put together.

    Attributes:
        mapping: fields of the Mapping that is tested.
        beside: other documents, as ``(kind, name, fields)``.
        request, expect: as in a file of cases.
        last: what has to wait until all fields are there.
    """

    mapping: dict[str, Any] = field(default_factory=lambda: {"hostname": "*", "service": "echo"})
    beside: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    request: dict[str, Any] = field(default_factory=lambda: {"headers": {}})
    expect: dict[str, Any] = field(
        default_factory=lambda: {"status": 200, "upstream": "echo", "headers": {}, "absent": [], "response_headers": {}}
    )
    last: list[Callable[["Draft"], None]] = field(default_factory=list)
    version: str = "v3alpha1"

    @property
    def websocket(self) -> bool:
        """Whether the request is an upgrade."""
        return bool(self.request.get("protocol") == "websocket")

    @property
    def grpc(self) -> bool:
        """Whether the request is a gRPC call."""
        return bool(self.request.get("protocol") == "grpc")


@dataclass(frozen=True, slots=True)
class Feature:
    """One alternative of a dimension.

    Attributes:
        apply: puts it into a draft.
        fields: of Mapping, which it uses.
        not_with: names of features it can't be combined with.
    """

    name: str
    apply: Callable[[Draft], None]
    fields: tuple[str, ...] = ()
    not_with: tuple[str, ...] = ()


def _nothing(_draft: Draft) -> None:
    """As if it were not there."""


def _set(**fields: Any) -> Callable[[Draft], None]:
    """Fields alone, which change nothing of the answer."""

    def apply(draft: Draft) -> None:
        draft.mapping |= fields

    return apply


def _plain(name: str, not_with: tuple[str, ...] = (), **fields: Any) -> Feature:
    return Feature(name, _set(**fields), tuple(fields), not_with)


# How it is asked.


def _http2(draft: Draft) -> None:
    draft.request["protocol"] = "http2"
    draft.expect["protocol"] = "HTTP/2"


def _websocket(draft: Draft) -> None:
    draft.mapping["allow_upgrade"] = ["websocket"]
    draft.request |= {"protocol": "websocket", "body": "hello"}
    draft.expect |= {"status": 101, "body": '~.*"body": "hello".*', "upstream_protocol": "websocket"}


def _grpc_call(draft: Draft) -> None:
    draft.mapping |= {"grpc": True, "service": "grpc"}
    draft.request |= {"protocol": "grpc", "method": "POST", "body": "hello"}
    draft.expect |= {"grpc_status": "OK", "upstream": "grpc", "request_body": "hello"}


def _tls(draft: Draft) -> None:
    draft.mapping["service"] = "https://tls"
    draft.expect |= {"upstream": "tls", "upstream_sni": "~tls.*"}


def _h2(draft: Draft) -> None:
    draft.mapping |= {"service": "h2", "grpc": True}
    draft.expect |= {"upstream": "h2", "upstream_protocol": "HTTP/2"}


# Which requests.


def _path(asked: str, **fields: Any) -> Callable[[Draft], None]:
    def apply(draft: Draft) -> None:
        draft.mapping |= fields
        draft.request["path"] = asked

    return apply


def _method(draft: Draft) -> None:
    name = "GET" if draft.websocket else "POST" if draft.grpc else "PUT"
    draft.mapping["method"] = name
    draft.request["method"] = name


def _method_regex(draft: Draft) -> None:
    _method(draft)
    draft.mapping |= {"method": "GET|P[A-Z]+", "method_regex": True}


def _headers(draft: Draft) -> None:
    draft.mapping["headers"] = {"x-team": "red"}
    draft.request["headers"]["x-team"] = "red"
    draft.expect["headers"]["x-team"] = "red"


def _regex_headers(draft: Draft) -> None:
    draft.mapping["regex_headers"] = {"x-team": "r[a-z]+"}
    draft.request["headers"]["x-team"] = "rot"


def _query(asked: str, **fields: Any) -> Callable[[Draft], None]:
    def apply(draft: Draft) -> None:
        draft.mapping |= fields
        draft.request["path"] += asked

    return apply


def _hostname(pattern: str, host: str) -> Callable[[Draft], None]:
    def apply(draft: Draft) -> None:
        draft.mapping["hostname"] = pattern
        draft.request["host"] = host

    return apply


def _precedence(draft: Draft) -> None:
    draft.mapping["precedence"] = 10
    longer = {"hostname": "*", "prefix": "/p/word", "service": "another"}
    draft.beside.append(("Mapping", BESIDE, longer))


# What goes to the upstream.


def _seen_path(draft: Draft, matched_becomes: str | None) -> str:
    """The path the upstream sees when the rewrite replaces what matched; None: it is left alone."""
    path, mark, query = str(draft.request["path"]).partition("?")
    if matched_becomes is None:
        return path + mark + query
    whole = draft.mapping.get("prefix_exact") or draft.mapping.get("prefix_regex")
    rest = "" if whole else path[len("/p/") :]
    return matched_becomes + rest + mark + query


def _rewrite(written: str | None) -> Callable[[Draft], None]:
    def apply(draft: Draft) -> None:
        if written is not None:
            draft.mapping["rewrite"] = written
        draft.expect["path"] = _seen_path(draft, None if written == "" else written or "/")

    return apply


def _regex_rewrite(draft: Draft) -> None:
    draft.mapping["regex_rewrite"] = {"pattern": "(?i)/p/([a-z]+)", "substitution": r"/r/\1/end"}
    _path_alone, mark, query = str(draft.request["path"]).partition("?")
    draft.expect["path"] = "/r/word/end" + mark + query


def _same_host(draft: Draft) -> None:
    if not draft.grpc:
        draft.expect["host"] = draft.request.get("host", "acceptance.test")


def _host_rewrite(draft: Draft) -> None:
    draft.mapping["host_rewrite"] = "inner.test"
    if not draft.grpc:
        draft.expect["host"] = "inner.test"


def _auto_host_rewrite(draft: Draft) -> None:
    draft.mapping["auto_host_rewrite"] = True
    if not draft.grpc:
        draft.expect["host"] = "~(echo|other|tls|h2).*"


def _timeout(milliseconds: int | None) -> Callable[[Draft], None]:
    def apply(draft: Draft) -> None:
        if milliseconds is not None:
            draft.mapping["timeout_ms"] = milliseconds
        if draft.grpc or draft.websocket:
            return  # a gRPC call has its own deadline, an upgrade is not timed so
        if milliseconds == 0:
            draft.expect["absent"].append("x-envoy-expected-rq-timeout-ms")
        else:
            draft.expect["headers"]["x-envoy-expected-rq-timeout-ms"] = str(milliseconds or 3000)

    return apply


def _retry(draft: Draft) -> None:
    draft.mapping["retry_policy"] = {"retry_on": "5xx", "num_retries": 3}
    draft.request["headers"]["x-fail"] = "2"
    draft.expect["attempts"] = 3
    if "x-envoy-expected-rq-timeout-ms" in draft.expect["headers"]:
        draft.expect["headers"]["x-envoy-expected-rq-timeout-ms"] = "~[1-9][0-9]*"  # what is left of it


def _cors(draft: Draft) -> None:
    draft.mapping["cors"] = {"origins": ["https://page.test"], "credentials": True, "exposed_headers": ["x-shown"]}
    draft.request["headers"]["origin"] = "https://page.test"
    draft.expect["response_headers"] |= {
        "access-control-allow-origin": "https://page.test",
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "x-shown",
    }


def _add_request_headers(draft: Draft) -> None:
    draft.mapping["add_request_headers"] = {
        "x-added": {"value": "a", "append": False},
        "x-grown": {"value": "b", "append": True},
    }
    draft.request["headers"] |= {"x-added": "was", "x-grown": "was"}
    draft.expect["headers"] |= {"x-added": "a", "x-grown": "~was, ?b"}


def _remove_request_headers(draft: Draft) -> None:
    draft.mapping["remove_request_headers"] = ["x-secret"]
    draft.request["headers"]["x-secret"] = "s"
    draft.expect["absent"].append("x-secret")


def _add_linkerd_headers(draft: Draft) -> None:
    draft.mapping["add_linkerd_headers"] = True
    draft.expect["headers"]["l5d-dst-override"] = "~.+:[0-9]+"


def _add_response_headers(draft: Draft) -> None:
    draft.mapping["add_response_headers"] = {"x-told": {"value": "yes", "append": False}}
    draft.expect["response_headers"]["x-told"] = "yes"


def _remove_response_headers(draft: Draft) -> None:
    draft.mapping["remove_response_headers"] = ["x-inner"]
    draft.request["headers"]["x-answer-headers"] = '{"x-inner": "i"}'
    draft.expect["absent_response_headers"] = ["x-inner"]


# How the upstream is chosen and spoken to.


def _canary(draft: Draft) -> None:
    def add(whole: Draft) -> None:
        copy = {key: value for key, value in whole.mapping.items() if key not in _UPSTREAM_FIELDS}
        whole.beside.append(("Mapping", CANARY, copy | {"service": "other", "weight": 40}))
        upstream = whole.expect.pop("upstream")
        for key in ("upstream_protocol", "upstream_sni"):
            whole.expect.pop(key, None)
        whole.request |= {"times": 60, "at_once": 3}  # Envoy retries no more than three at a time
        whole.expect["statistic"] = {"upstream": {upstream: 0.6, "other": 0.4}}

    draft.last.append(add)


def _shadow(draft: Draft) -> None:
    def add(whole: Draft) -> None:
        copy = {key: value for key, value in whole.mapping.items() if key in MATCHING}
        whole.beside.append(("Mapping", SHADOW, copy | {"service": "another", "shadow": True}))
        whole.expect["seen_by"] = {"another": {"at_least": 1}}

    draft.last.append(add)


def _hash_cookie(draft: Draft) -> None:
    draft.mapping["load_balancer"] = {"policy": "ring_hash", "cookie": {"name": "stick", "ttl": "60s", "path": "/"}}
    if not draft.websocket:
        draft.expect["response_headers"]["set-cookie"] = "~stick=.*"


def _older(draft: Draft) -> None:
    draft.version = "v2"


_CHECK = {"health_check": {"http": {"path": "/health"}}, "interval": "30s"}
_BREAKERS = [{"priority": "default", "max_connections": 64, "max_pending_requests": 64, "max_requests": 64}]

DIMENSIONS: dict[str, tuple[Feature, ...]] = {
    "asked": (
        Feature("http1", _nothing),
        Feature("http2", _http2),
        Feature("websocket", _websocket, ("allow_upgrade",)),
        Feature("grpc-call", _grpc_call, ("grpc",)),
    ),
    "upstream": (
        Feature("plain-upstream", _nothing),
        Feature("tls-upstream", _tls, (), ("grpc-call",)),
        Feature("h2-upstream", _h2, ("grpc",), ("grpc-call", "websocket")),
    ),
    "path": (
        Feature("prefix", _path("/p/word", prefix="/p/"), ("prefix",)),
        Feature("exact", _path("/p/word", prefix="/p/word", prefix_exact=True), ("prefix_exact",)),
        Feature("regex", _path("/p/word", prefix="/p/[a-z]+", prefix_regex=True), ("prefix_regex",)),
        Feature("any-case", _path("/P/word", prefix="/p/", case_sensitive=False), ("case_sensitive",)),
    ),
    "method": (
        Feature("any-method", _nothing),
        Feature("method", _method, ("method",)),
        Feature("method-regex", _method_regex, ("method", "method_regex")),
    ),
    "headers": (
        Feature("any-headers", _nothing),
        Feature("headers", _headers, ("headers",)),
        Feature("regex-headers", _regex_headers, ("regex_headers",)),
    ),
    "query": (
        Feature("any-query", _nothing),
        Feature("query", _query("?v=2", query_parameters={"v": "2"}), ("query_parameters",), ("grpc-call",)),
        Feature(
            "query-regex",
            _query("?a=b&v=23", regex_query_parameters={"v": "2[0-9]"}),
            ("regex_query_parameters",),
            ("grpc-call",),
        ),
    ),
    "host": (
        Feature("any-host", _nothing),
        Feature("one-host", _hostname("shop.test", "shop.test"), ("hostname",)),
        Feature("host-suffix", _hostname("*.shop.test", "a.shop.test"), ("hostname",), ("v2",)),
    ),
    "precedence": (Feature("no-precedence", _nothing), Feature("precedence", _precedence, ("precedence",))),
    "rewrite": (
        Feature("default-rewrite", _rewrite(None)),
        Feature("rewrite", _rewrite("/new/"), ("rewrite",)),
        Feature("no-rewrite", _rewrite(""), ("rewrite",)),
        Feature("regex-rewrite", _regex_rewrite, ("regex_rewrite",)),
    ),
    "host-header": (
        Feature("same-host", _same_host),
        Feature("host-rewrite", _host_rewrite, ("host_rewrite",)),
        Feature("auto-host-rewrite", _auto_host_rewrite, ("auto_host_rewrite",)),
    ),
    "timeout": (
        Feature("default-timeout", _timeout(None)),
        Feature("no-timeout", _timeout(0), ("timeout_ms",)),
        Feature("timeout", _timeout(8000), ("timeout_ms",)),
    ),
    "idle": (Feature("default-idle", _nothing), _plain("idle-timeout", idle_timeout_ms=20_000)),
    "retry": (Feature("no-retry", _nothing), Feature("retry", _retry, ("retry_policy",), ("grpc-call", "websocket"))),
    "cors": (Feature("no-cors", _nothing), Feature("cors", _cors, ("cors",))),
    "request-headers": (
        Feature("request-as-it-is", _nothing),
        Feature("add-request", _add_request_headers, ("add_request_headers",)),
        Feature("remove-request", _remove_request_headers, ("remove_request_headers",)),
        Feature("linkerd", _add_linkerd_headers, ("add_linkerd_headers",)),
    ),
    "response-headers": (
        Feature("response-as-it-is", _nothing),
        Feature("add-response", _add_response_headers, ("add_response_headers",)),
        Feature("remove-response", _remove_response_headers, ("remove_response_headers",), ("grpc-call", "websocket")),
    ),
    "priority": (
        Feature("default-priority", _nothing),
        _plain("high", priority="HIGH"),
    ),
    "balancing": (
        Feature("default-balancing", _nothing),
        _plain("least-request", load_balancer={"policy": "least_request"}),
        _plain("hash-header", load_balancer={"policy": "ring_hash", "header": "x-team"}),
        _plain("maglev", load_balancer={"policy": "maglev", "source_ip": True}),
        Feature("hash-cookie", _hash_cookie, ("load_balancer",)),
    ),
    "limits": (Feature("no-limits", _nothing), _plain("breakers", circuit_breakers=_BREAKERS)),
    "sockets": (
        Feature("default-sockets", _nothing),
        _plain("keepalive", keepalive={"idle_time": 100, "interval": 10, "probes": 3}),
        _plain("connect-timeout", connect_timeout_ms=4000),
        _plain("pool-times", cluster_idle_timeout_ms=30_000, cluster_max_connection_lifetime_ms=60_000),
    ),
    "watching": (
        Feature("unwatched", _nothing),
        _plain("outliers", outlier_detection={"consecutive_5xx": 50}),
        Feature("health", _set(health_checks=[_CHECK]), ("health_checks",), ("v2", "grpc-call")),
    ),
    "resolving": (
        Feature("default-resolving", _nothing),
        _plain("logical-dns", dns_type="logical_dns"),
        _plain("both-families", enable_ipv4=True, enable_ipv6=True),
    ),
    "cluster-name": (Feature("untagged", _nothing), _plain("tagged", cluster_tag="blue")),
    "share": (Feature("alone", _nothing), Feature("canary", _canary, ("weight",), ("grpc-call",))),
    "copies": (Feature("no-copies", _nothing), Feature("shadow", _shadow, ("shadow",))),
    "version": (Feature("v3alpha1", _nothing), Feature("v2", _older)),
}
