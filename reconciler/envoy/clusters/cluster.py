"""Upstreams as Envoy clusters.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/cluster.proto
"""

import re
from collections.abc import Mapping

from envoy.config.cluster.v3 import cluster_pb2

from reconciler.envoy.addresses import is_ip, single_endpoint, split
from reconciler.envoy.clusters.balancing import LB_POLICIES, circuit_breakers, resolve_by_dns
from reconciler.envoy.clusters.health_checks import believe_checks, health_check, outlier_detection
from reconciler.envoy.clusters.protocols import HTTP_OPTIONS, connection_options, http_options
from reconciler.envoy.endpoints import discover_endpoints, endpoints_name
from reconciler.envoy.options import RenderOptions
from reconciler.envoy.protobuf import milliseconds, packed
from reconciler.envoy.tls.contexts import tls_socket, upstream_tls_context
from reconciler.model.resource import ServiceAddress
from reconciler.model.table import Cluster
from reconciler.model.upstream import ANY_UPSTREAM, Upstream

_NOT_IN_A_STAT_NAME = re.compile(r"[^A-Za-z0-9_]+")


def cluster(upstream: Cluster, options: RenderOptions) -> cluster_pb2.Cluster:
    """One cluster: its service by DNS, at the address that stands for it, or at the endpoints that Kubernetes knows."""
    service, talk = upstream.address, upstream.upstream
    host, port = effective_address(service, options.service_addresses)
    fixed = is_ip(host)
    replaced = (host, port) != (service.host, service.port)
    endpoints = None if replaced else endpoints_name(service, talk, options)
    # A name that Envoy resolves is the host name too; an address has none, and auto_host_rewrite would do nothing.
    hostname = service.authority if fixed or host != service.host else ""
    message = cluster_pb2.Cluster(
        name=upstream.name,
        alt_stat_name=talk.stat_name or _NOT_IN_A_STAT_NAME.sub("_", upstream.name),
        lb_policy=LB_POLICIES[talk.balancing],
        connect_timeout=milliseconds(talk.connect_timeout_ms or options.connect_timeout_ms),
    )
    if endpoints is not None:
        discover_endpoints(message, endpoints)
    elif fixed:
        message.type = cluster_pb2.Cluster.STATIC
        message.dns_lookup_family = cluster_pb2.Cluster.V4_ONLY
    else:
        resolve_by_dns(message, talk)
    if endpoints is None:
        message.load_assignment.CopyFrom(single_endpoint(upstream.name, host, port, hostname))
    if talk is not ANY_UPSTREAM:
        set_connections(message, talk)
        set_health(message, talk, service.authority)
    if service.tls:
        context = upstream_tls_context(service.host, talk.tls, options)
        message.transport_socket.CopyFrom(tls_socket(context))
    return message


def set_connections(message: cluster_pb2.Cluster, talk: Upstream) -> None:
    """What is spoken on connections, how long they live, and how many there may be."""
    protocol = http_options(talk)
    if protocol is not None:
        message.typed_extension_protocol_options[HTTP_OPTIONS].CopyFrom(packed(protocol))
    if talk.keepalive is not None:
        message.upstream_connection_options.CopyFrom(connection_options(talk.keepalive))
    if talk.buffer_bytes is not None:
        message.per_connection_buffer_limit_bytes.value = talk.buffer_bytes
    if talk.circuit_breakers:
        message.circuit_breakers.CopyFrom(circuit_breakers(talk.circuit_breakers))


def set_health(message: cluster_pb2.Cluster, talk: Upstream, host: str) -> None:
    """How endpoints that do not work are found."""
    if talk.health_checks:
        message.health_checks.extend(health_check(one, host, http2=bool(talk.http2)) for one in talk.health_checks)
        believe_checks(message)
    if talk.outliers is not None:
        message.outlier_detection.CopyFrom(outlier_detection(talk.outliers))


def effective_address(service: ServiceAddress, replacements: Mapping[str, str]) -> tuple[str, int]:
    """Host and port to connect to: the service's own, unless a replacement names it (or is the catch-all ``*``).

    A replacement without a namespace stands for the services of that name in all of them.
    """
    name, _, namespace = service.host.partition(".")
    bare = () if "." in namespace or is_ip(service.host) else (f"{name}:{service.port}", name)
    for key in (f"{service.authority}:{service.port}", service.host, *bare, "*"):
        if key in replacements:
            return split(replacements[key], service.port)
    return service.host, service.port
