"""The certificates of peers, clients and documents."""

import ssl
from pathlib import Path

from tests.support.certificates import self_signed
from tests.support.revocation import revocation_list

# Who is vouched for by ``ca.crt``, and for which names.
_NAMES = {
    "a.test": "DNS:a.test",
    "b.test": "DNS:b.test",
    "wildcard.test": "DNS:*.test",
    "client": "DNS:client",
    "revoked": "DNS:revoked",
    "tls": "DNS:tls,DNS:tls.default,DNS:secure.test",
    "mtls": "DNS:mtls,DNS:mtls.default",
    "h2-tls": "DNS:h2-tls,DNS:h2-tls.default",
    "tcp-tls": "DNS:tcp-tls,DNS:tcp-tls.default",
}
_STRANGER = "stranger"


def issue(folder: Path) -> None:
    """Writes NAME.pem (certificate and key), NAME.crt and NAME.key of all, ``ca.crt``, and Secrets with them."""
    folder.mkdir(exist_ok=True)
    for name, alternative in (*_NAMES.items(), (_STRANGER, "DNS:stranger")):
        self_signed(folder, name, alternative)
    (folder / "ca.crt").write_bytes(b"".join((folder / f"{name}.crt").read_bytes() for name in _NAMES))
    _mount(folder)


def _mount(folder: Path) -> None:
    """The same as Kubernetes mounts Secrets: ``secrets/NAMESPACE/SECRET/KEY``."""
    listed = (("client", False), ("revoked", True))
    revoked = b"".join(revocation_list(folder / f"{name}.crt", revoked=on) for name, on in listed)
    (folder / "crl.pem").write_bytes(revoked)
    for namespace in ("default", "other"):
        for name in _NAMES:
            pair = {"tls.crt": f"{name}.crt", "tls.key": f"{name}.key"}
            _secret(folder, namespace, name, {key: (folder / file).read_bytes() for key, file in pair.items()})
        _secret(folder, namespace, "authorities", {"tls.crt": (folder / "ca.crt").read_bytes()})
        clients = b"".join((folder / f"{name}.crt").read_bytes() for name, _ in listed)
        _secret(folder, namespace, "clients", {"tls.crt": clients})
        _secret(folder, namespace, "revoked-clients", {"crl.pem": revoked})


def _secret(folder: Path, namespace: str, name: str, files: dict[str, bytes]) -> None:
    directory = folder / "secrets" / namespace / name
    directory.mkdir(parents=True)
    for key, content in files.items():
        (directory / key).write_bytes(content)


def client_names(connection: ssl.SSLObject | None) -> tuple[str, ...]:
    """The names in the certificate the other side showed."""
    shown = connection.getpeercert() if connection else None
    names = shown.get("subjectAltName", ()) if shown else ()
    return tuple(str(name[1]) for name in names)
