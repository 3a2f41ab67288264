"""Fragments of Mappings, each with what it expects of a request; `pairwise` combines them.

A new one is a function that changes a `Draft`, and an entry in `DIMENSIONS`. The alternatives of one dimension exclude
one another; those of different ones are combined unless one of them is ``not_with`` the other. Dimensions are applied
in their order, so that later ones may look at what earlier ones decided.
"""

from tests.acceptance.pairs import around, asked, forwarded
from tests.acceptance.pairs.draft import Feature, nothing, plain, setting

_CHECK = {"health_check": {"http": {"path": "/health"}}, "interval": "30s"}
_BREAKERS = [{"priority": "default", "max_connections": 64, "max_pending_requests": 64, "max_requests": 64}]

# The filters that add to answers see nothing of one that Envoy makes anew.
_NOT_WITH_NEW_BODY = ("grpc-call", "websocket", "cors", "hash-cookie", "lua", "canary")

DIMENSIONS: dict[str, tuple[Feature, ...]] = {
    "asked": (
        Feature("http1", nothing),
        Feature("http2", asked.http2),
        Feature("websocket", asked.websocket, ("allow_upgrade",)),
        Feature("grpc-call", asked.grpc_call, ("grpc",)),
    ),
    "upstream": (
        Feature("plain-upstream", nothing),
        Feature("tls-upstream", asked.tls, (), ("grpc-call",)),
        Feature("mtls-upstream", asked.mutual_tls, ("tls",), ("grpc-call",)),
        Feature("h2-upstream", asked.h2, ("grpc",), ("grpc-call", "websocket")),
    ),
    "path": (
        Feature("prefix", asked.path("/p/word", prefix="/p/"), ("prefix",)),
        Feature("exact", asked.path("/p/word", prefix="/p/word", prefix_exact=True), ("prefix_exact",)),
        Feature("regex", asked.path("/p/word", prefix="/p/[a-z]+", prefix_regex=True), ("prefix_regex",)),
        Feature("any-case", asked.path("/P/word", prefix="/p/", case_sensitive=False), ("case_sensitive",)),
    ),
    "method": (
        Feature("any-method", nothing),
        Feature("method", asked.method, ("method",)),
        Feature("method-regex", asked.method_regex, ("method", "method_regex")),
    ),
    "headers": (
        Feature("any-headers", nothing),
        Feature("headers", asked.headers, ("headers",)),
        Feature("regex-headers", asked.regex_headers, ("regex_headers",)),
    ),
    "query": (
        Feature("any-query", nothing),
        Feature("query", asked.query("?v=2", query_parameters={"v": "2"}), ("query_parameters",), ("grpc-call",)),
        Feature(
            "query-regex",
            asked.query("?a=b&v=23", regex_query_parameters={"v": "2[0-9]"}),
            ("regex_query_parameters",),
            ("grpc-call",),
        ),
    ),
    "host": (
        Feature("any-host", nothing),
        Feature("one-host", asked.hostname("shop.test", "shop.test"), ("hostname",)),
        Feature("host-suffix", asked.hostname("*.shop.test", "a.shop.test"), ("hostname",), ("v2",)),
    ),
    "precedence": (Feature("no-precedence", nothing), Feature("precedence", asked.precedence, ("precedence",))),
    "rewrite": (
        Feature("default-rewrite", forwarded.rewrite(None)),
        Feature("rewrite", forwarded.rewrite("/new/"), ("rewrite",)),
        Feature("no-rewrite", forwarded.rewrite(""), ("rewrite",)),
        Feature("regex-rewrite", forwarded.regex_rewrite, ("regex_rewrite",)),
    ),
    "host-header": (
        Feature("same-host", forwarded.same_host),
        Feature("host-rewrite", forwarded.host_rewrite, ("host_rewrite",)),
        Feature("auto-host-rewrite", forwarded.auto_host_rewrite, ("auto_host_rewrite",)),
    ),
    "timeout": (
        Feature("default-timeout", forwarded.timeout(None)),
        Feature("no-timeout", forwarded.timeout(0), ("timeout_ms",)),
        Feature("timeout", forwarded.timeout(8000), ("timeout_ms",)),
    ),
    "idle": (Feature("default-idle", nothing), plain("idle-timeout", idle_timeout_ms=20_000)),
    "retry": (
        Feature("no-retry", nothing),
        Feature("retry", forwarded.retry, ("retry_policy",), ("grpc-call", "websocket")),
    ),
    "cors": (Feature("no-cors", nothing), Feature("cors", forwarded.cors, ("cors",))),
    "request-headers": (
        Feature("request-as-it-is", nothing),
        Feature("add-request", forwarded.add_request_headers, ("add_request_headers",)),
        Feature("remove-request", forwarded.remove_request_headers, ("remove_request_headers",)),
        Feature("linkerd", forwarded.add_linkerd_headers, ("add_linkerd_headers",)),
    ),
    "response-headers": (
        Feature("response-as-it-is", nothing),
        Feature("add-response", forwarded.add_response_headers, ("add_response_headers",)),
        Feature(
            "remove-response",
            forwarded.remove_response_headers,
            ("remove_response_headers",),
            ("grpc-call", "websocket"),
        ),
    ),
    "priority": (
        Feature("default-priority", nothing),
        plain("high", priority="HIGH"),
    ),
    "balancing": (
        Feature("default-balancing", nothing),
        plain("least-request", load_balancer={"policy": "least_request"}),
        plain("hash-header", load_balancer={"policy": "ring_hash", "header": "x-team"}),
        plain("maglev", load_balancer={"policy": "maglev", "source_ip": True}),
        Feature("hash-cookie", forwarded.hash_cookie, ("load_balancer",)),
    ),
    "limits": (Feature("no-limits", nothing), plain("breakers", circuit_breakers=_BREAKERS)),
    "sockets": (
        Feature("default-sockets", nothing),
        plain("keepalive", keepalive={"idle_time": 100, "interval": 10, "probes": 3}),
        plain("connect-timeout", connect_timeout_ms=4000),
        plain("pool-times", cluster_idle_timeout_ms=30_000, cluster_max_connection_lifetime_ms=60_000),
    ),
    "watching": (
        Feature("unwatched", nothing),
        plain("outliers", outlier_detection={"consecutive_5xx": 50}),
        Feature("health", setting(health_checks=[_CHECK]), ("health_checks",), ("v2", "grpc-call")),
    ),
    "resolving": (
        Feature("default-resolving", nothing),
        plain("logical-dns", dns_type="logical_dns"),
        plain("both-families", enable_ipv4=True, enable_ipv6=True),
    ),
    "cluster-name": (Feature("untagged", nothing), plain("tagged", cluster_tag="blue")),
    "share": (Feature("alone", nothing), Feature("canary", around.canary, ("weight",), ("grpc-call",))),
    "copies": (Feature("no-copies", nothing), Feature("shadow", around.shadow, ("shadow",))),
    "entry": (Feature("clear-text", nothing), Feature("https", around.https, (), ("grpc-call",))),
    "auth": (
        Feature("no-auth", nothing),
        Feature("auth", around.auth),
        Feature("bypass-auth", around.bypass_auth, ("bypass_auth",)),
        Feature("auth-grpc", around.auth_grpc, ("auth_context_extensions",)),
    ),
    "rate-limit": (
        Feature("no-rate-limit", nothing),
        Feature("rate-limit", around.rate_limit, ("labels",), ("v2",)),
    ),
    "telemetry": (
        Feature("no-telemetry", nothing),
        Feature("log-service", around.log_service),
        Feature("tracing", around.tracing),
    ),
    "module": (
        Feature("no-module", nothing),
        Feature("gzip", around.gzip, (), ("grpc-call", "websocket", "new-body")),
        Feature("lua", around.lua),
        Feature("module-defaults", around.module_defaults),
        Feature("grpc-filters", around.module(enable_grpc_web=True, grpc_stats={"all_methods": True})),
    ),
    "errors": (
        Feature("errors-as-they-are", nothing),
        Feature("new-body", forwarded.new_body, ("error_response_overrides",), _NOT_WITH_NEW_BODY),
    ),
    "version": (Feature("v3alpha1", nothing), Feature("v2", around.older)),
}

