"""Ports as Envoy listeners. Routes never live in them: a listener that changes drops its connections.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/listener/v3/listener.proto
"""

from envoy.config.core.v3.config_source_pb2 import AggregatedConfigSource, ApiVersion, ConfigSource
from envoy.config.listener.v3 import listener_pb2
from envoy.config.listener.v3.listener_components_pb2 import Filter, FilterChain
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
    HttpFilter,
    Rds,
)
from google.protobuf.wrappers_pb2 import BoolValue

from reconciler.envoy.access_log import access_logs
from reconciler.envoy.addresses import socket_address
from reconciler.envoy.options import RenderOptions
from reconciler.envoy.protobuf import packed
from reconciler.model.table import Listener

HCM_FILTER = "envoy.filters.network.http_connection_manager"


def listener(port: Listener, options: RenderOptions) -> listener_pb2.Listener:
    """One port that speaks HTTP."""
    manager = http_connection_manager(port, options)
    return listener_pb2.Listener(
        name=port.name,
        address=socket_address(port.address, port.port),
        filter_chains=[FilterChain(filters=[Filter(name=HCM_FILTER, typed_config=packed(manager))])],
    )


def http_connection_manager(port: Listener, options: RenderOptions) -> HttpConnectionManager:
    """HTTP with the routes of the port, which come over ADS.

    ``/a/../b`` is normalised before it is matched, so that no rule is walked around; ``//`` is not merged: as in the
    language's other implementation, ``/a//b`` is another path than ``/a/b``. The remote address is the client's, and
    what is claimed in ``x-forwarded-*`` is believed only of as many hops as the port trusts.
    """
    return HttpConnectionManager(
        stat_prefix="ingress_http",
        rds=rds(port.name),
        http_filters=[router_filter()],
        access_log=access_logs(options),
        use_remote_address=BoolValue(value=True),
        xff_num_trusted_hops=port.trusted_hops,
        normalize_path=BoolValue(value=True),
    )


def rds(route_configuration: str) -> Rds:
    """Routes by name over the stream that also brings listeners and clusters."""
    return Rds(route_config_name=route_configuration, config_source=ads())


def ads() -> ConfigSource:
    """The aggregated stream of the bootstrap."""
    return ConfigSource(ads=AggregatedConfigSource(), resource_api_version=ApiVersion.V3)


def router_filter() -> HttpFilter:
    """The last HTTP filter: the one that sends requests on."""
    return HttpFilter(name="envoy.filters.http.router", typed_config=packed(Router()))
