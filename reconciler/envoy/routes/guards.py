"""What comes before all rules of a host that does not route insecure requests: as a route, and before a tree."""

from typing import TypeAlias

from envoy.config.route.v3 import route_components_pb2
from envoy.config.route.v3.route_components_pb2 import (
    DirectResponseAction,
    HeaderMatcher,
    RedirectAction,
    RouteMatch,
)
from envoy.type.matcher.v3.string_pb2 import StringMatcher
from xds.core.v3.extension_pb2 import TypedExtensionConfig
from xds.type.matcher.v3 import string_pb2
from xds.type.matcher.v3.matcher_pb2 import Matcher

from reconciler.envoy.filters.auth import AUTH_FILTER, NOT_ASKED
from reconciler.envoy.protobuf import packed
from reconciler.envoy.routes.matchers import header_matcher
from reconciler.envoy.routes.tree_format import header_input
from reconciler.model.resource import InsecureAction, MatchKind, NamedMatch, StringMatch
from reconciler.model.table import ACME_CHALLENGES, Guard

_TO_HTTPS = RedirectAction(https_redirect=True)
_NOT_FOUND = DirectResponseAction(status=404)
_PROTOCOL, _HTTP = "x-forwarded-proto", "http"

Predicate: TypeAlias = Matcher.MatcherList.Predicate


def no_acme_challenge() -> HeaderMatcher:
    """Holds for all paths but those of ACME challenges."""
    acme = StringMatcher(prefix=ACME_CHALLENGES)
    return HeaderMatcher(name=":path", string_match=acme, invert_match=True)


def guard_routes(guard: Guard | None) -> list[route_components_pb2.Route]:
    """The routes before all others; none where nothing is guarded."""
    if guard is None:
        return []
    match = RouteMatch(prefix="/", headers=[no_acme_challenge()])
    if guard.by_header:
        match.headers.append(header_matcher(NamedMatch(_PROTOCOL, StringMatch(MatchKind.EXACT, _HTTP))))
    passing = {AUTH_FILTER: NOT_ASKED} if guard.past_auth else {}
    match guard.action:
        case InsecureAction.REDIRECT:
            redirect = route_components_pb2.Route(
                name="insecure-redirect", match=match, redirect=_TO_HTTPS, typed_per_filter_config=passing
            )
            return [redirect]
        case InsecureAction.REJECT:
            reject = route_components_pb2.Route(
                name="insecure-reject", match=match, direct_response=_NOT_FOUND, typed_per_filter_config=passing
            )
            return [reject]
        case InsecureAction.ROUTE:
            return []


def guard_matcher(guard: Guard | None) -> Matcher | None:
    """The same before a tree, in front of which it stands once and not at every key; None where nothing is guarded.

    The conditions are those of the route, which a matcher asks again: were they fewer, the answer would be 404.
    """
    routes = guard_routes(guard)
    if guard is None or not routes:
        return None
    conditions = [
        _header(":path", string_pb2.StringMatcher(prefix="/")),
        Predicate(not_matcher=_header(":path", string_pb2.StringMatcher(prefix=ACME_CHALLENGES))),
    ]
    if guard.by_header:
        conditions.append(_header(_PROTOCOL, string_pb2.StringMatcher(exact=_HTTP)))
    (route,) = routes
    answer = Matcher.OnMatch(action=TypedExtensionConfig(name="route", typed_config=packed(route)))
    all_of = Predicate(and_matcher=Predicate.PredicateList(predicate=conditions))
    first = Matcher.MatcherList.FieldMatcher(predicate=all_of, on_match=answer)
    return Matcher(matcher_list=Matcher.MatcherList(matchers=[first]))


def _header(name: str, value: string_pb2.StringMatcher) -> Predicate:
    return Predicate(single_predicate=Predicate.SinglePredicate(input=header_input(name), value_match=value))
