"""Whether certificates and keys can be used: looked at before anybody is served with them. Never shows any of them."""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

LARGEST_PEM = 256 * 1024  # bytes: more than any chain needs; a bundle of a distribution's authorities fits
_SMALLEST_RSA = 2048  # bits: Envoy takes no fewer
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
# What the library raises for bytes that it can't read; the last is no ValueError.
_UNREADABLE = (ValueError, UnsupportedAlgorithm, x509.InvalidVersion)


@dataclass(frozen=True, slots=True)
class Unusable(Exception):
    """Key material that can't be used; ``why`` says it without showing any of it."""

    why: str

    def __str__(self) -> str:
        return self.why


def check_pair(chain: bytes, key: bytes, now: datetime) -> None:
    """Whether a certificate with its chain, and its key, can serve.

    Args:
        chain: PEM, the certificate itself first.
        key: PEM, not encrypted.
        now: aware.

    Raises:
        Unusable: with what is wrong.
    """
    certificate = _certificates(chain, "the certificate")[0]
    if len(key) > LARGEST_PEM:
        raise Unusable("the key is larger than any key")
    try:
        private = load_pem_private_key(key, None)
    except TypeError:
        raise Unusable("the key is encrypted") from None
    except _UNREADABLE:
        raise Unusable("the key is no private key in PEM") from None
    public = certificate.public_key()
    if isinstance(public, rsa.RSAPublicKey) and public.key_size < _SMALLEST_RSA:
        raise Unusable(f"an RSA key of {public.key_size} bits is too weak; Envoy takes {_SMALLEST_RSA} and more")
    if isinstance(public, ec.EllipticCurvePublicKey) and not isinstance(public.curve, _CURVES):
        raise Unusable(f"Envoy takes no key on the curve {public.curve.name}")
    if not isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise Unusable("Envoy takes RSA and ECDSA keys only")
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if private.public_key().public_bytes(*form) != public.public_bytes(*form):
        raise Unusable("the key is not that of the certificate")
    if now > certificate.not_valid_after_utc:
        raise Unusable(f"the certificate expired at {certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}")


def check_authorities(pem: bytes, now: datetime) -> None:
    """Whether CA certificates can verify anybody: that is, whether one of them is still valid.

    Raises:
        Unusable: with what is wrong.
    """
    last = max(certificate.not_valid_after_utc for certificate in _certificates(pem, "the list of authorities"))
    if now > last:
        raise Unusable(f"the last of the authorities expired at {last:%Y-%m-%dT%H:%M:%SZ}")


def check_revoked(pem: bytes) -> None:
    """Whether a list of revoked certificates is one.

    Raises:
        Unusable: with what is wrong.
    """
    if len(pem) > LARGEST_PEM:
        raise Unusable("the list of revoked certificates is too large")
    try:
        x509.load_pem_x509_crl(pem)
    except _UNREADABLE:
        raise Unusable("the list of revoked certificates is none in PEM") from None


def _certificates(pem: bytes, what: str) -> list[x509.Certificate]:
    if len(pem) > LARGEST_PEM:
        raise Unusable(f"{what} is larger than {LARGEST_PEM} bytes")
    try:
        found = x509.load_pem_x509_certificates(pem)
        for certificate in found:
            certificate.public_key()
    except _UNREADABLE:
        raise Unusable(f"{what} is none in PEM") from None
    return found
