"""The HTTP filters of a listener, in the order a request passes them.

A filter that some route may need is always there, doing nothing where no route asks: a Mapping must never change a
listener, since that closes connections.
"""

from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import HttpFilter

from reconciler.envoy.protobuf import packed
from reconciler.model.edge import Edge


def http_filters(_edge: Edge) -> list[HttpFilter]:
    """All filters, the router last."""
    return [router_filter()]


def router_filter() -> HttpFilter:
    """The last HTTP filter: the one that sends requests on."""
    return HttpFilter(name="envoy.filters.http.router", typed_config=packed(Router()))
