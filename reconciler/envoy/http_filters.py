"""The HTTP filters of a listener, in the order a request passes them.

A filter that some route may need is always there, doing nothing where no route asks: a Mapping must never change a
listener, since that closes connections.
"""

from collections.abc import Iterator

from envoy.config.core.v3.base_pb2 import DataSource
from envoy.extensions.filters.http.buffer.v3.buffer_pb2 import Buffer
from envoy.extensions.filters.http.grpc_http1_bridge.v3.config_pb2 import Config as GrpcBridge
from envoy.extensions.filters.http.grpc_web.v3.grpc_web_pb2 import GrpcWeb
from envoy.extensions.filters.http.lua.v3.lua_pb2 import Lua
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import HttpFilter

from reconciler.envoy.auth import auth_filter
from reconciler.envoy.cors import cors_filter
from reconciler.envoy.protobuf import packed
from reconciler.envoy.rate_limit import rate_limit_filter
from reconciler.model.edge import Edge


def http_filters(edge: Edge) -> list[HttpFilter]:
    """All filters, the router last."""
    return [cors_filter(), *service_filters(edge), router_filter()]


def service_filters(edge: Edge) -> list[HttpFilter]:
    """The filters that ask a service: first whether a request may pass, then whether there were too many.

    They come and go with their service: a filter cannot ask nobody.
    """
    filters = []
    if edge.auth is not None:
        filters.append(auth_filter(edge.auth))
    if edge.rate_limit is not None:
        filters.append(rate_limit_filter(edge.rate_limit))
    return filters


def router_filter() -> HttpFilter:
    """The last HTTP filter: the one that sends requests on."""
    return HttpFilter(name="envoy.filters.http.router", typed_config=packed(Router()))
