"""A listener's virtual hosts as Envoy route configurations.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route.proto
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from envoy.config.core.v3.base_pb2 import HeaderValue, HeaderValueOption
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from google.protobuf.wrappers_pb2 import BoolValue

from reconciler.envoy.options import Sharding
from reconciler.envoy.protobuf import serialise
from reconciler.envoy.routes.scopes import SCOPE_HEADER, Scope, scoped, scopes
from reconciler.envoy.wire_format import Content, Part, nested, resource, tag
from reconciler.model.chains import TlsChain, clear_text_hosts, tls_chains
from reconciler.model.snapshot import TypeUrl, XdsResource
from reconciler.model.table import Listener, VirtualHost

# Always port 443, as in the language's other implementation: what clients use is the port of the balancer in front.
_HTTP3_THERE = HeaderValueOption(header=HeaderValue(key="alt-svc", value='h3=":443"; ma=86400'))
_VIRTUAL_HOSTS = tag(RouteConfiguration, "virtual_hosts")


@dataclass(frozen=True, slots=True)
class Piece:
    """Virtual hosts of a listener that Envoy gets together, as one resource.

    Attributes:
        name: of the resource.
        hosts: as they stand in it, sorted by host.
        clear: for connections without TLS; `clear_text_host` says what becomes of a virtual host there.
        scope: None where the resource is a route configuration of its own.
        around: the fields of the route configuration before and after its virtual hosts, serialised.
    """

    name: str
    hosts: tuple[VirtualHost, ...]
    clear: bool
    scope: Scope | None
    around: tuple[bytes, bytes]


def pieces(listener: Listener, sharding: Sharding = Sharding.NONE) -> Iterator[Piece]:
    """The routes of a listener: in clear text all under its name, over TLS those of each chain under the chain's."""
    if not listener.stack.http:
        return
    if not listener.stack.udp:
        yield from _of_chain(listener, listener.name, clear_text_hosts(listener), sharding, clear=True)
    for chain in tls_chains(listener):
        yield from _of_chain(listener, chain_name(listener, chain), chain.virtual_hosts, sharding, clear=False)


def chain_name(listener: Listener, chain: TlsChain) -> str:
    """Name of a filter chain that ends TLS, and of its route configuration."""
    return f"{listener.name}/{chain.termination.name}"


def piece_resource(piece: Piece, virtual_hosts: Iterable[Part]) -> tuple[TypeUrl, XdsResource]:
    """The resource of a piece, and its type.

    Clusters are not validated: xDS delivers them first, but through another subscription, so that on a start they may
    still be missing when the routes arrive; such a route answers 503 until then, and a rejection would lose all the
    others. The static bootstrap, where nothing is still to come, does validate them, but in lists only: Envoy never
    does in a tree. A table has all clusters it names.

    Args:
        piece: from `pieces`.
        virtual_hosts: each of its virtual hosts, from `virtual_host_field`.
    """
    before, after = piece.around
    content: Content = [before, *virtual_hosts, after]
    if piece.scope is not None:
        return TypeUrl.SCOPED_ROUTE, scoped(piece.scope, content)
    return TypeUrl.ROUTE, resource(piece.name, content)


def virtual_host_field(content: Content) -> Part:
    """The field of a route configuration with one virtual host."""
    return nested(_VIRTUAL_HOSTS, content)


def _of_chain(
    listener: Listener, name: str, hosts: Sequence[VirtualHost], sharding: Sharding, *, clear: bool
) -> Iterator[Piece]:
    if sharding is Sharding.NONE:
        yield Piece(name, tuple(hosts), clear, None, _around(listener, name))
        return
    by_name = {one.host: one for one in hosts}
    for scope in scopes(name, list(by_name), sharding):
        members = tuple(by_name[host] for host in scope.hosts)
        yield Piece(scope.name, members, clear, scope, _around(listener, scope.name, hidden=(SCOPE_HEADER,)))


def _around(listener: Listener, name: str, hidden: Sequence[str] = ()) -> tuple[bytes, bytes]:
    """What a route configuration says besides its virtual hosts; fields are serialised by their numbers.

    ``hidden`` are request headers that no upstream is to see.
    """
    after = RouteConfiguration(
        response_headers_to_add=[_HTTP3_THERE] if listener.advertises_http3 else [],
        request_headers_to_remove=hidden,
        ignore_port_in_host_matching=True,
        validate_clusters=BoolValue(value=False),
    )
    return serialise(RouteConfiguration(name=name)), serialise(after)
