"""Where a connection manager has its routes from: one route configuration, or the scope that a request is for.

Envoy finds a scope by a header. That is computed from the host before anything else looks at the request; a filter that
computed it later would come too late for what Envoy takes from the route at the start: which filters are switched on or
off, and whether a connection may be upgraded.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto
"""

from collections.abc import Iterable
from dataclasses import dataclass

from envoy.config.common.mutation_rules.v3.mutation_rules_pb2 import HeaderMutation as Mutation
from envoy.config.core.v3.base_pb2 import HeaderValue, HeaderValueOption
from envoy.config.core.v3.extension_pb2 import TypedExtensionConfig
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
    Rds,
    ScopedRds,
    ScopedRoutes,
)
from envoy.extensions.http.early_header_mutation.header_mutation.v3.header_mutation_pb2 import HeaderMutation

from reconciler.envoy.config_sources import ads
from reconciler.envoy.options import Sharding
from reconciler.envoy.protobuf import packed
from reconciler.envoy.routes.buckets import bucket_expression
from reconciler.envoy.routes.scopes import SCOPE_HEADER, bucket_part, key_start, sharding_of
from reconciler.model.table import VirtualHost

_KEY = ScopedRoutes.ScopeKeyBuilder
_PART = _KEY.FragmentBuilder.HeaderValueExtractor


@dataclass(frozen=True, slots=True)
class RouteSource:
    """The routes of a chain.

    Attributes:
        name: of their route configuration, or what the names of their scopes begin with.
        sharding: how they are divided.
    """

    name: str
    sharding: Sharding

    @classmethod
    def of(cls, name: str, virtual_hosts: Iterable[VirtualHost], sharding: Sharding) -> "RouteSource":
        """That of some virtual hosts, divided as is asked where that can be."""
        return cls(name, sharding_of([one.host for one in virtual_hosts], sharding))


def take_routes(message: HttpConnectionManager, source: RouteSource) -> None:
    """Write into a connection manager where its routes come from, which is the stream that also brings listeners."""
    if source.sharding is Sharding.NONE:
        message.rds.CopyFrom(Rds(route_config_name=source.name, config_source=ads()))
        return
    message.scoped_routes.CopyFrom(
        ScopedRoutes(
            name=source.name,
            scope_key_builder=_KEY(fragments=[_KEY.FragmentBuilder(header_value_extractor=scope_key(source))]),
            scoped_rds=ScopedRds(scoped_rds_config_source=ads()),
        )
    )
    message.early_header_mutation_extensions.append(scope_header(source))


def scope_key(source: RouteSource) -> ScopedRoutes.ScopeKeyBuilder.FragmentBuilder.HeaderValueExtractor:
    """How the key is taken from the header: up to the port where it ends in the host, else the whole."""
    separator = ":" if source.sharding is Sharding.HOSTS else ""
    return _PART(name=SCOPE_HEADER, element_separator=separator, index=0)


def scope_header(source: RouteSource) -> TypedExtensionConfig:
    """The header with the key; what a client says in it goes first, since appending may also mean adding."""
    by_host = source.sharding is Sharding.HOSTS
    found = "%REQ(:authority)%" if by_host else bucket_part(f"%CEL({bucket_expression()})%")
    value = key_start(source.name).replace("%", "%%") + found
    computed = HeaderValueOption(
        header=HeaderValue(key=SCOPE_HEADER, value=value),
        append_action=HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD,
    )
    mutation = HeaderMutation(mutations=[Mutation(remove=SCOPE_HEADER), Mutation(append=computed)])
    return TypedExtensionConfig(name="envoy.http.early_header_mutation.header_mutation", typed_config=packed(mutation))
