"""The certificates of peers, clients and documents."""

import ssl
from pathlib import Path

from tests.support.certificates import self_signed

# Who is vouched for by ``ca.crt``, and for which names.
_NAMES = {
    "a.test": "DNS:a.test",
    "b.test": "DNS:b.test",
    "wildcard.test": "DNS:*.test",
    "client": "DNS:client",
    "tls": "DNS:tls,DNS:tls.default,DNS:secure.test",
    "mtls": "DNS:mtls,DNS:mtls.default",
    "h2-tls": "DNS:h2-tls,DNS:h2-tls.default",
    "tcp-tls": "DNS:tcp-tls,DNS:tcp-tls.default",
}
_STRANGER = "stranger"


def issue(folder: Path) -> None:
    """Writes NAME.pem (certificate and key), NAME.crt and NAME.key of all, and ``ca.crt``."""
    folder.mkdir(exist_ok=True)
    for name, alternative in (*_NAMES.items(), (_STRANGER, "DNS:stranger")):
        self_signed(folder, name, alternative)
    (folder / "ca.crt").write_bytes(b"".join((folder / f"{name}.crt").read_bytes() for name in _NAMES))


def client_names(connection: ssl.SSLObject | None) -> tuple[str, ...]:
    """The names in the certificate the other side showed."""
    shown = connection.getpeercert() if connection else None
    names = shown.get("subjectAltName", ()) if shown else ()
    return tuple(str(name[1]) for name in names)
