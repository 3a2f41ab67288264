"""The TLS contexts inside rendered clusters and listeners, and the secrets they name."""

from collections.abc import Callable, Iterator

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.base_pb2 import TransportSocket
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.extensions.transport_sockets.quic.v3.quic_transport_pb2 import QuicDownstreamTransport
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import (
    CommonTlsContext,
    DownstreamTlsContext,
    UpstreamTlsContext,
)

from reconciler.envoy.protobuf import packed

_KINDS = (DownstreamTlsContext, UpstreamTlsContext, QuicDownstreamTransport)


def tls_sockets(message: Cluster | Listener) -> Iterator[TransportSocket]:
    """The transport sockets with a TLS context."""
    holders = (message,) if isinstance(message, Cluster) else (*message.filter_chains, message.default_filter_chain)
    for holder in holders:
        if holder.HasField("transport_socket") and has_tls(holder.transport_socket):
            yield holder.transport_socket


def has_tls(socket: TransportSocket) -> bool:
    """Whether a transport socket has a TLS context."""
    return any(socket.typed_config.Is(kind.DESCRIPTOR) for kind in _KINDS)


def is_quic(socket: TransportSocket) -> bool:
    """Whether a transport socket is that of QUIC, which cannot be without TLS."""
    return bool(socket.typed_config.Is(QuicDownstreamTransport.DESCRIPTOR))


def change(socket: TransportSocket, edit: Callable[[CommonTlsContext], object]) -> None:
    """Applies ``edit`` to the common part of a socket's TLS context."""
    for kind in _KINDS:
        if socket.typed_config.Is(kind.DESCRIPTOR):
            context = kind.FromString(socket.typed_config.value)
            edit(_common(context))
            socket.typed_config.CopyFrom(packed(context))


def secret_names(message: Cluster | Listener) -> Iterator[str]:
    """The names of the secrets that the TLS contexts of a cluster or listener refer to."""
    for socket in tls_sockets(message):
        for kind in _KINDS:
            if socket.typed_config.Is(kind.DESCRIPTOR):
                yield from _named(_common(kind.FromString(socket.typed_config.value)))


def _common(context: DownstreamTlsContext | UpstreamTlsContext | QuicDownstreamTransport) -> CommonTlsContext:
    if isinstance(context, QuicDownstreamTransport):
        return context.downstream_tls_context.common_tls_context
    return context.common_tls_context


def _named(common: CommonTlsContext) -> Iterator[str]:
    for certificate in common.tls_certificate_sds_secret_configs:
        yield certificate.name
    for source in (
        common.validation_context_sds_secret_config,
        common.combined_validation_context.validation_context_sds_secret_config,
    ):
        if source.name:
            yield source.name
