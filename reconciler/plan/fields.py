"""A route in words: every routing fact as a named field that people read.

Two routes that treat some request differently have different fields; where something was written is not a field.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from reconciler.model.policy import DirectResponse
from reconciler.model.ports import PLAIN_HTTP
from reconciler.model.resource import MatchKind, NamedMatch, PathMatch, Redirect, RegexRewrite, ResourceId, StringMatch
from reconciler.model.table import Forward, Guard, Listener, Route, RouteTable
from reconciler.plan.edge_fields import passing_fields
from reconciler.plan.policies import answer_fields, policy_fields
from reconciler.plan.quoting import quoted
from reconciler.plan.upstreams import cluster_words

Fields = dict[str, str]

# What an absent field means, where "none" would mislead.
ABSENT: Mapping[str, str] = MappingProxyType(
    {
        "method": "any",
        "headers": "any",
        "query": "any",
        "precedence": "0",
        "share": "all",
        "protocols": "HTTP, TCP",
    }
)

_VERBS: Mapping[MatchKind, str] = MappingProxyType(
    {
        MatchKind.EXACT: "is",
        MatchKind.PREFIX: "starts with",
        MatchKind.SUFFIX: "ends with",
        MatchKind.REGEX: "matches",
    }
)


class Wording:
    """A table whose routes can be put into words one by one: ten thousand are compared, few are worded."""

    def __init__(self, table: RouteTable) -> None:
        self.addresses = {cluster.name: cluster_words(cluster) for cluster in table.clusters}
        self.shares = group_shares(table.routes)
        self.routes: dict[ResourceId, list[Route]] = {}
        for route in table.routes:
            self.routes.setdefault(route.id, []).append(route)

    def fields(self, name: ResourceId) -> Fields:
        """The fields of one Mapping; none when it has no route."""
        return routes_fields(self.routes.get(name, ()), self.addresses, self.shares.get(name, ""))

    def facts(self, name: ResourceId) -> object:
        """What the fields are made of, but for upstream addresses: equal facts give equal fields."""
        routes = self.routes.get(name, ())
        return self.shares.get(name), [
            (r.host, r.path, r.method, r.headers, r.query, r.precedence, r.action, r.policy) for r in routes
        ]


def normalised(table: RouteTable) -> dict[ResourceId, Fields]:
    """The fields of every route of a table, by identity."""
    wording = Wording(table)
    return {name: wording.fields(name) for name in wording.routes}


def routes_fields(routes: Iterable[Route], addresses: Mapping[str, str], share: str) -> Fields:
    """The fields of the routes of one Mapping; where they differ, the values in order."""
    merged: dict[str, list[str]] = {}
    for route in routes:
        for name, value in route_fields(route, addresses, share).items():
            values = merged.setdefault(name, [])
            if value not in values:
                values.append(value)
    return {name: " | ".join(values) for name, values in merged.items()}


def route_fields(route: Route, addresses: Mapping[str, str], share: str) -> Fields:
    """The fields of one route in the order they are shown; absent ones are left out.

    Args:
        route: the route.
        addresses: upstreams in words, by cluster name.
        share: its part of a weighted group, from `group_shares`.
    """
    action = route.action
    match action:
        case Redirect():
            what = _redirect_fields(action)
        case DirectResponse():
            what = answer_fields(action)
        case Forward():
            what = _forward_fields(action, addresses)
    fields = {
        "host": quoted(str(route.host)),
        "path": _path(route.path),
        "method": _method(route.method),
        "headers": _conditions(route.headers),
        "query": _conditions(route.query),
        "precedence": str(route.precedence or ""),
        "share": share,
        **what,
        **policy_fields(route.policy, forwards=isinstance(action, Forward)),
        **passing_fields(route.policy, forwards=isinstance(action, Forward)),
    }
    return {name: value for name, value in fields.items() if value}


def group_shares(routes: Iterable[Route]) -> dict[ResourceId, str]:
    """How many requests of its weighted group each route takes; routes that stand alone are not in it.

    Thresholds of a group add up, so a share is the distance to the threshold before; the last takes the rest.
    """
    reached: dict[object, int] = {}
    shares: dict[ResourceId, str] = {}
    for route in routes:
        if route.threshold is None and not reached:
            continue
        group = (route.precedence, route.host, route.path, route.method, route.headers, route.query)
        if route.threshold is None and group not in reached:
            continue
        upto = 100 if route.threshold is None else route.threshold
        shares[route.id] = f"{upto - reached.get(group, 0)} % of requests"
        reached[group] = upto
    return shares


def listener_fields(listener: Listener) -> Fields:
    """A listener without its virtual hosts and TCP routes."""
    fields = {
        "address": f"{listener.address}:{listener.port}",
        "protocols": "" if listener.stack == PLAIN_HTTP else str(listener.stack),
        "security model": str(listener.security_model) if listener.stack.http else "",
        "trusted proxies": str(listener.trusted_hops or ""),
        "statistics": quoted(listener.stats_prefix) if listener.stats_prefix else "",
        "HTTP/2 streams": str(listener.max_streams or ""),
        "alt-svc": "HTTP/3" if listener.advertises_http3 else "",
    }
    return {name: value for name, value in fields.items() if value}


def guard_fields(guard: Guard | None) -> Fields:
    """What a virtual host does with insecure requests; nothing when it routes them."""
    if guard is None:
        return {}
    which = "when x-forwarded-proto is http" if guard.by_header else "always"
    return {"insecure requests": f"{guard.action} {which}"}


def _path(path: PathMatch) -> str:
    return f"{path.kind} {quoted(path.value)}" + ("" if path.case_sensitive else " (any case)")


def _method(method: StringMatch | None) -> str:
    if method is None or method.kind is MatchKind.ANY:
        return ""
    return quoted(method.value) if method.kind is MatchKind.EXACT else f"{method.kind} {quoted(method.value)}"


def _conditions(conditions: Iterable[NamedMatch]) -> str:
    return ", ".join(_condition(condition) for condition in conditions)


def _condition(condition: NamedMatch) -> str:
    verb = _VERBS.get(condition.match.kind)
    if verb is None:
        return f"{quoted(condition.name)} {condition.match.kind}"
    return f"{quoted(condition.name)} {verb} {quoted(condition.match.value)}"


def _forward_fields(forward: Forward, addresses: Mapping[str, str]) -> Fields:
    def address(cluster: str) -> str:
        return addresses.get(cluster) or quoted(cluster)

    prefix = "" if forward.prefix_rewrite is None else quoted(forward.prefix_rewrite)
    host = "" if forward.host_rewrite is None else quoted(forward.host_rewrite)
    return {
        "to": address(forward.cluster),
        "rewrite": _regex(forward.regex_rewrite) if forward.regex_rewrite else prefix,
        "host rewrite": " | ".join(part for part in (host, "upstream's host name" * forward.auto_host_rewrite) if part),
        "timeout": f"{forward.timeout_ms} ms" if forward.timeout_ms else "none",
        "mirrors": ", ".join(f"{mirror.percent} % to {address(mirror.cluster)}" for mirror in forward.mirrors),
    }


def _redirect_fields(redirect: Redirect) -> Fields:
    host = f"{redirect.scheme}://{redirect.host}" if redirect.scheme else redirect.host
    parts = [f"{int(redirect.code)}", f"to {quoted(host)}"]
    if redirect.path is not None:
        parts.append(f"path {quoted(redirect.path)}")
    if redirect.prefix is not None:
        parts.append(f"prefix {quoted(redirect.prefix)}")
    if redirect.regex is not None:
        parts.append(_regex(redirect.regex))
    return {"redirect": " ".join(parts)}


def _regex(rewrite: RegexRewrite) -> str:
    return f"regex {quoted(rewrite.pattern)} with {quoted(rewrite.substitution)}"
