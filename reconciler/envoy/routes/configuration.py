"""A listener's virtual hosts as one Envoy route configuration.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route.proto
"""

from collections.abc import Iterable, Iterator, Sequence

from envoy.config.core.v3.base_pb2 import HeaderValue, HeaderValueOption
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from google.protobuf.wrappers_pb2 import BoolValue

from reconciler.envoy.options import Routing
from reconciler.envoy.protobuf import serialise
from reconciler.envoy.routes.hosts import virtual_host
from reconciler.envoy.wire_format import fields, tag
from reconciler.model.chains import TlsChain, clear_text_hosts, tls_chains
from reconciler.model.edge import Probe
from reconciler.model.snapshot import XdsResource
from reconciler.model.table import Listener, VirtualHost

# Always port 443, as in the language's other implementation: what clients use is the port of the balancer in front.
_HTTP3_THERE = HeaderValueOption(header=HeaderValue(key="alt-svc", value='h3=":443"; ma=86400'))
_VIRTUAL_HOSTS = tag(RouteConfiguration, "virtual_hosts")


def route_configurations(
    listener: Listener, probes: Sequence[Probe] = (), routing: Routing = Routing.AUTO
) -> Iterator[XdsResource]:
    """The routes of a listener: in clear text all under its name, over TLS those of each chain under the chain's."""
    if not listener.stack.http:
        return
    if not listener.stack.udp:
        yield route_configuration(listener, listener.name, clear_text_hosts(listener), probes, routing)
    for chain in tls_chains(listener):
        yield route_configuration(listener, chain_name(listener, chain), chain.virtual_hosts, probes, routing)


def chain_name(listener: Listener, chain: TlsChain) -> str:
    """Name of a filter chain that ends TLS, and of its route configuration."""
    return f"{listener.name}/{chain.termination.name}"


def route_configuration(
    listener: Listener, name: str, virtual_hosts: Iterable[VirtualHost], probes: Sequence[Probe], routing: Routing
) -> XdsResource:
    """Some virtual hosts of a listener.

    Clusters are not validated: xDS delivers them first, but through another subscription, so that on a start they may
    still be missing when the routes arrive; such a route answers 503 until then, and a rejection would lose all the
    others. The static bootstrap, where nothing is still to come, does validate them, but in lists only: Envoy never
    does in a tree. A table has all clusters it names.
    """
    hosts = fields(_VIRTUAL_HOSTS, (virtual_host(one, probes, routing) for one in virtual_hosts))
    return XdsResource.of(name, serialise(RouteConfiguration(name=name)) + hosts + serialise(_for_all(listener)))


def _for_all(listener: Listener) -> RouteConfiguration:
    """What holds for all virtual hosts; its fields come after them."""
    return RouteConfiguration(
        response_headers_to_add=[_HTTP3_THERE] if listener.advertises_http3 else [],
        ignore_port_in_host_matching=True,
        validate_clusters=BoolValue(value=False),
    )
