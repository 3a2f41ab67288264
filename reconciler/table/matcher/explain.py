"""The reference matcher: what the table answers to one request, and why no other rule does.

Slow and plain on purpose: it walks the rules of one virtual host in order, as Envoy does with a plain list. Whatever
is rendered for Envoy has to answer the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.model.chains import chain_for, clear_text_hosts, tls_chains
from reconciler.model.resource import HostMatch
from reconciler.model.table import Listener, Request, Route, RouteTable, VirtualHost
from reconciler.table.domains import Domains
from reconciler.table.matcher.answer import Answer, BadRequest, HungUp, NotFound, answer_of, guarded
from reconciler.table.matcher.conditions import first_failure, path_holds
from reconciler.table.matcher.edge_answers import probed, read_path
from reconciler.table.matcher.seen import Seen, look_at, without_port

_WHOLE = 100  # percent
_NEAR_MISSES = 10
_LISTED = 5  # virtual hosts or ports named in a message


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule that takes ``percent`` of the requests like this one, and its answer."""

    route: Route
    percent: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A rule that might have been meant, and in words what kept it from taking the request."""

    route: Route
    reason: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What becomes of a request.

    Attributes:
        listener: name of the listener; empty when there is none on that port.
        virtual_host: the one Envoy picks by host; None when there is none.
        route: the rule that wins; of a weighted group the first that gets any. None: no rule, or a guard answered.
        candidates: all rules that take a share; percents add up to 100 where there is any.
        answer: the answer of ``route``, of the guard, `NotFound`, or `BadRequest`.
        near_misses: at most 10, rules whose path holds first, then by how much of the path they share.
    """

    request: Request
    listener: str
    virtual_host: HostMatch | None
    route: Route | None
    candidates: tuple[Candidate, ...]
    answer: Answer
    near_misses: tuple[NearMiss, ...]


def explain(table: RouteTable, request: Request) -> Explanation:
    """Which rule serves a request, and why not the others.

    Hosts compare without case and port, paths normalised (`normalised`) and without the query, regexes are RE2
    and match the whole string, a header that is missing meets no condition, of several headers of one name any may
    meet it (well-known ones are joined first), and of several query parameters of one name the first counts, undecoded.
    All as in Envoy 1.40, by test.

    Args:
        table: what is served.
        request: ``path`` without query; without ``port`` the first listener that serves the host is asked; with
            ``tls`` the client asks for the certificate of ``host``.
    """
    listener, virtual_host = _virtual_host(table, request)
    read = read_path(request, table.edge.http.paths)
    if isinstance(read, BadRequest):
        return Explanation(request, "", None, None, (), read, ())
    seen = look_at(read, (listener.trusted_hops or table.edge.http.connections.trusted_hops) if listener else 0)
    if seen is None:
        reason = "the path is not visible ASCII that begins with /; escape what is not"
        return Explanation(request, "", None, None, (), BadRequest(reason), ())
    if listener is None or virtual_host is None:
        name = listener.name if listener else ""
        return Explanation(request, name, None, None, (), _nobody(table, listener, request, seen.host), ())
    if seen.headers["x-forwarded-proto"] == ("",):
        reason = "its x-forwarded-proto, believed of a proxy in front, is empty; Envoy then looks for no route"
        return Explanation(request, listener.name, virtual_host.host, None, (), NotFound(reason), ())
    refusal = guarded(virtual_host.guard, seen)
    if refusal is not None:
        return Explanation(request, listener.name, virtual_host.host, None, (), refusal, ())
    clusters = {cluster.name: cluster for cluster in table.clusters}
    shares = _shares(virtual_host.routes, seen)
    candidates = tuple(Candidate(route, percent, answer_of(route, seen, clusters)) for route, percent in shares)
    winner = candidates[0] if candidates else None
    check = probed(table.edge.http.probes, seen.path, winner.route if winner else None)
    if check is not None:
        return Explanation(request, listener.name, virtual_host.host, None, (), check, ())
    answer = winner.answer if winner else NotFound(f"no rule of virtual host `{virtual_host.host}` matches")
    misses = _near_misses(virtual_host.routes, [route for route, _ in shares], seen)
    route = winner.route if winner else None
    return Explanation(request, listener.name, virtual_host.host, route, candidates, answer, misses)


