"""Where the API server is and who asks it: from a pod's service account or a kubeconfig file."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.cluster.failures import bounded
from reconciler.model.errors import Stalled, Transient

if TYPE_CHECKING:
    from kubernetes.client.configuration import Configuration

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Which API server, as whom, and how patiently.

    Attributes:
        mode: ``in-cluster``, ``kubeconfig``, ``off``, or ``auto``: in a pod its service account, elsewhere a
            kubeconfig or context that is named, else none. A kubeconfig is never used just because it lies there.
        kubeconfig: the file; None for ``$KUBECONFIG``, then ``~/.kube/config``.
        context: of the kubeconfig; empty for its current one.
        server: the URL of the API server, in place of what the configuration says.
        tls_server_name: the name to find in the server's certificate, where a proxy has another.
        ca_file: CA certificates (PEM) in place of those of the configuration.
        request_s: longest time for one attempt.
        patience_s: longest time for a call with all its attempts and waits.
        per_second: requests, in the long run; as the kubelet has it.
        burst: requests at once.
        page_size: objects per request of a list.
        page_bytes: longest answer; a page that passes it is asked for in smaller ones.
        line_bytes: longest event of a watch. etcd holds objects up to 1.5 MiB; as JSON they can be some times that.
        silence_s: longest time without a byte before a watch counts as hung. The server sends a bookmark each minute.
        account: the directory of the service account.
    """

    mode: str = "auto"
    kubeconfig: Path | None = None
    context: str = ""
    server: str = ""
    tls_server_name: str = ""
    ca_file: Path | None = None
    request_s: float = 30.0
    patience_s: float = 60.0
    per_second: float = 50.0
    burst: int = 100
    page_size: int = 500
    page_bytes: int = 32 << 20
    line_bytes: int = 8 << 20
    silence_s: float = 90.0
    account: Path = _ACCOUNT


def chosen(settings: ClusterSettings, environment: "os._Environ[str] | dict[str, str]" = os.environ) -> str:
    """``in-cluster``, ``kubeconfig`` or ``off``."""
    if settings.mode != "auto":
        return settings.mode
    if settings.kubeconfig or settings.context:
        return "kubeconfig"
    in_pod = environment.get("KUBERNETES_SERVICE_HOST") and (settings.account / "token").is_file()
    return "in-cluster" if in_pod else "off"


def load(settings: ClusterSettings) -> "Configuration":
    """The client's configuration, read anew: files, token, what a credential plugin gives.

    Raises:
        Stalled: ``ClusterConfigInvalid``.
        Transient: ``ClusterCredentialsMissing``.
    """
    from kubernetes.client.configuration import Configuration  # noqa: PLC0415 - half a second, only with a cluster

    configuration = Configuration()
    match chosen(settings):
        case "in-cluster":
            _load_account(settings, configuration)
        case _:
            _load_kubeconfig(settings, configuration)
    if settings.server:
        configuration.host = settings.server.rstrip("/")
    if settings.ca_file:
        configuration.ssl_ca_cert = str(settings.ca_file)
    if settings.tls_server_name:
        configuration.tls_server_name = settings.tls_server_name
    _check(configuration)
    configuration.retries = False  # the door retries, knowing what may be sent twice
    configuration.keep_alive = True  # a watch is silent for minutes; a half-open connection is found out
    configuration.connection_pool_maxsize = 256  # each watch has one; what is above is not kept, and warned of
    return configuration


def _load_account(settings: ClusterSettings, configuration: "Configuration") -> None:
    from kubernetes.config import ConfigException  # noqa: PLC0415
    from kubernetes.config.incluster_config import InClusterConfigLoader  # noqa: PLC0415

    token, authority = settings.account / "token", settings.account / "ca.crt"
    try:
        InClusterConfigLoader(str(token), str(authority)).load_and_set(configuration)
    except ConfigException as error:
        hint = "does the pod mount the token of its service account (automountServiceAccountToken)?"
        raise Stalled("ClusterConfigInvalid", f"no service account to use: {bounded(str(error))}", hint) from error
    except OSError as error:
        raise Transient("ClusterCredentialsMissing", f"{error.filename}: {error.strerror}") from error


def _load_kubeconfig(settings: ClusterSettings, configuration: "Configuration") -> None:
    from kubernetes.config import ConfigException  # noqa: PLC0415
    from kubernetes.config.kube_config import load_kube_config  # noqa: PLC0415

    file = str(settings.kubeconfig or os.environ.get("KUBECONFIG") or Path("~/.kube/config").expanduser())
    try:
        load_kube_config(file, settings.context or None, configuration, persist_config=False)
    except Exception as error:  # plugins are run and identity providers asked: anything may be raised
        # only the library's own sentences: those of others may quote the file, which holds secrets
        said = (
            bounded(str(error)) if isinstance(error, ConfigException) else f"not a kubeconfig ({type(error).__name__})"
        )
        raise Stalled("ClusterConfigInvalid", f"{file}: {said}", "name a kubeconfig and a context of it") from error


def _check(configuration: "Configuration") -> None:
    """The library goes on without credentials where a plugin fails, and then is `system:anonymous`."""
    if urlsplit(configuration.host).scheme != "https":
        return
    for file in (configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file):
        if file and not os.access(file, os.R_OK):
            raise Stalled("ClusterConfigInvalid", f"{file}: can't be read", "name a PEM file")
    if not configuration.api_key and not configuration.cert_file:
        raise Transient(
            "ClusterCredentialsMissing",
            f"there are no credentials for {address(configuration.host)}",
            "does the kubeconfig's user have a token, a certificate or a plugin that works on this machine?",
        )


def address(host: str) -> str:
    """The URL of an API server without a user name or password that somebody may have written into it."""
    parts = urlsplit(host)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