_WHICH = ("path", "method", "headers", "query", "host", "precedence")

# Mappings that answer by themselves go with less.
REDIRECTING: dict[str, tuple[Feature, ...]] = {
    "asked": (Feature("http1", nothing), Feature("http2", asked.http2)),
    "entry": DIMENSIONS["entry"],
    **{name: DIMENSIONS[name] for name in _WHICH},
    "redirect": (
        Feature("to-host", asked.redirect("{asked}"), ("host_redirect",)),
        Feature(
            "to-path",
            asked.redirect("/there{query}", 302, path_redirect="/there", redirect_response_code=302),
            ("path_redirect",),
        ),
        Feature(
            "to-prefix",
            asked.redirect("/new/word{query}", 307, prefix_redirect="/new/", redirect_response_code=307),
            ("prefix_redirect",),
            ("exact", "regex"),
        ),
        Feature(
            "to-pattern",
            asked.redirect(
                "/is/word{query}",
                308,
                regex_redirect={"pattern": "(?i)/p/([a-z]+)", "substitution": r"/is/\1"},
                redirect_response_code=308,
            ),
            ("regex_redirect",),
        ),
    ),
    "auth": tuple(one for one in DIMENSIONS["auth"] if one.name in {"no-auth", "bypass-auth"}),
    "response-headers": tuple(one for one in DIMENSIONS["response-headers"] if one.name != "remove-response"),
    "module": tuple(one for one in DIMENSIONS["module"] if one.name in {"no-module", "grpc-filters"}),
    "version": DIMENSIONS["version"],
}
