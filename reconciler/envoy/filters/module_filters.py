"""What the Module has done to every request, in the order of the language's other implementation."""

from collections.abc import Iterator

from envoy.config.core.v3.base_pb2 import DataSource
from envoy.extensions.filters.http.buffer.v3.buffer_pb2 import Buffer
from envoy.extensions.filters.http.grpc_http1_bridge.v3.config_pb2 import Config as GrpcBridge
from envoy.extensions.filters.http.grpc_web.v3.grpc_web_pb2 import GrpcWeb
from envoy.extensions.filters.http.lua.v3.lua_pb2 import Lua
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import HttpFilter
from google.protobuf.wrappers_pb2 import UInt32Value

from reconciler.envoy.filters.compression import compressor
from reconciler.envoy.filters.grpc_stats import grpc_stats
from reconciler.envoy.filters.ip_rules import rbac
from reconciler.envoy.protobuf import packed
from reconciler.model.edge import Filters


def module_filters(filters: Filters) -> Iterator[HttpFilter]:
    """The filters that were asked for; a change of the Module changes the listeners anyhow."""
    if filters.grpc_bridge:
        yield HttpFilter(name="envoy.filters.http.grpc_http1_bridge", typed_config=packed(GrpcBridge()))
    if filters.grpc_web:
        yield HttpFilter(name="envoy.filters.http.grpc_web", typed_config=packed(GrpcWeb()))
    if filters.grpc_stats is not None:
        yield HttpFilter(name="envoy.filters.http.grpc_stats", typed_config=packed(grpc_stats(filters.grpc_stats)))
    if filters.lua:
        script = Lua(default_source_code=DataSource(inline_string=filters.lua))
        yield HttpFilter(name="envoy.filters.http.lua", typed_config=packed(script))
    if filters.gzip is not None:
        yield HttpFilter(name="envoy.filters.http.compressor", typed_config=compressor(filters.gzip))
    if filters.buffer_bytes is not None:
        buffer = Buffer(max_request_bytes=UInt32Value(value=filters.buffer_bytes))
        yield HttpFilter(name="envoy.filters.http.buffer", typed_config=packed(buffer))
    if filters.ip_rules is not None:
        yield HttpFilter(name="envoy.filters.http.rbac", typed_config=packed(rbac(filters.ip_rules)))
