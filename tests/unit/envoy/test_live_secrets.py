"""Secrets of Kubernetes as Envoy secrets: what could serve, and what is said of what could not."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret

from reconciler.envoy import SecretContent, live_secret, secrets_read
from reconciler.envoy.options import RenderOptions, SecretSource
from reconciler.envoy.tls.secrets import authorities_name, certificate_name, secret_named
from reconciler.model.certificates import LARGEST_PEM, Unusable, check_pair
from reconciler.model.tls import KeyPair, SecretRef
from tests.support.authority import Authority

NOW = datetime.now(UTC)
CA = Authority()
OURS = CA.issue("ours", "a.test")
REF, TRUSTED = SecretRef("team", "served"), SecretRef("team", "trusted")
NAME = certificate_name(REF)
KUBERNETES = RenderOptions(secrets=SecretSource.KUBERNETES)


def content(**entries: bytes) -> SecretContent:
    """Entries of a Secret, with ``_`` for the dot."""
    return SecretContent({key.replace("_", "."): value for key, value in entries.items()})


def found(name: str, secrets: Mapping[SecretRef, SecretContent], ca_entry: str = "tls.crt") -> Secret:
    """The Envoy secret of a name."""
    resource = live_secret(name, secrets, ca_entry, NOW)
    assert resource.name == name
    return Secret.FromString(resource.body)


def test_certificate_and_key_go_as_they_are() -> None:
    """Inside the message, under the name of the placeholder."""
    pair = found(NAME, {REF: content(tls_crt=OURS.certificate, tls_key=OURS.key)}).tls_certificate
    assert pair.certificate_chain.inline_bytes == OURS.certificate
    assert pair.private_key.inline_bytes == OURS.key


def test_authorities_come_from_the_entry_of_the_settings() -> None:
    """Where that is missing, from ca.crt; together with what they revoked, or with a file beside them."""
    name, other = authorities_name(TRUSTED, None), CA.issue("x").certificate
    both = {TRUSTED: content(tls_crt=CA.certificate, ca_crt=other)}
    assert found(name, both).validation_context.trusted_ca.inline_bytes == CA.certificate
    assert found(name, both, "ca.crt").validation_context.trusted_ca.inline_bytes == other
    alone = {TRUSTED: content(ca_crt=CA.certificate)}
    assert found(name, alone).validation_context.trusted_ca.inline_bytes == CA.certificate
    revoking = {TRUSTED: content(tls_crt=CA.certificate, crl_pem=revoked())}
    whole = found(authorities_name(TRUSTED, TRUSTED), revoking).validation_context
    assert whole.crl.inline_bytes == revoking[TRUSTED].entries["crl.pem"]
    mixed = found(authorities_name("/etc/ca.pem", TRUSTED), revoking).validation_context
    assert (mixed.trusted_ca.filename, bool(mixed.crl.inline_bytes)) == ("/etc/ca.pem", True)


def revoked() -> bytes:
    """A list of revoked certificates."""
    name = x509.Name([])
    builder = x509.CertificateRevocationListBuilder().issuer_name(name).last_update(NOW).next_update(NOW)
    return builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.PEM)


def test_what_could_not_serve_is_refused_in_words_that_show_nothing() -> None:
    """Each says which Secret and why; none has a byte of what is in it."""
    other = CA.issue("other", "a.test")
    expired = CA.issue("old", "a.test", days=-1)
    cases: list[tuple[SecretContent | None, str]] = [
        (None, "is not there"),
        (content(tls_crt=OURS.certificate), "has no tls.key"),
        (content(tls_key=OURS.key), "has no tls.crt"),
        (content(tls_crt=b"x", tls_key=OURS.key), "the certificate is none in PEM"),
        (content(tls_crt=OURS.certificate, tls_key=b"x"), "the key is no private key in PEM"),
        (content(tls_crt=OURS.certificate, tls_key=other.key), "the key is not that of the certificate"),
        (content(tls_crt=expired.certificate, tls_key=expired.key), "the certificate expired at"),
        (content(tls_crt=OURS.certificate * 999, tls_key=OURS.key), "larger than"),
        (content(tls_crt=OURS.certificate, tls_key=b"x" * (LARGEST_PEM + 1)), "larger than any key"),
    ]
    for secret, words in cases:
        with pytest.raises(Unusable, match=words) as caught:
            live_secret(NAME, {REF: secret}, "tls.crt", NOW)
        assert "Secret team/served" in str(caught.value)
        assert "BEGIN" not in str(caught.value)
    with pytest.raises(Unusable, match="list of authorities is none in PEM"):
        live_secret(authorities_name(TRUSTED, None), {TRUSTED: content(tls_crt=b"x")}, "tls.crt", NOW)
    trusting = content(tls_crt=CA.certificate, crl_pem=b"x")
    with pytest.raises(Unusable, match="revoked certificates is none in PEM"):
        live_secret(authorities_name(TRUSTED, TRUSTED), {TRUSTED: trusting}, "tls.crt", NOW)


def test_keys_that_envoy_takes_no_certificate_with() -> None:
    """Small, of another kind, or encrypted: said before Envoy could."""
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is the point
    other = ed25519.Ed25519PrivateKey.generate()
    curve = ec.generate_private_key(ec.SECP256K1())
    for key, words in ((weak, "1024 bits"), (other, "RSA and ECDSA"), (curve, "secp256k1")):
        with pytest.raises(Unusable, match=words):
            check_pair(*self_signed(key), NOW)
    chain, _ = self_signed(good := ec.generate_private_key(ec.SECP256R1()))
    locked = good.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    with pytest.raises(Unusable, match="encrypted"):
        check_pair(chain, locked, NOW)


Key = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


def self_signed(key: Key) -> tuple[bytes, bytes]:
    """A certificate of a key, and the key."""
    name = x509.Name([])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW.replace(year=2020)).not_valid_after(NOW.replace(year=2050))
    hashed = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    signed = builder.sign(key, hashed)
    return signed.public_bytes(Encoding.PEM), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_no_string_form_shows_a_secret() -> None:
    """Whoever prints it by mistake prints nothing of it."""
    assert "secret-bytes" not in f"{content(tls_key=b'secret-bytes')!r}{content(tls_key=b'secret-bytes')}"


def test_a_snapshot_has_names_alone_where_kubernetes_has_the_content() -> None:
    """Files stay files; and what a placeholder needs is read off its name."""
    assert secret_named(NAME, KUBERNETES) == Secret(name=NAME)
    assert secret_named(authorities_name("/ca.pem", TRUSTED), KUBERNETES).WhichOneof("type") is None
    file = certificate_name(KeyPair("/c.pem", "/k.pem"))
    assert secret_named(file, KUBERNETES) == secret_named(file, RenderOptions())
    assert secrets_read(NAME) == {REF}
    assert secrets_read(authorities_name(TRUSTED, REF)) == {REF, TRUSTED}
    assert secrets_read(file) == frozenset()
