"""Who asks the API server, and the kubeconfig each of them has."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class User:
    """Someone with a bearer token.

    Attributes:
        name: as RBAC and the audit log know them, e.g. ``alice`` or ``system:serviceaccount:NAMESPACE:NAME``.
        token: what they show.
        groups: those that the token file adds; the server adds its own, such as ``system:authenticated``.
    """

    name: str
    token: str
    groups: tuple[str, ...] = ()


ADMIN = User("admin", "admin-token", ("system:masters",))
# May nothing until a test grants something; for what needs names known before the server starts. Whoever can, uses
# ApiServer.service_account instead: a name of its own for each test.
ALICE, BOB = User("alice", "alice-token"), User("bob", "bob-token")


def token_file(directory: Path, *users: User) -> Path:
    """The static tokens of users, as kube-apiserver reads them."""
    path = directory / "tokens.csv"
    lines = [f'{user.token},{user.name},{user.name}-uid,"{",".join(user.groups)}"' for user in users]
    path.write_text("\n".join(lines) + "\n")
    return path


@dataclass(frozen=True, slots=True)
class Address:
    """Where an API server answers, and what its certificate is checked against.

    Attributes:
        url: ``https://127.0.0.1:PORT``.
        ca: the certificate authority, a PEM file.
        tls_server_name: the name to find in the certificate, where it is not the host of ``url``.
    """

    url: str
    ca: Path
    tls_server_name: str = ""


def kubeconfig(to: Path, address: Address, user: User, *, namespace: str = "default") -> Path:
    """Write a kubeconfig file with one context, named ``test``.

    Args:
        to: the file.
        address: the server, or a proxy in front of it.
        user: whose token it holds.
        namespace: the one of the context.
    """
    cluster = {"server": address.url, "certificate-authority": str(address.ca)}
    if address.tls_server_name:
        cluster["tls-server-name"] = address.tls_server_name
    to.write_text(
        json.dumps(  # JSON is YAML
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "test", "cluster": cluster}],
                "users": [{"name": user.name, "user": {"token": user.token}}],
                "contexts": [
                    {"name": "test", "context": {"cluster": "test", "user": user.name, "namespace": namespace}}
                ],
                "current-context": "test",
            },
            indent=1,
        )
    )
    to.chmod(0o600)  # Helm warns of files that others can read
    return to