def _virtual_host(table: RouteTable, request: Request) -> tuple[Listener | None, VirtualHost | None]:
    """The first listener that serves the host, with the virtual host; else the first that could."""
    host = without_port(request.host).lower()
    asked = _asked(table, request)
    for listener in asked:
        answering = _answering(listener, request, host)
        picked = Domains.of(virtual_host.host for virtual_host in answering).pick(host)
        for virtual_host in answering:
            if virtual_host.host == picked:
                return listener, virtual_host
    return (asked[0] if asked else None), None


def _asked(table: RouteTable, request: Request) -> list[Listener]:
    """The listeners that speak HTTP, over TLS or in clear text, as the request does."""
    return [
        listener
        for listener in table.listeners
        if listener.stack.http and (listener.stack.tls if request.tls else not listener.stack.udp)
        if request.port is None or listener.port == request.port
    ]


def _answering(listener: Listener, request: Request, host: str) -> Sequence[VirtualHost]:
    """The virtual hosts of a connection: over TLS those of the chain for the name that the client asks for."""
    if not request.tls:
        return clear_text_hosts(listener)
    chain = chain_for(tls_chains(listener), host)
    return chain.virtual_hosts if chain else ()


def _shares(routes: Iterable[Route], seen: Seen) -> list[tuple[Route, int]]:
    """Rules whose conditions hold, each with the share of the random numbers 0..99 that no rule before it took."""
    shares: list[tuple[Route, int]] = []
    taken = 0
    for route in routes:
        threshold = _WHOLE if route.threshold is None else route.threshold
        if threshold > taken and not first_failure(route, seen):
            shares.append((route, threshold - taken))
            taken = threshold
            if taken == _WHOLE:
                break
    return shares


def _near_misses(routes: Sequence[Route], winners: Sequence[Route], seen: Seen) -> tuple[NearMiss, ...]:
    ranked: list[tuple[int, int, Route]] = []
    for position, route in enumerate(routes):
        shared = _shared_length(route.path.value, seen.path)
        holds = path_holds(route.path, seen.path)
        if route not in winners and (holds or shared > 1):
            ranked.append((-len(seen.path) - 1 if holds else -shared, position, route))
    ranked.sort(key=lambda entry: entry[:2])
    return tuple(NearMiss(route, _reason(route, winners, seen)) for _, _, route in ranked[:_NEAR_MISSES])


def _reason(route: Route, winners: Sequence[Route], seen: Seen) -> str:
    failure = first_failure(route, seen)
    if failure:
        return failure
    group = next((winner for winner in winners if _same_match(winner, route)), None)
    if group is not None:
        return f"its weight leaves it no request beside {group.name}"
    return f"{winners[0].name} comes first" if winners else "its weight leaves it no request"


def _shared_length(one: str, two: str) -> int:
    """How many leading characters two strings share."""
    return next((at for at, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))


def _same_match(one: Route, two: Route) -> bool:
    return (one.host, one.path, one.method, one.headers, one.query, one.precedence) == (
        two.host,
        two.path,
        two.method,
        two.headers,
        two.query,
        two.precedence,
    )


def _nobody(table: RouteTable, listener: Listener | None, request: Request, host: str) -> NotFound | HungUp:
    """Why no virtual host answers."""
    kind = "listener that ends TLS" if request.tls else "listener"
    if listener is None:
        ports = ", ".join(str(one.port) for one in table.listeners[:_LISTED]) or "none"
        there = f"no {kind} on port {request.port}; there are: {ports}"
        return NotFound(there if request.port is not None else f"there is no {kind}")
    if request.tls and chain_for(tls_chains(listener), host) is None:
        return HungUp(f"nobody has a certificate for `{host}` on port {listener.port}, so Envoy closes the connection")
    names = [str(virtual_host.host) for virtual_host in listener.virtual_hosts]
    listed = ", ".join(f"`{name}`" for name in names[:_LISTED]) + (" …" if len(names) > _LISTED else "")
    return NotFound(f"no virtual host serves `{host}`; there are: {listed or 'none'}")
