"""TLS contexts of a configuration that is complete in itself: with their secrets inside, or without any file.

Envoy reads the files of a secret that stands inside a TLS context once, when it starts.
"""

from collections.abc import Iterable, Mapping

from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.extensions.transport_sockets.tls.v3.common_pb2 import CertificateValidationContext
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import CommonTlsContext, UpstreamTlsContext

from reconciler.envoy.protobuf import milliseconds
from reconciler.envoy.tls.contexts import tls_socket
from reconciler.envoy.tls.sockets import change, has_tls, is_quic, tls_sockets

_CHECK_TIMEOUT_MS = 1000


def named_files(secrets: Iterable[Secret]) -> frozenset[str]:
    """All files that secrets are made of."""
    found: set[str] = set()
    for secret in secrets:
        pair, trusted = secret.tls_certificate, secret.validation_context
        sources = (pair.certificate_chain, pair.private_key, trusted.trusted_ca, trusted.crl)
        found.update(source.filename for source in sources if source.filename)
    return frozenset(found)


def put_secrets_inside(message: Cluster | Listener, secrets: Mapping[str, Secret]) -> None:
    """Puts the secrets that the TLS contexts of a cluster or listener name into these."""
    for socket in tls_sockets(message):
        change(socket, lambda common: _put_inside(common, secrets))


def drop_tls_files(bootstrap: Bootstrap) -> None:
    """Leaves out every certificate, for a check on a machine that lacks the files.

    Versions, ciphers, curves and protocols are checked all the same. A listener needs a certificate and a cluster
    does not, so those of a listener move to a cluster that nothing uses. A listener of HTTP/3, which cannot be
    without TLS, is left out; its port has one of TCP with the same routes.
    """
    resources = bootstrap.static_resources
    for cluster in resources.clusters:
        for socket in tls_sockets(cluster):
            change(socket, _empty)
    spoken: list[CommonTlsContext] = []
    for position in reversed(range(len(resources.listeners))):
        listener = resources.listeners[position]
        for socket in tls_sockets(listener):
            change(socket, _empty)
            change(socket, spoken.append)
        if any(map(is_quic, tls_sockets(listener))):
            del resources.listeners[position]
            continue
        for chain in listener.filter_chains:
            if has_tls(chain.transport_socket):
                chain.ClearField("transport_socket")
    resources.clusters.extend(_check_cluster(position, common) for position, common in enumerate(spoken))


def _check_cluster(position: int, common: CommonTlsContext) -> Cluster:
    return Cluster(
        name=f"reconciler-check-{position}",
        type=Cluster.STATIC,
        connect_timeout=milliseconds(_CHECK_TIMEOUT_MS),
        transport_socket=tls_socket(UpstreamTlsContext(common_tls_context=common)),
    )


def _put_inside(common: CommonTlsContext, secrets: Mapping[str, Secret]) -> None:
    for by_name in common.tls_certificate_sds_secret_configs:
        pair = common.tls_certificates.add()
        pair.CopyFrom(secrets[by_name.name].tls_certificate)
        pair.ClearField("watched_directory")
    del common.tls_certificate_sds_secret_configs[:]
    whole = CertificateValidationContext()
    match common.WhichOneof("validation_context_type"):
        case "validation_context_sds_secret_config":
            name = common.validation_context_sds_secret_config.name
        case "combined_validation_context":
            name = common.combined_validation_context.validation_context_sds_secret_config.name
            whole.CopyFrom(common.combined_validation_context.default_validation_context)
        case _:
            return
    whole.MergeFrom(secrets[name].validation_context)
    whole.ClearField("watched_directory")
    common.validation_context.CopyFrom(whole)  # a oneof: what named the secret goes


def _empty(common: CommonTlsContext) -> None:
    common.ClearField("tls_certificates")
    common.ClearField("tls_certificate_sds_secret_configs")
    chosen = common.WhichOneof("validation_context_type")
    if chosen is not None:
        common.ClearField(chosen)
