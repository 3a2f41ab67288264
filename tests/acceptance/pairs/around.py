"""What stands beside a Mapping: other Mappings, and documents that speak of all of them."""

from collections.abc import Callable
from typing import Any

from reconciler.model.digest import Json
from tests.acceptance.pairs.draft import CANARY, MATCHING, SHADOW, UPSTREAM_FIELDS, Draft

_BY_QUERY = {"key": "query", "header_name": "x-query"}


def canary(draft: Draft) -> None:
    def add(whole: Draft) -> None:
        copy = {key: value for key, value in whole.mapping.items() if key not in UPSTREAM_FIELDS}
        whole.beside.append(("Mapping", CANARY, copy | {"service": "other", "weight": 40}))
        upstream = whole.expect.pop("upstream")
        for key in ("upstream_protocol", "upstream_sni", "upstream_certificate"):
            whole.expect.pop(key, None)
        whole.request |= {"times": 60, "at_once": 3}  # Envoy retries no more than three at a time
        whole.expect["statistic"] = {"upstream": {upstream: 0.6, "other": 0.4}}

    draft.last.append(add)


def shadow(draft: Draft) -> None:
    def add(whole: Draft) -> None:
        copy = {key: value for key, value in whole.mapping.items() if key in MATCHING}
        whole.beside.append(("Mapping", SHADOW, copy | {"service": "another", "shadow": True}))
        whole.expect["seen_by"]["another"] = {"at_least": 1}

    draft.last.append(add)


def older(draft: Draft) -> None:
    draft.version = "v2"


def https(draft: Draft) -> None:
    """TLS ends at Envoy, for every host with one certificate."""
    listener = {
        "port": 8443,
        "protocol": "HTTPS",
        "securityModel": "XFP",
        "hostBinding": {"namespace": {"from": "ALL"}},
    }
    certificate = {"cert_chain_file": "@{path:a.test.crt}", "private_key_file": "@{path:a.test.key}"}
    draft.beside += [
        ("Listener", "https", listener),
        ("TLSContext", "ours", certificate | {"alpn_protocols": "h2,http/1.1"}),
        ("Host", "all", {"hostname": "*", "tlsContext": {"name": "ours"}}),
    ]
    draft.request |= {"port": 8443, "tls": {"sni": "a.test"}}
    if not draft.websocket:
        draft.expect["certificate"] = "a.test"
    draft.expect["headers"]["x-forwarded-proto"] = "https"


def _ask_first(draft: Draft) -> None:
    """An AuthService that lets everything pass; the peer ``flaky`` is not used otherwise."""
    draft.services["auth"] = "flaky"
    service = {"auth_service": "auth", "path_prefix": "/ask", "allowed_request_headers": ["x-query"]}
    draft.beside.append(("AuthService", "auth", service))


def auth(draft: Draft) -> None:
    """The service is asked once, whatever else is done with the request."""
    _ask_first(draft)
    draft.expect["seen_by"]["flaky"] = 1


def bypass_auth(draft: Draft) -> None:
    """There is a service, but it is not asked."""
    _ask_first(draft)
    draft.mapping["bypass_auth"] = True
    draft.expect["seen_by"]["flaky"] = 0


def auth_grpc(draft: Draft) -> None:
    """A gRPC service is told of the request and of what the Mapping adds."""
    draft.beside.append(("AuthService", "auth", {"auth_service": "auth-grpc", "proto": "grpc", "timeout_ms": 20_000}))
    draft.mapping["auth_context_extensions"] = {"team": "payments"}
    extensions: dict[str, Json] = {"context_extensions": {"team": "payments"}}
    draft.expect["told"]["auth-grpc"] = {"attributes": extensions}


def rate_limit(draft: Draft) -> None:
    """A rate-limit service is asked, and lets it pass."""
    draft.beside.append(("RateLimitService", "limits", {"service": "ratelimit", "timeout_ms": 20_000}))
    specifiers = [{"generic_key": {"key": "kind", "value": "pair"}}, {"request_headers": _BY_QUERY}]
    draft.mapping["labels"] = {"ambassador": [{"group": specifiers}]}
    draft.expect["told"]["ratelimit"] = {}


def log_service(draft: Draft) -> None:
    """What is served is told to a log service, too."""
    logged = {"additional_log_headers": [{"header_name": "x-query"}]}
    draft.beside.append(("LogService", "logs", {"service": "als", "driver": "http", "driver_config": logged}))
    draft.expect["told"]["als"] = {}


def tracing(draft: Draft) -> None:
    """Every request is traced; the id of the trace goes on to the upstream."""
    tags = [{"tag": "query", "request_header": {"name": "x-query"}}]
    draft.beside.append(("TracingService", "traces", {"service": "zipkin", "driver": "zipkin", "custom_tags": tags}))
    draft.expect["headers"]["x-b3-traceid"] = "~[0-9a-f]+"
    draft.expect["told"]["zipkin"] = {"span": {"tags": {"reconciler.mapping": "~default/(ours|canary)"}}}


def module(**config: Any) -> Callable[[Draft], None]:
    """Settings for all Mappings."""

    def apply(draft: Draft) -> None:
        draft.beside.append(("Module", "ambassador", {"config": config}))

    return apply


def gzip(draft: Draft) -> None:
    """Answers are compressed."""
    module(gzip={"min_content_length": 30})(draft)
    draft.request["headers"]["accept-encoding"] = "gzip"
    draft.expect["response_headers"]["content-encoding"] = "gzip"


def lua(draft: Draft) -> None:
    """A script sees every request and answer."""
    script = """
    function envoy_on_request(handle) handle:headers():add("x-asked", "lua") end
    function envoy_on_response(handle) handle:headers():add("x-answered", "lua") end
    """
    module(lua_scripts=script)(draft)
    draft.expect["headers"]["x-asked"] = "lua"
    draft.expect["response_headers"]["x-answered"] = "lua"


def module_defaults(draft: Draft) -> None:
    """What the Module says holds unless the Mapping says otherwise."""
    module(
        cluster_request_timeout_ms=7000,
        retry_policy={"retry_on": "connect-failure", "num_retries": 1},
        cors={"origins": ["https://all.test"]},
        circuit_breakers=[{"max_connections": 32}],
    )(draft)
    header = "x-envoy-expected-rq-timeout-ms"
    if draft.expect["headers"].get(header) == "3000":
        draft.expect["headers"][header] = "7000"
