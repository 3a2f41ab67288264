"""Certificates made in this process: an authority, what it signs, and directories as the kubelet exchanges them."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """Signs certificates.

    Args:
        name: its common name.
    """

    def __init__(self, name: str = "authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        whole = x509.BasicConstraints(ca=True, path_length=None)
        built = _built(self._name, self._name, self._key, 1).add_extension(whole, critical=True)
        self.certificate = built.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def issue(self, name: str, *alternatives: str, days: float = 1) -> Pair:
        """A certificate.

        Args:
            name: its common name, by which tests tell versions apart.
            alternatives: DNS names, IP addresses, or URIs.
            days: until it expires; negative for one that has.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName(map(_alternative, alternatives or (name,)))
        built = _built(_named(name), self._name, key, days).add_extension(names, critical=False)
        certificate = built.sign(self._key, hashes.SHA256())
        return Pair(
            certificate.public_bytes(Encoding.PEM),
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )


def mount_files(directory: Path, files: dict[str, bytes]) -> None:
    """Puts files into a directory; those that were there are replaced in one step, as the kubelet does it."""
    directory.mkdir(parents=True, exist_ok=True)
    before = directory / "..data"
    old = before.resolve() if before.is_symlink() else None
    version = directory / f"..{0 if old is None else int(old.name[2:]) + 1}"
    version.mkdir()
    for name, content in files.items():
        (version / name).write_bytes(content)
    following = directory / "..next"
    following.symlink_to(version.name)
    following.rename(before)
    for name in files:
        if not (directory / name).is_symlink():
            (directory / name).symlink_to(Path("..data", name))
    if old is not None:
        shutil.rmtree(old)


def secret_data(pair: Pair, authority: bytes) -> dict[str, bytes]:
    """The files of a Secret of cert-manager."""
    return {"tls.crt": pair.certificate, "tls.key": pair.key, "ca.crt": authority}


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(text: str) -> x509.GeneralName:
    if "://" in text:
        return x509.UniformResourceIdentifier(text)
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _built(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: float
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=days))
    )
