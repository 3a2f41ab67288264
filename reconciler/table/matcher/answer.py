"""What a client gets, or an upstream is sent, once a rule has been chosen."""

from dataclasses import dataclass
from typing import TypeAlias

from reconciler.model.policy import DirectResponse
from reconciler.model.regex import replace_all
from reconciler.model.resource import InsecureAction, MatchKind, PathMatch, Redirect, RegexRewrite
from reconciler.model.table import ACME_CHALLENGES, Cluster, Forward, Guard, Route
from reconciler.table.matcher.seen import HTTPS, Seen


@dataclass(frozen=True, slots=True)
class Forwarded:
    """The request goes to ``cluster`` with this path (query included) and host header."""

    cluster: Cluster
    path: str
    host: str


@dataclass(frozen=True, slots=True)
class Redirected:
    """Envoy answers with ``status`` and ``location``."""

    status: int
    location: str


@dataclass(frozen=True, slots=True)
class Answered:
    """Envoy answers with ``status`` and ``body``; ``reason`` says what that is."""

    status: int
    reason: str
    body: str = ""


@dataclass(frozen=True, slots=True)
class NotFound:
    """Envoy answers 404; ``reason`` is one sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class BadRequest:
    """Envoy answers 400, whatever the table; ``reason`` is one sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class HungUp:
    """Envoy closes the connection before there is a request; ``reason`` is one sentence."""

    reason: str


Answer: TypeAlias = Forwarded | Redirected | Answered | NotFound | BadRequest | HungUp


def answer_of(route: Route, seen: Seen, clusters: dict[str, Cluster]) -> Answer:
    """What a rule does with a request that meets its conditions.

    Raises:
        KeyError: the rule names a cluster the table does not have; `build` makes no such table.
    """
    if isinstance(route.action, Redirect):
        return Redirected(int(route.action.code), _location(route.action, route.path, seen))
    if isinstance(route.action, DirectResponse):
        reason = "maintenance" if route.action.maintenance else "a direct response"
        return Answered(route.action.status, f"{reason}, which Envoy gives by itself", route.action.body)
    cluster = clusters[route.action.cluster]
    path = _rewritten(route.path, route.action.prefix_rewrite, route.action.regex_rewrite, seen.path)
    return Forwarded(cluster, path + seen.query_string, _upstream_host(route.action, cluster, seen))


def guarded(guard: Guard | None, seen: Seen) -> Answer | None:
    """What a guard says to a request; None when it lets it through."""
    if guard is None or guard.action is InsecureAction.ROUTE or seen.path.startswith(ACME_CHALLENGES):
        return None
    if guard.by_header and "http" not in seen.headers["x-forwarded-proto"]:
        return None
    if guard.action is InsecureAction.REJECT:
        return NotFound("the request is not secure, and the Host rejects those")
    # Envoy drops a port that was the default of the scheme it believes the client used.
    host = seen.authority.removesuffix(":80") if "http" in seen.headers["x-forwarded-proto"] else seen.authority
    return Redirected(301, f"{HTTPS}://{host}{seen.path}{seen.query_string}")


def _upstream_host(forward: Forward, cluster: Cluster, seen: Seen) -> str:
    if forward.host_rewrite is not None:
        return forward.host_rewrite
    return cluster.address.authority if forward.auto_host_rewrite else seen.authority


def _location(redirect: Redirect, path: PathMatch, seen: Seen) -> str:
    """The scheme is kept unless the redirect has one, and the query unless ``path_redirect`` brings its own."""
    if redirect.path:
        target = redirect.path if "?" in redirect.path else redirect.path + seen.query_string
    else:
        target = _rewritten(path, redirect.prefix, redirect.regex, seen.path) + seen.query_string
    slash = "" if target.startswith("/") else "/"
    return f"{redirect.scheme or seen.scheme}://{redirect.host}{slash}{target}"


def _rewritten(matched: PathMatch, prefix: str | None, regex: RegexRewrite | None, path: str) -> str:
    """The path after a rewrite. ``prefix`` replaces what was matched, and nothing else: no slash is added or merged."""
    if regex is not None:
        return replace_all(regex.pattern, regex.substitution, path)
    if not prefix:
        return path
    return prefix + path[len(matched.value) :] if matched.kind is MatchKind.PREFIX else prefix
