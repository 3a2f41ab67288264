"""The services that requests are shown to, in words."""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from types import MappingProxyType

from reconciler.model.digest import Json
from reconciler.model.edge import Edge
from reconciler.model.origin import Kind
from reconciler.model.plain import plain
from reconciler.model.plan import Op
from reconciler.model.policy import LimitEntry, LimitLabels, Pairs, RoutePolicy
from reconciler.model.services import Auth, RateLimit, RemoteLog, Tracing
from reconciler.plan.quoting import quoted

Fields = dict[str, str]
Service = Auth | RateLimit | Tracing | RemoteLog

# What people must not overlook.
_SENTENCES: Mapping[tuple[Kind, Op], str] = MappingProxyType(
    {
        (Kind.AUTH_SERVICE, Op.CREATE): "every request is authenticated from now on, but where a Mapping bypasses it",
        (Kind.AUTH_SERVICE, Op.UPDATE): "how requests are authenticated is another matter from now on",
        (Kind.AUTH_SERVICE, Op.DELETE): "REQUESTS ARE NO LONGER AUTHENTICATED",
        (Kind.RATE_LIMIT_SERVICE, Op.DELETE): "RATES ARE NO LONGER LIMITED",
    }
)
# Settings whose values may be credentials.
_PRIVATE = frozenset({"add_headers"})
_DIGITS = 8  # enough to see that a value is another one


def services_of(edge: Edge) -> dict[tuple[Kind, str], Fields]:
    """The fields of every service of a table, by kind and name."""
    return {(kind, service.service.name): _service_fields(service) for kind, service in _services(edge)}


def sentence(kind: Kind, op: Op) -> str:
    """What becomes of requests, where it must not be overlooked; empty otherwise."""
    return _SENTENCES.get((kind, op), "")


def passing_fields(policy: RoutePolicy, *, forwards: bool) -> Fields:
    """How the requests of a route pass those services; absent ones are left out.

    Args:
        policy: of the route.
        forwards: whether the route sends requests on: what Envoy answers by itself nobody need be asked about.
    """
    found: Fields = {}
    if policy.bypass_auth:
        found["auth"] = "NOT ASKED" if forwards else "not asked"
    elif policy.auth_context:
        found["auth context"] = pairs(policy.auth_context)
    if policy.labels:
        found["rate limits"] = "; ".join(_labels(policy.labels))
    return found


def pairs(values: Pairs) -> str:
    """Names, each with a fingerprint of its value: the value may be a credential."""
    return ", ".join(
        f"{quoted(name)} (sha256 {sha256(value.encode()).hexdigest()[:_DIGITS]})" for name, value in values
    )


def _services(edge: Edge) -> Iterator[tuple[Kind, Service]]:
    if edge.auth is not None:
        yield Kind.AUTH_SERVICE, edge.auth
    if edge.rate_limit is not None:
        yield Kind.RATE_LIMIT_SERVICE, edge.rate_limit
    if edge.tracing is not None:
        yield Kind.TRACING_SERVICE, edge.tracing
    yield from ((Kind.LOG_SERVICE, log) for log in edge.logs)


def _service_fields(service: Service) -> Fields:
    found = {"to": str(service.service.address), "cluster": quoted(service.service.cluster)}
    settings = plain(service.settings)
    for name, value in settings.items() if isinstance(settings, dict) else ():
        words = pairs(getattr(service.settings, name)) if name in _PRIVATE else _words(value)
        found[name.replace("_", " ")] = words
    return found


def _words(value: Json) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(_words(item) for item in value)
        case dict():
            return " ".join(f"{name} {_words(item)}" for name, item in value.items())
        case str():
            return quoted(value)
        case _:
            return str(value)


def _labels(labels: Iterable[LimitLabels]) -> Iterator[str]:
    for one in labels:
        for _, entries in one.groups:
            yield f"{quoted(one.domain)}: " + " + ".join(_entry(entry) for entry in entries)


def _entry(entry: LimitEntry) -> str:
    words = str(entry.kind).replace("_", " ")
    key = f" {quoted(entry.key)}" if entry.key else ""
    value = f" = {quoted(entry.value)}" if entry.value else ""
    return f"{words}{key}{value}" + (" (if there)" if entry.omit_if_not_present else "")
