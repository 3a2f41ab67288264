"""TLS contexts, towards clients and towards upstreams. What they name as secrets, `reconciler.envoy.tls.secrets` makes.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/transport_sockets/tls/v3/tls.proto
"""

from types import MappingProxyType

from envoy.config.core.v3.base_pb2 import DataSource, TransportSocket
from envoy.extensions.transport_sockets.tls.v3.common_pb2 import (
    CertificateValidationContext,
    SubjectAltNameMatcher,
    TlsParameters,
)
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import SdsSecretConfig
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import (
    CommonTlsContext,
    DownstreamTlsContext,
    UpstreamTlsContext,
)
from envoy.type.matcher.v3.string_pb2 import StringMatcher
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import BoolValue

from reconciler.envoy.addresses import is_ip
from reconciler.envoy.config_sources import ads
from reconciler.envoy.options import RenderOptions, SecretSource
from reconciler.envoy.protobuf import milliseconds, packed
from reconciler.envoy.tls.secrets import authorities_name, certificate_name
from reconciler.model import tls as model
from reconciler.model.tls import Termination, TlsVersion, UpstreamTls

_PATIENCE_MS = 2000
TLS_SOCKET = "envoy.transport_sockets.tls"

_VERSIONS = MappingProxyType(
    {
        TlsVersion.V1_0: TlsParameters.TLSv1_0,
        TlsVersion.V1_1: TlsParameters.TLSv1_1,
        TlsVersion.V1_2: TlsParameters.TLSv1_2,
        TlsVersion.V1_3: TlsParameters.TLSv1_3,
    }
)
_VERIFIED = UpstreamTls()


def tls_socket(context: Message) -> TransportSocket:
    """The transport socket of a TLS context."""
    return TransportSocket(name=TLS_SOCKET, typed_config=packed(context))


def downstream_tls_context(termination: Termination) -> DownstreamTlsContext:
    """How TLS ends for clients.

    Clients are asked for a certificate only where authorities are given; one that is shown must then be valid.
    """
    common = common_tls_context(termination.parameters)
    common.tls_certificate_sds_secret_configs.append(by_discovery(certificate_name(termination.identity)))
    message = DownstreamTlsContext(common_tls_context=common)
    if termination.authorities is not None:
        name = authorities_name(termination.authorities, termination.crl)
        common_of(message).validation_context_sds_secret_config.CopyFrom(by_discovery(name))
    if termination.required or termination.authorities is not None:  # Envoy wants it said either way
        message.require_client_certificate.CopyFrom(BoolValue(value=termination.required))
    return message


def upstream_tls_context(host: str, tls: UpstreamTls | None, options: RenderOptions) -> UpstreamTlsContext:
    """How Envoy speaks TLS to ``host``: never unverified, unless somebody wrote exactly that.

    An IP address can't be a server name (RFC 6066, section 3).
    """
    tls = tls or _VERIFIED
    name = tls.sni or host
    common = common_tls_context(tls.parameters)
    if tls.identity is not None:
        common.tls_certificate_sds_secret_configs.append(_soon(certificate_name(tls.identity), options))
    if tls.verify and tls.authorities is None:
        common.validation_context.CopyFrom(named(name))
        common.validation_context.trusted_ca.CopyFrom(DataSource(filename=options.upstream_ca_file))
    elif tls.verify and tls.authorities is not None:
        combined = common.combined_validation_context
        combined.default_validation_context.CopyFrom(named(name))
        trusted = authorities_name(tls.authorities, tls.crl)
        combined.validation_context_sds_secret_config.CopyFrom(_soon(trusted, options))
    return UpstreamTlsContext(sni="" if is_ip(name) else name, common_tls_context=common)


def named(host: str) -> CertificateValidationContext:
    """Whom a server's certificate must be for; an exact DNS name also accepts a wildcard certificate for it."""
    kind = SubjectAltNameMatcher.IP_ADDRESS if is_ip(host) else SubjectAltNameMatcher.DNS
    matcher = SubjectAltNameMatcher(san_type=kind, matcher=StringMatcher(exact=host))
    return CertificateValidationContext(match_typed_subject_alt_names=[matcher])


def common_tls_context(parameters: model.TlsParameters) -> CommonTlsContext:
    """What both directions have in common."""
    message = CommonTlsContext(alpn_protocols=parameters.alpn)
    chosen = tls_parameters(parameters)
    if chosen.ListFields():
        message.tls_params.CopyFrom(chosen)
    return message


def tls_parameters(parameters: model.TlsParameters) -> TlsParameters:
    """Versions, ciphers and curves; empty for Envoy's own choice."""
    message = TlsParameters(cipher_suites=parameters.cipher_suites, ecdh_curves=parameters.ecdh_curves)
    if parameters.min_version is not None:
        message.tls_minimum_protocol_version = _VERSIONS[parameters.min_version]
    if parameters.max_version is not None:
        message.tls_maximum_protocol_version = _VERSIONS[parameters.max_version]
    return message


def by_discovery(name: str) -> SdsSecretConfig:
    """A secret by name, over the stream that also brings listeners and clusters."""
    return SdsSecretConfig(name=name, sds_config=ads())


def _soon(name: str, options: RenderOptions) -> SdsSecretConfig:
    """The same for an upstream: no cluster is acknowledged as long as one waits, which a Secret may make it do.

    Only the incremental protocol can say that there is no such secret; by the other Envoy would wait for 15 seconds.
    """
    message = by_discovery(name)
    if options.secrets is SecretSource.KUBERNETES:
        message.sds_config.initial_fetch_timeout.CopyFrom(milliseconds(_PATIENCE_MS))
    return message


def common_of(message: DownstreamTlsContext | UpstreamTlsContext) -> CommonTlsContext:
    """The common part of a TLS context."""
    return message.common_tls_context
