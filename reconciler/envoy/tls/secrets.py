"""Certificates, keys and authorities as Envoy secrets: names, of files or of Secrets that others fill in.

Envoy reads the files of a secret anew when its directory changes, but only of one that comes by secret discovery: one
that stands in the bootstrap, or inside a TLS context, is read once. The name of a secret says all that it is made of,
so that what refers to one need not carry it along.

https://www.envoyproxy.io/docs/envoy/latest/configuration/security/secret
"""

from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import quote, unquote

from envoy.config.core.v3.base_pb2 import DataSource, WatchedDirectory
from envoy.extensions.transport_sockets.tls.v3.common_pb2 import CertificateValidationContext, TlsCertificate
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret

from reconciler.envoy.options import RenderOptions, SecretSource
from reconciler.model.tls import Authorities, Identity, KeyPair, SecretRef

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


@dataclass(frozen=True, slots=True)
class Named:
    """What the name of a secret says: a certificate, or authorities and perhaps what they revoked."""

    identity: Identity | None = None
    authorities: Authorities | None = None
    revoked: Authorities | None = None

    @property
    def refs(self) -> frozenset[SecretRef]:
        """The Secrets of Kubernetes that it is made of."""
        parts = (self.identity, self.authorities, self.revoked)
        return frozenset(part for part in parts if isinstance(part, SecretRef))


def parsed(name: str) -> Named:
    """What the name of a secret says.

    Raises:
        ValueError: none of this module made the name.
    """
    kind, *parts = map(unquote, name.split("/"))
    match kind, parts:
        case "certificate", ["secret", namespace, secret]:
            return Named(SecretRef(namespace, secret))
        case "certificate", ["file", chain, key]:
            return Named(KeyPair(chain, key))
        case "authorities", [_, _, _]:
            return Named(authorities=_of(parts))
        case "authorities", [_, _, _, _, _, _]:
            return Named(authorities=_of(parts[:3]), revoked=_of(parts[3:]))
        case _:
            raise ValueError(f"no secret has the name {name}")


def secret_named(name: str, options: RenderOptions) -> Secret:
    """The secret of a name; its name alone, where its content is to come from Kubernetes.

    Raises:
        ValueError: none of this module made the name.
    """
    said = parsed(name)
    if said.refs and options.secrets is SecretSource.KUBERNETES:
        return Secret(name=name)
    match said.identity:
        case SecretRef() as ref:
            chain, key = secret_file(ref, CHAIN, options), secret_file(ref, KEY, options)
            return Secret(name=name, tls_certificate=certificate(chain, key))
        case KeyPair() as pair:
            return Secret(name=name, tls_certificate=certificate(pair.chain, pair.key))
    trusted = _file(said.authorities, options.ca_entry, options)
    return Secret(name=name, validation_context=authorities(trusted, _file(said.revoked, REVOKED, options)))


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


def _of(parts: list[str]) -> Authorities:
    where, first, second = parts
    return first if where == _FILE else SecretRef(first, second)


def _file(of: Authorities | None, key: str, options: RenderOptions) -> str:
    return secret_file(of, key, options) if isinstance(of, SecretRef) else of or ""
