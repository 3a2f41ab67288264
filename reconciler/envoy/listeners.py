"""Ports as Envoy listeners. Routes never live in them: a listener that changes drops its connections.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/listener/v3/listener.proto
"""

from envoy.config.listener.v3 import listener_pb2
from envoy.config.listener.v3.listener_components_pb2 import Filter, FilterChain

from reconciler.envoy.addresses import socket_address
from reconciler.envoy.connection_manager import http_connection_manager
from reconciler.envoy.options import RenderOptions
from reconciler.envoy.protobuf import packed
from reconciler.model.edge import Edge
from reconciler.model.table import Listener

HCM_FILTER = "envoy.filters.network.http_connection_manager"


def listener(port: Listener, edge: Edge, options: RenderOptions) -> listener_pb2.Listener:
    """One port that speaks HTTP."""
    manager = http_connection_manager(port, edge, options)
    return listener_pb2.Listener(
        name=port.name,
        address=socket_address(port.address, port.port),
        filter_chains=[FilterChain(filters=[Filter(name=HCM_FILTER, typed_config=packed(manager))])],
    )
