"""The HTTP filters of a listener, in the order a request passes them.

A filter that some route may need is always there, doing nothing where no route asks: a Mapping must never change a
listener, since that closes connections. One exception: that of error bodies, which few need and Envoy 1.40 calls
unfinished at every start, comes with the first Mapping that asks for it (docs/adr/0016).
"""

from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import HttpFilter

from reconciler.envoy.filters.auth import auth_filter
from reconciler.envoy.filters.cors import cors_filter
from reconciler.envoy.filters.error_replies import error_filters
from reconciler.envoy.filters.local_limits import local_limit_filter
from reconciler.envoy.filters.module_filters import module_filters
from reconciler.envoy.filters.rate_limit import rate_limit_filter
from reconciler.envoy.protobuf import packed
from reconciler.model.edge import Edge, HttpSettings


def http_filters(edge: Edge) -> list[HttpFilter]:
    """All filters, the router last. What replaces answers comes first: answers pass them backwards.

    Limits of each Envoy's own come before services are asked, which they protect too, and after preflight requests are
    answered, which no user can help.
    """
    return [
        *error_filters(edge.http.filters.errors, of_mappings=edge.own_error_bodies),
        *module_filters(edge.http.filters),
        cors_filter(),
        local_limit_filter(),
        *service_filters(edge),
        router_filter(edge.http),
    ]


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


def router_filter(http: HttpSettings) -> HttpFilter:
    """The last HTTP filter: the one that sends requests on."""
    router = Router(suppress_envoy_headers=http.headers.suppress_envoy)
    return HttpFilter(name="envoy.filters.http.router", typed_config=packed(router))
