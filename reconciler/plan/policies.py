"""What a route's policy does to requests and answers, in words; values of headers may be secret and are never shown."""

from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType

from reconciler.model.match import MatchKind, StringMatch
from reconciler.model.policy import (
    NO_POLICY,
    Cors,
    DirectResponse,
    HeaderChanges,
    HeaderValue,
    LocalLimit,
    RetryPolicy,
    RoutePolicy,
)
from reconciler.plan.http_fields import error_words
from reconciler.plan.quoting import quoted
from reconciler.plan.upstreams import hash_words

_NOTHING: Mapping[str, str] = MappingProxyType({})
_DIGITS = 8  # enough to see that a value is another one


def policy_fields(policy: RoutePolicy, *, forwards: bool) -> Mapping[str, str]:
    """The fields of a policy in the order they are shown, those without effect empty.

    Args:
        policy: of the route.
        forwards: whether the route sends requests on: a redirect has only its answer.
    """
    if policy == NO_POLICY:
        return _NOTHING
    answers = _changes(policy.response_headers)
    errors = "" if policy.errors is None else error_words(policy.errors) or "as they come"
    limit = _limit(policy.local_limit) if policy.local_limit else ""
    if not forwards:
        return {"response headers": answers, "error bodies": errors, "local limit": limit}
    idle = policy.idle_timeout_ms
    return {
        "request headers": _changes(policy.request_headers),
        "response headers": answers,
        "cors": _cors(policy.cors) if policy.cors else "",
        "error bodies": errors,
        "retries": _retries(policy.retry) if policy.retry else "",
        "idle timeout": "" if idle is None else f"{idle} ms" if idle else "never",
        "priority": str(policy.priority or ""),
        "endpoint by": hash_words(policy.hash_key) if policy.hash_key else "",
        "upgrades": ", ".join(map(quoted, policy.upgrades)),
        "local limit": limit,
    }


def answer_fields(answer: DirectResponse) -> dict[str, str]:
    """What Envoy answers by itself; a body by its size and digest, since it may be long."""
    what = "maintenance" if answer.maintenance else "answer"
    body = answer.body.encode()
    words = [str(answer.status)]
    if body:
        kind = quoted(answer.content_type or "text/plain")
        words.append(f"with {len(body)} bytes of {kind} (sha256 {sha256(body).hexdigest()[:_DIGITS]})")
    if answer.retry_after_s is not None:
        words.append(f"retry after {answer.retry_after_s} s")
    return {what: " ".join(words)}


def _limit(limit: LocalLimit) -> str:
    """A token bucket, where Envoy counts by itself."""
    return f"{limit.per_fill} in {limit.interval_ms} ms, at most {limit.tokens} at once, else {limit.status}"


def _changes(changes: HeaderChanges) -> str:
    removed = (f"remove {quoted(name)}" for name in changes.remove)
    return ", ".join((*removed, *map(_added, changes.add)))


def _added(header: HeaderValue) -> str:
    verb = "add" if header.append else "set"
    return f"{verb} {quoted(header.name)} (sha256 {sha256(header.value.encode()).hexdigest()[:_DIGITS]})"


def _retries(retry: RetryPolicy) -> str:
    times = 1 if retry.num_retries is None else retry.num_retries
    words = f"{times} on {' '.join(retry.retry_on)}"
    if retry.statuses:
        words += f" with {' '.join(map(str, retry.statuses))}"
    return words + ("" if retry.per_try_timeout_ms is None else f", each {retry.per_try_timeout_ms} ms")


def _cors(cors: Cors) -> str:
    parts = [f"origins {' '.join(map(_origin, cors.origins)) or 'none'}"]
    for what, names in (("methods", cors.methods), ("headers", cors.headers), ("exposed", cors.exposed_headers)):
        if names:
            parts.append(f"{what} {' '.join(map(quoted, names))}")
    if cors.credentials is not None:
        parts.append("with credentials" if cors.credentials else "without credentials")
    if cors.max_age:
        parts.append(f"for {cors.max_age} s")
    return ", ".join(parts)


def _origin(origin: StringMatch) -> str:
    if origin.kind is MatchKind.ANY:
        return "*"
    return quoted(origin.value) if origin.kind is MatchKind.EXACT else f"{origin.kind} {quoted(origin.value)}"
