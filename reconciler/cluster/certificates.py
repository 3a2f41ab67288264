"""Why the API server's certificate is not accepted, in words that say what to do."""

import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass

from reconciler.model.errors import ReconcileError, Stalled, Transient

_LOOK_S = 3.0


@dataclass(frozen=True, slots=True)
class Server:
    """Where the certificate is shown.

    Attributes:
        name: that was looked for in the certificate.
        ca_file: the authorities, None for those of the system.
        proxied: a proxy is between; the server can't be looked at directly.
    """

    host: str
    port: int
    name: str
    ca_file: str | None
    proxied: bool = False


def error_of(words: str, server: Server) -> ReconcileError:
    """The error for a TLS fault.

    Args:
        words: of the TLS library.
        server: who was asked.
    """
    where = f"https://{server.host}:{server.port}"
    if "mismatch" in words or "doesn't match" in words:
        names = _names(server)
        shown = f"is for {', '.join(names)}" if names else "is for other names"
        named = f"such as {names[0]}" if names else "the one in the certificate"
        return Stalled(
            "ClusterCertificateName",
            f"{where}: its certificate {shown}, not for {server.name}",
            "behind a proxy or load balancer, say what to expect: --kube-tls-server-name, or tls-server-name in the "
            f"kubeconfig, {named}; only if you know that name to be your cluster's",
        )
    if "CERTIFICATE_VERIFY_FAILED" in words:
        said = words.partition("certificate verify failed: ")[2].partition(" (_ssl")[0] or words
        hint = "name the CA of the API server with --kube-ca-file, or certificate-authority in the kubeconfig"
        if "expired" in said or "not yet valid" in said:
            hint = "renew the certificate of the API server; is the clock of this machine right?"
        return Stalled("ClusterCertificateRefused", f"{where}: its certificate can't be verified: {said}", hint)
    if "WRONG_VERSION_NUMBER" in words or "HTTP_REQUEST" in words:
        return Stalled("ClusterCertificateRefused", f"{where}: does not speak TLS", "is it the port for https?")
    if "ALERT" in words and ("CERTIFICATE" in words or "UNKNOWN_CA" in words):
        return Transient(
            "ClusterCredentialsRefused", f"{where}: does not accept our client certificate: {words}", "renew it"
        )
    if "PEM" in words or "NO_CERTIFICATE" in words or "KEY_VALUES_MISMATCH" in words:
        return Stalled("ClusterConfigInvalid", f"{where}: a file of certificates or the key can't be used: {words}")
    return Transient("ClusterUnreachable", f"{where}: TLS failed: {words}")


def _names(server: Server) -> list[str]:
    """The names in the certificate, once more verified but for its name; nothing is sent but the handshake."""
    if server.proxied:
        return []
    # Anything may be wrong by now, with the file of the authorities, too: then the error goes without names.
    with suppress(OSError, ValueError):
        context = ssl.create_default_context(cafile=server.ca_file)
        context.check_hostname = False
        with (
            socket.create_connection((server.host, server.port), _LOOK_S) as plain,
            context.wrap_socket(plain, server_hostname=server.name) as secured,
        ):
            names = (secured.getpeercert() or {}).get("subjectAltName", ())
        # those that people know come first: short ones of the cluster itself are in every cluster's
        return sorted({str(pair[1]) for pair in names}, key=lambda name: ("." not in name, name))[:8]
    return []
