"""TLS from Envoy to its ADS server, with certificates that are read anew when they are renewed.

What stands in a bootstrap Envoy reads once. So the bootstrap names files that name the certificates: secret discovery
from a path, which has files read again when their directory changes.

https://www.envoyproxy.io/docs/envoy/latest/configuration/security/secret
"""

from dataclasses import dataclass
from pathlib import PurePath

from envoy.config.core.v3.config_source_pb2 import ApiVersion, ConfigSource, PathConfigSource
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import SdsSecretConfig, Secret
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import CommonTlsContext, UpstreamTlsContext
from envoy.service.discovery.v3.discovery_pb2 import DiscoveryResponse

from reconciler.envoy.addresses import is_ip
from reconciler.envoy.protobuf import packed
from reconciler.envoy.readable import json_bytes
from reconciler.envoy.tls.contexts import named
from reconciler.envoy.tls.secrets import CHAIN, KEY, authorities, certificate

AUTHORITIES = "ca.crt"
_CERTIFICATE_FILE, _AUTHORITIES_FILE = "xds-certificate.json", "xds-authorities.json"
_CERTIFICATE, _TRUSTED = "xds-certificate", "xds-authorities"


@dataclass(frozen=True, slots=True)
class XdsTls:
    """How an Envoy shows its ADS server who it is, and knows that one.

    Attributes:
        certificates: directory on Envoy's machine with ``tls.crt``, ``tls.key`` and ``ca.crt``, as Kubernetes mounts a
            Secret of cert-manager.
        files: directory on Envoy's machine with `secret_files`.
    """

    certificates: PurePath
    files: PurePath


def secret_files(tls: XdsTls) -> dict[str, bytes]:
    """The files, by name, that stand beside the bootstrap: each names one secret's files. No key is in them."""
    directory = tls.certificates
    shown = Secret(name=_CERTIFICATE, tls_certificate=certificate(str(directory / CHAIN), str(directory / KEY)))
    trusted = Secret(name=_TRUSTED, validation_context=authorities(str(directory / AUTHORITIES)))
    return {_CERTIFICATE_FILE: _discovered(shown), _AUTHORITIES_FILE: _discovered(trusted)}


def to_control_plane(host: str, tls: XdsTls) -> UpstreamTlsContext:
    """TLS to the server on ``host``, which must show a certificate for that name."""
    common = CommonTlsContext(alpn_protocols=["h2"])
    common.tls_certificate_sds_secret_configs.append(_from_file(_CERTIFICATE, tls.files / _CERTIFICATE_FILE))
    combined = common.combined_validation_context
    combined.default_validation_context.CopyFrom(named(host))
    combined.validation_context_sds_secret_config.CopyFrom(_from_file(_TRUSTED, tls.files / _AUTHORITIES_FILE))
    return UpstreamTlsContext(sni="" if is_ip(host) else host, common_tls_context=common)


def _from_file(name: str, path: PurePath) -> SdsSecretConfig:
    source = ConfigSource(path_config_source=PathConfigSource(path=str(path)), resource_api_version=ApiVersion.V3)
    return SdsSecretConfig(name=name, sds_config=source)


def _discovered(secret: Secret) -> bytes:
    return json_bytes(DiscoveryResponse(version_info="1", resources=[packed(secret)]))
