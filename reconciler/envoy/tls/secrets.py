"""Certificates, keys and authorities as Envoy secrets: only file names, so that no key ever passes through here.

Envoy reads the files of a secret anew when its directory changes, but only of one that comes by secret discovery: one
that stands in the bootstrap, or inside a TLS context, is read once. The name of a secret says all that it is made of,
so that what refers to one need not carry it along.

https://www.envoyproxy.io/docs/envoy/latest/configuration/security/secret
"""

from pathlib import PurePosixPath
from urllib.parse import quote, unquote

from envoy.config.core.v3.base_pb2 import DataSource, WatchedDirectory
from envoy.extensions.transport_sockets.tls.v3.common_pb2 import CertificateValidationContext, TlsCertificate
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret

from reconciler.envoy.options import RenderOptions
from reconciler.model.tls import Authorities, Identity, SecretRef

CHAIN, KEY, REVOKED = "tls.crt", "tls.key", "crl.pem"

_CERTIFICATE, _AUTHORITIES = "certificate", "authorities"
_SECRET, _FILE = "secret", "file"


def certificate_name(identity: Identity) -> str:
    """Name of the secret with a certificate and its key."""
    if isinstance(identity, SecretRef):
        return _joined(_CERTIFICATE, _SECRET, identity.namespace, identity.name)
    return _joined(_CERTIFICATE, _FILE, identity.chain, identity.key)


def authorities_name(authorities: Authorities, crl: Authorities | None) -> str:
    """Name of the secret with the authorities, and with what they revoked."""
    return _joined(_AUTHORITIES, *_parts(authorities), *(() if crl is None else _parts(crl)))


def secret_named(name: str, options: RenderOptions) -> Secret:
    """The secret of a name.

    Raises:
        ValueError: none of this module made the name.
    """
    kind, *parts = map(unquote, name.split("/"))
    match kind, parts:
        case "certificate", ["secret", namespace, secret]:
            ref = SecretRef(namespace, secret)
            chain, key = secret_file(ref, CHAIN, options), secret_file(ref, KEY, options)
            return Secret(name=name, tls_certificate=certificate(chain, key))
        case "certificate", ["file", chain, key]:
            return Secret(name=name, tls_certificate=certificate(chain, key))
        case "authorities", [_, _, _]:
            trusted = _file(parts, options.ca_entry, options)
            return Secret(name=name, validation_context=authorities(trusted))
        case "authorities", [_, _, _, _, _, _]:
            trusted, revoked = _file(parts[:3], options.ca_entry, options), _file(parts[3:], REVOKED, options)
            return Secret(name=name, validation_context=authorities(trusted, revoked))
        case _:
            raise ValueError(f"no secret has the name {name}")


def certificate(chain: str, key: str) -> TlsCertificate:
    """A certificate and its key, read anew when the files of the first's directory are replaced."""
    return TlsCertificate(
        certificate_chain=DataSource(filename=chain),
        private_key=DataSource(filename=key),
        watched_directory=directory_of(chain),
    )


def authorities(trusted: str, revoked: str = "") -> CertificateValidationContext:
    """Who must have signed a certificate, and which are revoked; read anew when the first's directory changes."""
    message = CertificateValidationContext(
        trusted_ca=DataSource(filename=trusted), watched_directory=directory_of(trusted)
    )
    if revoked:
        message.crl.filename = revoked
    return message


def secret_file(secret: SecretRef, key: str, options: RenderOptions) -> str:
    """Where Envoy finds one key of a Secret."""
    return str(PurePosixPath(options.secrets_path, secret.namespace, secret.name, key))


def directory_of(path: str) -> WatchedDirectory:
    """The directory of a file: Kubernetes replaces all files of a Secret by renaming a link in it."""
    return WatchedDirectory(path=str(PurePosixPath(path).parent))


def _joined(*parts: str) -> str:
    return "/".join(quote(part, safe="") for part in parts)


def _parts(of: Authorities) -> tuple[str, str, str]:
    return (_SECRET, of.namespace, of.name) if isinstance(of, SecretRef) else (_FILE, of, "")


def _file(parts: list[str], key: str, options: RenderOptions) -> str:
    where, first, second = parts
    return first if where == _FILE else secret_file(SecretRef(first, second), key, options)
