"""The controller as those see it who may see some namespaces. Pure."""

from dataclasses import replace

from reconciler.model.edge import PLAIN_EDGE
from reconciler.model.health import AnchorHealth, Health
from reconciler.model.problem import Code, Problem
from reconciler.model.provenance import namespace_of
from reconciler.model.table import Forward, Listener, Route, RouteTable
from reconciler.web.access import Scope
from reconciler.web.narrow.facts import of_resource
from reconciler.web.view import Envoy, Live, Matched

LIVE_WITHHELD = ("leader", "leading", "message", "replica", "repository")
_ELSEWHERE = "a route of somebody else answers it"
_BESIDE = "it can't be as it is beside what somebody else wrote"


def narrowed_live(live: Live, scope: Scope) -> Live:
    """The same moment, with what belongs to others left out."""
    if scope.everything:
        return live
    return replace(
        live,
        repository="",
        table=_table(live.table, scope),
        problems=tuple(_told(one) for one in live.problems if scope.sees(_namespace(one))),
        quarantined=tuple(pair for pair in live.quarantined if scope.sees(pair[0].namespace)),
        conditions=tuple(replace(condition, message="") for condition in live.conditions),
        message="",
        health=_health(live.health),
        election=None,
        targets=tuple(replace(target, name=target.name.partition(":")[0]) for target in live.targets),
        envoys=tuple(map(_nameless, live.envoys)),
    )


def _health(health: Health) -> Health:
    """What is wrong, without the words for it, which may name others."""
    sources = tuple(
        replace(source, failure="it can't be read" if source.failure else "", objects=0) for source in health.sources
    )
    anchors = tuple(
        AnchorHealth(
            "a place outside",
            failure="it can't be used" if anchor.failure else "",
            differs="somebody has to look" if anchor.differs else "",
        )
        for anchor in health.anchors
    )
    return Health(
        sources=sources,
        suspended=health.suspended,
        journal="somebody has to look" if health.journal else "",
        unrecorded=health.unrecorded,
        anchors=anchors,
    )


def narrowed_match(matched: Matched, scope: Scope) -> Matched:
    """What becomes of a request, as far as routes are concerned that may be seen."""
    if scope.everything:
        return matched
    takers = tuple(taker for taker in matched.takers if scope.sees(taker.id.namespace))
    whole = len(takers) == len(matched.takers)
    host = matched.virtual_host if takers else ""
    takers = tuple(replace(taker, auth="", policies=_own(taker.policies, scope)) for taker in takers)
    misses = tuple(
        replace(miss, reason=miss.reason if _tells_own(miss.reason) else _BEHIND)
        for miss in matched.misses
        if scope.sees(miss.id.namespace)
    )
    answer = takers[0].answer if takers else _ELSEWHERE if not whole else _NOBODY if not matched.served else _OTHERS
    return Matched(matched.served, answer, "", host, takers, misses)


_BEHIND = "another route comes first"
_NOBODY = "nothing serves it"
_OTHERS = "Envoy answers it by itself"


def _tells_own(reason: str) -> bool:
    """Whether what kept a route from a request is one of its own conditions, and no other route's name."""
    return not reason.endswith(" comes first") and not reason.startswith("its weight leaves it no request beside")


def _own(names: tuple[str, ...], scope: Scope) -> tuple[str, ...]:
    return tuple(name for name in names if scope.sees(name.partition("/")[0]))


def _table(table: RouteTable, scope: Scope) -> RouteTable:
    """The routes that may be seen, and what they lead to."""
    routes = tuple(_route(route, scope) for route in table.routes if scope.sees(route.id.namespace))
    listeners = tuple(filter(None, (_listener(listener, scope) for listener in table.listeners)))
    used = {cluster for route in routes for cluster in _clusters(route)}
    used.update(route.cluster for listener in listeners for route in listener.tcp_routes)
    return RouteTable(listeners, routes, tuple(one for one in table.clusters if one.name in used), PLAIN_EDGE)


def _clusters(route: Route) -> tuple[str, ...]:
    if not isinstance(route.action, Forward):
        return ()
    return route.action.cluster, *(mirror.cluster for mirror in route.action.mirrors)


def _route(route: Route, scope: Scope) -> Route:
    policies = tuple(one for one in route.policies if scope.sees(one.name.partition("/")[0]))
    return replace(route, policies=policies)


def _listener(listener: Listener, scope: Scope) -> Listener | None:
    """A port with the connections that may be seen; None where there are none."""
    routes = tuple(route for route in listener.tcp_routes if scope.sees(route.id.namespace))
    name = f"port {listener.port}"
    return replace(listener, name=name, virtual_hosts=(), tcp_routes=routes, stats_prefix="") if routes else None


def _namespace(problem: Problem) -> str:
    """Whose problem it is; empty for one that is not known to be about a resource of somebody."""
    return of_resource(problem.resource) or namespace_of(problem.provenance.path) or ""


def _told(problem: Problem) -> Problem:
    """A finding without the names of others that it may have come about by."""
    if not problem.related and problem.code is not Code.WEIGHTS:  # which tells whose stay served instead
        return replace(problem, hint="")
    return replace(problem, message=_BESIDE, expected="", hint="", related=())


def _nameless(envoy: Envoy) -> Envoy:
    """An Envoy: it is everybody's, but its name is its owner's."""
    acks = tuple(replace(ack, node="", detail="") for ack in envoy.acks)
    return replace(envoy, node="", cluster="", user_agent="", acks=acks)
