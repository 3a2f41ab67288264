"""Upstreams as Envoy clusters.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/cluster.proto
"""

import re
from collections.abc import Mapping

from envoy.config.cluster.v3 import cluster_pb2

from reconciler.envoy.addresses import is_ip, single_endpoint, split
from reconciler.envoy.options import RenderOptions
from reconciler.envoy.protobuf import milliseconds
from reconciler.envoy.tls import tls_socket, upstream_tls_context
from reconciler.model.resource import ServiceAddress
from reconciler.model.table import Cluster

_NOT_IN_A_STAT_NAME = re.compile(r"[^A-Za-z0-9_]+")


def cluster(upstream: Cluster, options: RenderOptions) -> cluster_pb2.Cluster:
    """One cluster: its service by DNS, or at the address that stands for it."""
    service = upstream.address
    host, port = effective_address(service, options.service_addresses)
    fixed = is_ip(host)
    # A name that Envoy resolves is the host name too; an address has none, and auto_host_rewrite would do nothing.
    hostname = service.authority if fixed or host != service.host else ""
    message = cluster_pb2.Cluster(
        name=upstream.name,
        alt_stat_name=_NOT_IN_A_STAT_NAME.sub("_", upstream.name),
        type=cluster_pb2.Cluster.STATIC if fixed else cluster_pb2.Cluster.STRICT_DNS,
        lb_policy=cluster_pb2.Cluster.ROUND_ROBIN,
        dns_lookup_family=cluster_pb2.Cluster.V4_ONLY,
        connect_timeout=milliseconds(options.connect_timeout_ms),
        load_assignment=single_endpoint(upstream.name, host, port, hostname),
    )
    if service.tls:
        context = upstream_tls_context(service.host, upstream.upstream.tls, options)
        message.transport_socket.CopyFrom(tls_socket(context))
    return message


def effective_address(service: ServiceAddress, replacements: Mapping[str, str]) -> tuple[str, int]:
    """Host and port to connect to: the service's own, unless a replacement names it (or is the catch-all ``*``)."""
    for key in (f"{service.authority}:{service.port}", service.host, "*"):
        if key in replacements:
            return split(replacements[key], service.port)
    return service.host, service.port
