"""The routes that are served, as rules that people read. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.model.match import MatchKind, NamedMatch, PathMatch, StringMatch
from reconciler.model.policy import DirectResponse
from reconciler.model.provenance import ObjectTouch
from reconciler.model.resource import Redirect
from reconciler.model.table import Cluster, Forward, Route, RouteTable, TcpRoute
from reconciler.web.pages.views.filters import Parameters, first
from reconciler.web.pages.views.places import Place, place_of

ROWS_PER_PAGE = 100
_WHOLE = 100  # percent
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Rule:
    """One route.

    Attributes:
        path: ``/api/``; ``how``: ``prefix``, ``exact``, ``regex``, or ``TCP``.
        conditions: what else a request must meet, in words.
        to: where it goes, in words.
        share: percent of the requests that meet its conditions, where it does not take all that reach it; else empty.
    """

    kind: str
    namespace: str
    name: str
    host: str
    path: str
    how: str
    conditions: tuple[str, ...]
    to: str
    share: str
    precedence: int
    place: Place


@dataclass(frozen=True, slots=True)
class Search:
    """What of the table is wanted; empty for all."""

    text: str = ""
    host: str = ""
    prefix: str = ""
    namespace: str = ""

    def pairs(self) -> list[tuple[str, str]]:
        """As parameters of a URL."""
        named = (("q", self.text), ("host", self.host), ("prefix", self.prefix), ("namespace", self.namespace))
        return [(name, value) for name, value in named if value]


@dataclass(frozen=True, slots=True)
class RulesPage:
    """One page of the table.

    Attributes:
        found: how many there are in all that were asked for; ``of``: how many are served.
        first: number of the first one on this page, from 1; 0 where there is none.
    """

    rules: tuple[Rule, ...]
    found: int
    of: int
    first: int
    page: int
    pages: int
    namespaces: tuple[str, ...] = field(default=())


def read_search(parameters: Parameters) -> Search:
    """What a URL asks for; too long a text is cut."""
    return Search(*(first(parameters, name)[:_LONGEST] for name in ("q", "host", "prefix", "namespace")))


def rules_page(table: RouteTable, search: Search, page: int) -> RulesPage:
    """The rules that are wanted, in the order in which they are tried; those for connections behind them."""
    every: list[Route | TcpRoute] = [*table.routes, *table.tcp_routes]
    found = [route for route in every if _wanted(route, search)]
    pages = max(1, -(-len(found) // ROWS_PER_PAGE))
    page = min(page, pages)
    begin = (page - 1) * ROWS_PER_PAGE
    shown = found[begin : begin + ROWS_PER_PAGE]
    namespaces = sorted({route.id.namespace for route in every})
    return RulesPage(
        rules_of(shown, table.clusters),
        len(found),
        len(every),
        begin + 1 if shown else 0,
        page,
        pages,
        tuple(namespaces),
    )


def rules_of(routes: Sequence[Route | TcpRoute], clusters: Iterable[Cluster]) -> tuple[Rule, ...]:
    """Routes as rules."""
    addresses = {cluster.name: str(cluster.address) for cluster in clusters}
    return tuple(
        _of_connections(route, addresses) if isinstance(route, TcpRoute) else _of_requests(route, addresses)
        for route in routes
    )


def _wanted(route: Route | TcpRoute, search: Search) -> bool:
    if search.namespace and route.id.namespace != search.namespace:
        return False
    if search.host and not _takes_host(route, search.host):
        return False
    path = "" if isinstance(route, TcpRoute) else route.path.value
    if search.prefix and not path.startswith(search.prefix):
        return False
    return not search.text or search.text.lower() in _words(route)


def _takes_host(route: Route | TcpRoute, host: str) -> bool:
    """Whether it answers for a host, or is written for one that contains this."""
    named = [match for match, _ in route.servers] if isinstance(route, TcpRoute) else [route.host]
    return any(host.lower() in str(match).lower() or match.matches(host) for match in named)


def _words(route: Route | TcpRoute) -> str:
    touch = route.provenance.touch
    by = "" if touch is None else touch.manager if isinstance(touch, ObjectTouch) else f"{touch.sha} {touch.author}"
    if isinstance(route, TcpRoute):
        about = f"{' '.join(str(host) for host, _ in route.servers)} {route.cluster}"
    else:
        to = route.action.cluster if isinstance(route.action, Forward) else ""
        about = f"{route.host} {route.path.value} {to}"
    return f"{route.id} {about} {route.provenance.path} {by}".lower()


def _of_connections(route: TcpRoute, addresses: Mapping[str, str]) -> Rule:
    hosts = ", ".join(str(host) for host, _ in route.servers) or "*"
    share = f"{route.percent} %" if route.percent < _WHOLE else ""
    to = addresses.get(route.cluster, route.cluster)
    return Rule(
        str(route.id.kind),
        route.id.namespace,
        route.id.name,
        hosts,
        "",
        "TCP",
        (),
        to,
        share,
        0,
        place_of(route.provenance),
    )


def _of_requests(route: Route, addresses: Mapping[str, str]) -> Rule:
    return Rule(
        kind=str(route.id.kind),
        namespace=route.id.namespace,
        name=route.id.name,
        host=str(route.host),
        path=route.path.value,
        how=_how(route.path),
        conditions=tuple(_conditions(route)),
        to=_to(route, addresses),
        share="" if route.threshold is None else f"up to {route.threshold} %",
        precedence=route.precedence,
        place=place_of(route.provenance),
    )


def _how(path: PathMatch) -> str:
    return f"{path.kind}{'' if path.case_sensitive else ', any case'}"


def _conditions(route: Route) -> list[str]:
    found = [f"method {_match(route.method)}"] if route.method else []
    found += [f"header {_named(one)}" for one in route.headers]
    return found + [f"query {_named(one)}" for one in route.query]


def _named(one: NamedMatch) -> str:
    return f"{one.name} {_match(one.match)}"


def _match(match: StringMatch) -> str:
    if match.kind is MatchKind.EXACT:
        return f"= {match.value}"
    return str(match.kind) if match.kind in (MatchKind.PRESENT, MatchKind.ANY) else f"{match.kind} {match.value}"


def _to(route: Route, addresses: Mapping[str, str]) -> str:
    match route.action:
        case Forward():
            rewritten = f", path {route.action.prefix_rewrite}" if route.action.prefix_rewrite else ""
            return f"{addresses.get(route.action.cluster, route.action.cluster)}{rewritten}"
        case Redirect():
            return f"redirect {int(route.action.code)} to {route.action.host}{route.action.path or ''}"
        case DirectResponse():
            return f"answers {route.action.status} itself"
