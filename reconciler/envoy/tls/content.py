"""What is in a Secret of Kubernetes as an Envoy secret, looked at first: what could not serve is never sent.

Nothing of this may go anywhere but to Envoys.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from envoy.config.core.v3.base_pb2 import DataSource
from envoy.extensions.transport_sockets.tls.v3.common_pb2 import CertificateValidationContext, TlsCertificate
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret

from reconciler.envoy.protobuf import serialise
from reconciler.envoy.tls.secrets import CHAIN, KEY, REVOKED, parsed
from reconciler.model.certificates import Unusable, check_authorities, check_pair, check_revoked
from reconciler.model.snapshot import XdsResource
from reconciler.model.tls import Authorities, SecretRef

_CA = "ca.crt"  # where cert-manager has authorities: taken where the entry of the settings is missing


@dataclass(frozen=True, slots=True)
class SecretContent:
    """The entries of a Secret. No string form shows them."""

    entries: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}), repr=False)


Secrets = Mapping[SecretRef, SecretContent | None]  # None: there is no such Secret


def secrets_read(name: str) -> frozenset[SecretRef]:
    """The Secrets of Kubernetes that an Envoy secret is made of.

    Raises:
        ValueError: no Envoy secret has that name.
    """
    return parsed(name).refs


def live_secret(name: str, secrets: Secrets, ca_entry: str, now: datetime) -> XdsResource:
    """The Envoy secret of a name.

    Args:
        name: as in the placeholder.
        secrets: those that `secrets_read` names.
        ca_entry: key of a Secret under which authorities stand.
        now: aware.

    Raises:
        Unusable: it could not serve; says which Secret, and why, and nothing of its content.
    """
    said = parsed(name)
    if isinstance(said.identity, SecretRef):
        entries = _entries(said.identity, secrets)
        chain, key = _entry(said.identity, entries, CHAIN), _entry(said.identity, entries, KEY)
        _blame(said.identity, lambda: check_pair(chain, key, now))
        pair = TlsCertificate(certificate_chain=_inline(chain), private_key=_inline(key))
        return XdsResource.of(name, serialise(Secret(name=name, tls_certificate=pair)))
    message = CertificateValidationContext(trusted_ca=_trusted(said.authorities, secrets, ca_entry, now))
    if said.revoked is not None:
        message.crl.CopyFrom(_revoked(said.revoked, secrets))
    return XdsResource.of(name, serialise(Secret(name=name, validation_context=message)))


def _trusted(of: Authorities | None, secrets: Secrets, ca_entry: str, now: datetime) -> DataSource:
    if not isinstance(of, SecretRef):
        return DataSource(filename=of or "")
    entries = _entries(of, secrets)
    pem = _entry(of, entries, ca_entry if ca_entry in entries else _CA)
    _blame(of, lambda: check_authorities(pem, now))
    return _inline(pem)


def _revoked(of: Authorities, secrets: Secrets) -> DataSource:
    if not isinstance(of, SecretRef):
        return DataSource(filename=of)
    pem = _entry(of, _entries(of, secrets), REVOKED)
    _blame(of, lambda: check_revoked(pem))
    return _inline(pem)


def _entries(ref: SecretRef, secrets: Secrets) -> Mapping[str, bytes]:
    content = secrets.get(ref)
    if content is None:
        raise Unusable(f"Secret {ref} is not there")
    return content.entries


def _entry(ref: SecretRef, entries: Mapping[str, bytes], key: str) -> bytes:
    if key not in entries:
        raise Unusable(f"Secret {ref} has no {key}")
    return entries[key]


def _blame(ref: SecretRef, check: Callable[[], None]) -> None:
    try:
        check()
    except Unusable as error:
        raise Unusable(f"Secret {ref}: {error.why}") from None


def _inline(pem: bytes) -> DataSource:
    return DataSource(inline_bytes=pem)
