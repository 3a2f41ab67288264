"""Upstreams as Envoy clusters.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/cluster.proto
"""

import re
from collections.abc import Mapping

from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.core.v3.base_pb2 import DataSource, TransportSocket
from envoy.extensions.transport_sockets.tls.v3.common_pb2 import (
    CertificateValidationContext,
    SubjectAltNameMatcher,
)
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import CommonTlsContext, UpstreamTlsContext
from envoy.type.matcher.v3.string_pb2 import StringMatcher

from reconciler.envoy.addresses import is_ip, single_endpoint, split
from reconciler.envoy.options import RenderOptions
from reconciler.envoy.protobuf import milliseconds, packed
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
        message.transport_socket.CopyFrom(transport_socket(service.host, options.upstream_ca_file))
    return message


def effective_address(service: ServiceAddress, replacements: Mapping[str, str]) -> tuple[str, int]:
    """Host and port to connect to: the service's own, unless a replacement names it (or is the catch-all ``*``)."""
    for key in (f"{service.authority}:{service.port}", service.host, "*"):
        if key in replacements:
            return split(replacements[key], service.port)
    return service.host, service.port


def transport_socket(host: str, ca_file: str) -> TransportSocket:
    """TLS to ``host``, whose certificate must be for it and signed by one of ``ca_file``: never unverified."""
    return TransportSocket(name="envoy.transport_sockets.tls", typed_config=packed(upstream_tls_context(host, ca_file)))


def upstream_tls_context(host: str, ca_file: str) -> UpstreamTlsContext:
    """The TLS settings towards ``host``; an IP address can't be a server name (RFC 6066, section 3)."""
    return UpstreamTlsContext(
        sni="" if is_ip(host) else host,
        common_tls_context=CommonTlsContext(validation_context=validation_context(host, ca_file)),
    )


def validation_context(host: str, ca_file: str) -> CertificateValidationContext:
    """What the server's certificate must show; an exact DNS name also accepts a wildcard certificate for it."""
    kind = SubjectAltNameMatcher.IP_ADDRESS if is_ip(host) else SubjectAltNameMatcher.DNS
    return CertificateValidationContext(
        trusted_ca=DataSource(filename=ca_file),
        match_typed_subject_alt_names=[SubjectAltNameMatcher(san_type=kind, matcher=StringMatcher(exact=host))],
    )
