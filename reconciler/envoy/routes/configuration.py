"""A listener's virtual hosts as one Envoy route configuration.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route.proto
"""

from collections.abc import Iterable, Iterator, Sequence

from envoy.config.core.v3.base_pb2 import HeaderValue, HeaderValueOption
from envoy.config.route.v3 import route_components_pb2
from envoy.config.route.v3.route_components_pb2 import (
    DirectResponseAction,
    HeaderMatcher,
    RedirectAction,
    RouteMatch,
)
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.type.matcher.v3.string_pb2 import StringMatcher
from google.protobuf.wrappers_pb2 import BoolValue

from reconciler.envoy.filters.auth import AUTH_FILTER, NOT_ASKED
from reconciler.envoy.routes.matchers import header_matcher
from reconciler.envoy.routes.probes import routes_with_probes
from reconciler.model.chains import TlsChain, clear_text_hosts, tls_chains
from reconciler.model.edge import Probe
from reconciler.model.resource import InsecureAction, MatchKind, NamedMatch, StringMatch
from reconciler.model.table import ACME_CHALLENGES, Guard, Listener, VirtualHost

_TO_HTTPS = RedirectAction(https_redirect=True)
_NOT_FOUND = DirectResponseAction(status=404)
# Always port 443, as in the language's other implementation: what clients use is the port of the balancer in front.
_HTTP3_THERE = HeaderValueOption(header=HeaderValue(key="alt-svc", value='h3=":443"; ma=86400'))
_SAYS_HTTP = NamedMatch("x-forwarded-proto", StringMatch(MatchKind.EXACT, "http"))


def route_configurations(listener: Listener, probes: Sequence[Probe] = ()) -> Iterator[RouteConfiguration]:
    """The routes of a listener: in clear text all under its name, over TLS those of each chain under the chain's."""
    if not listener.stack.http:
        return
    if not listener.stack.udp:
        yield route_configuration(listener, listener.name, clear_text_hosts(listener), probes)
    for chain in tls_chains(listener):
        yield route_configuration(listener, chain_name(listener, chain), chain.virtual_hosts, probes)


def chain_name(listener: Listener, chain: TlsChain) -> str:
    """Name of a filter chain that ends TLS, and of its route configuration."""
    return f"{listener.name}/{chain.termination.name}"


def route_configuration(
    listener: Listener, name: str, virtual_hosts: Iterable[VirtualHost], probes: Sequence[Probe] = ()
) -> RouteConfiguration:
    """Some virtual hosts of a listener.

    Clusters are not validated: xDS delivers them first, but through another subscription, so that on a start they may
    still be missing when the routes arrive; such a route answers 503 until then, and a rejection would lose all the
    others. The static bootstrap, where nothing is still to come, does validate them.
    """
    return RouteConfiguration(
        name=name,
        virtual_hosts=[virtual_host(vhost, probes) for vhost in virtual_hosts],
        response_headers_to_add=[_HTTP3_THERE] if listener.advertises_http3 else [],
        ignore_port_in_host_matching=True,
        validate_clusters=BoolValue(value=False),
    )


def virtual_host(vhost: VirtualHost, probes: Sequence[Probe] = ()) -> route_components_pb2.VirtualHost:
    """One virtual host: its guard, then its rules in match order, and the checks where a Mapping would stand."""
    name = domain(vhost)
    routes = guard_routes(vhost.guard) if vhost.guard else []
    routes += routes_with_probes(vhost, probes)
    return route_components_pb2.VirtualHost(name=name, domains=[name], routes=routes)


def domain(vhost: VirtualHost) -> str:
    """Envoy's spelling of the host: ``*``, ``*.x``, ``x.*`` or exact.

    Raises:
        ValueError: a regex, which no domain can say; the table puts such rules into the hosts they may match.
    """
    if vhost.host.kind is MatchKind.REGEX:
        raise ValueError(f"a virtual host can't be a regex: {vhost.host}")
    return str(vhost.host)


def no_acme_challenge() -> HeaderMatcher:
    """Holds for all paths but those of ACME challenges."""
    acme = StringMatcher(prefix=ACME_CHALLENGES)
    return HeaderMatcher(name=":path", string_match=acme, invert_match=True)


def guard_routes(guard: Guard) -> list[route_components_pb2.Route]:
    """What comes before all rules of a host that does not route insecure requests."""
    match = RouteMatch(prefix="/", headers=[no_acme_challenge()])
    if guard.by_header:
        match.headers.append(header_matcher(_SAYS_HTTP))
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
