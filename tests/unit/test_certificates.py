"""Whatever stands where a certificate, a key or a list should: it can be used, or is called unusable."""

import ssl
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.certificates import Unusable, check_authorities, check_pair, check_revoked
from tests.support.authority import Authority

NOW = datetime.now(UTC)
PAIR = Authority().issue("ours", "a.test")
DER = ssl.PEM_cert_to_DER_cert(PAIR.certificate.decode())
# What the library warns of it may refuse later; neither is ours to judge.
pytestmark = pytest.mark.filterwarnings("ignore:.*:DeprecationWarning", "ignore:.*:UserWarning")


def pem(der: bytes, label: str = "CERTIFICATE") -> bytes:
    """Bytes in the form that certificates have in files."""
    return f"-----BEGIN {label}-----\n".encode() + b64encode(der) + f"\n-----END {label}-----\n".encode()


def revoking() -> bytes:
    """A list of revoked certificates, DER."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(x509.Name([])).last_update(NOW).next_update(NOW)
    return builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.DER)


REVOKING = revoking()


def judged(check: Callable[[], None]) -> bool:
    """Whether something is usable; anything but a verdict is raised."""
    try:
        check()
    except Unusable:
        return False
    return True


def test_a_version_that_there_is_not_is_unusable() -> None:
    """The library has an error of its own for that, which is no kind of those it has for all else."""
    version = bytes((0xA0, 3, 2, 1, 2))
    assert DER.count(version) == 1
    odd = pem(DER.replace(version, bytes((0xA0, 3, 2, 1, 9))))
    assert judged(lambda: check_pair(PAIR.certificate, PAIR.key, NOW))
    for chain in (odd, PAIR.certificate + odd):
        with pytest.raises(Unusable, match="the certificate is none in PEM"):
            check_pair(chain, PAIR.key, NOW)
        with pytest.raises(Unusable, match="list of authorities is none in PEM"):
            check_authorities(chain, NOW)
    assert judged(lambda: check_revoked(pem(REVOKING, "X509 CRL")))
    at = REVOKING.index(bytes((2, 1, 1)))
    with pytest.raises(Unusable, match="revoked certificates is none in PEM"):
        check_revoked(pem(REVOKING[:at] + bytes((2, 1, 9)) + REVOKING[at + 3 :], "X509 CRL"))


CHANGES = st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), min_size=1, max_size=4)


def changed(der: bytes, changes: list[tuple[int, int]]) -> bytes:
    """With other bytes in some places."""
    found = bytearray(der)
    for at, byte in changes:
        found[at % len(found)] = byte
    return bytes(found)


@given(CHANGES, st.integers(0, 2**16))
def test_no_bytes_raise_anything_but_a_verdict(changes: list[tuple[int, int]], length: int) -> None:
    """Wherever they differ from good ones, and wherever they end."""
    for der in (changed(DER, changes), DER[: length % len(DER)]):
        judged(lambda der=der: check_pair(pem(der), PAIR.key, NOW))  # type: ignore[misc] # of lambda
        judged(lambda der=der: check_authorities(PAIR.certificate + pem(der), NOW))  # type: ignore[misc] # of lambda
    for text in (changed(PAIR.certificate, changes), PAIR.certificate[:length]):
        judged(lambda text=text: check_authorities(text, NOW))  # type: ignore[misc] # of lambda
    judged(lambda: check_pair(PAIR.certificate, changed(PAIR.key, changes), NOW))
    judged(lambda: check_revoked(pem(changed(REVOKING, changes), "X509 CRL")))


@pytest.mark.parametrize("at", range(24))
def test_no_head_of_a_certificate_raises_anything_but_a_verdict(at: int) -> None:
    """Lengths, version and serial number: each byte of them with every value it can have."""
    for byte in range(256):
        judged(lambda byte=byte: check_pair(pem(changed(DER, [(at, byte)])), PAIR.key, NOW))  # type: ignore[misc]
        judged(lambda byte=byte: check_revoked(pem(changed(REVOKING, [(at, byte)]), "X509 CRL")))  # type: ignore[misc]
