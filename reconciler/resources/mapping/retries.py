"""``retry_policy``: when a request is tried again.

https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-retry-on
"""

from reconciler.model.digest import Json
from reconciler.model.policy import RetryPolicy
from reconciler.model.problem import Code
from reconciler.resources.durations import read_duration
from reconciler.resources.fields import Fields
from reconciler.resources.finding import nearest, shown

ON_STATUSES, _ON_HEADERS = "retriable-status-codes", "retriable-headers"
_STATUSES_HEADER, _HEADERS_HEADER = "x-envoy-retriable-status-codes", "x-envoy-retriable-header-names"
_HTTP_WORDS = (
    "5xx",
    "gateway-error",
    "reset",
    "reset-before-request",
    "connect-failure",
    "envoy-ratelimited",
    "retriable-4xx",
    "refused-stream",
    ON_STATUSES,
    _ON_HEADERS,
    "http3-post-connect-failure",
)
_GRPC_WORDS = ("cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable")
RETRY_WORDS = (*_HTTP_WORDS, *_GRPC_WORDS)


def read_retry_policy(fields: Fields, name: str = "retry_policy") -> RetryPolicy | None:
    """The retry policy of a field; None when absent or reported."""
    if not fields.values.get(name):
        return None
    inside = fields.inside(name)
    words = _read_words(inside)
    if not words:
        return None
    _check_sources(inside, words, fields.values.get("add_request_headers"))
    per_try = read_duration(inside, "per_try_timeout")
    whole = fields.integer("timeout_ms")
    if per_try and whole and per_try > whole:
        inside.ignored("per_try_timeout", f"the whole request ends after timeout_ms, {whole} ms")
    return RetryPolicy(words, inside.integer("num_retries"), per_try or None)


def _read_words(inside: Fields) -> tuple[str, ...]:
    """The conditions, sorted; one, several in a text with commas, or a list."""
    given = inside.values.get("retry_on")
    items = given if isinstance(given, list) else [given]
    words = [word.strip() for item in items if isinstance(item, str) for word in item.split(",") if word.strip()]
    for word in words:
        if word not in RETRY_WORDS:
            near = nearest(word.replace("_", "-"), RETRY_WORDS)
            hint = f"did you mean {near}?" if near else f"the conditions are {', '.join(RETRY_WORDS)}"
            inside.report(Code.INVALID_VALUE, "not a condition Envoy knows", "retry_on", got=shown(word), hint=hint)
    if not words and isinstance(given, str | list):
        inside.report(Code.INVALID_VALUE, "it names no condition", "retry_on", expected="a condition such as 5xx")
    return tuple(sorted({word for word in words if word in RETRY_WORDS}))


def _check_sources(inside: Fields, words: tuple[str, ...], added: Json) -> None:
    """Warn of a condition that only a header fills, where the Mapping does not set that header.

    Envoy believes such headers of internal clients only, and by itself no client is internal.
    """
    names = {name.lower() for name in added} if isinstance(added, dict) else set()
    for word, header in ((ON_STATUSES, _STATUSES_HEADER), (_ON_HEADERS, _HEADERS_HEADER)):
        listed = word == ON_STATUSES and inside.values.get("statuses")
        if word in words and header not in names and not listed:
            why = f"{word} tries nothing again unless the header {header} says what"
            inside.ignored("retry_on", why, hint=f"set {header} under add_request_headers")
