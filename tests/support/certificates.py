"""Certificates for loopback servers."""

import ssl
import subprocess
from pathlib import Path


def self_signed(directory: Path, name: str, alternative: str) -> Path:
    """A certificate that vouches for itself, with its key in the same file.

    Args:
        directory: where it is written, as ``NAME.pem``.
        name: of the file.
        alternative: whom it is for, e.g. ``DNS:a.test`` or ``IP:127.0.0.1``.
    """
    key, certificate, both = (directory / f"{name}.{suffix}" for suffix in ("key", "crt", "pem"))
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "1", "-subj", f"/CN={name}", "-addext", f"subjectAltName={alternative}"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    return both


def server_side(certificate: Path) -> ssl.SSLContext:
    """A server that shows this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
