"""The settings of the xDS server, and of what it serves besides snapshots, to working parts."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from reconciler.apply import ServerTls, Target, XdsTarget
from reconciler.cli import log
from reconciler.cli.sources import needed_api_server
from reconciler.discovery import EndpointDiscovery, SecretDiscovery
from reconciler.model.effect import Ack
from reconciler.model.errors import Stalled
from reconciler.model.snapshot import TypeUrl
from reconciler.settings import Settings

_BURST = 400  # requests at once: two for each Secret when the controller starts


def xds_target(s: Settings, on_nack: Callable[[Ack], None]) -> XdsTarget:
    """The target ``xds`` of the settings.

    Args:
        s: the settings.
        on_nack: see `XdsTarget`.

    Raises:
        Stalled: a setting can't be used.
    """
    return XdsTarget(
        s.xds_address,
        s.ack_timeout,
        on_nack,
        tls=server_tls(s),
        insecure=s.xds_insecure,
        tell=log.log_certificate,
        on_refused=log.log_refused,
        on_bug=log.log_bug,
    )


def server_tls(s: Settings) -> ServerTls | None:
    """TLS of the ADS server; None for clear text.

    Raises:
        Stalled: something is missing.
    """
    if s.xds_cert_file is None or s.xds_key_file is None:
        if s.xds_cert_file or s.xds_key_file or s.xds_client_ca_file:
            raise Stalled("InvalidSettings", "TLS of the xDS server needs both --xds-cert-file and --xds-key-file")
        return None
    if s.xds_client_name and s.xds_client_ca_file is None:
        raise Stalled("InvalidSettings", "--xds-client-name is for certificates, which --xds-client-ca-file asks for")
    return ServerTls(s.xds_cert_file, s.xds_key_file, s.xds_client_ca_file, s.xds_client_name)


def discover(stack: ExitStack, s: Settings, targets: Sequence[Target]) -> None:
    """Watch what the settings have served besides snapshots; ends with the stack.

    Raises:
        Stalled: a target can't be told of it, or must not be; or there is no cluster.
        Transient: see `connect`.
    """
    if s.endpoints != "kubernetes" and s.secrets != "kubernetes":
        return
    served = [target for target in targets if isinstance(target, XdsTarget)]
    if len(served) < len(targets):
        what = "endpoints and Secrets of Kubernetes are served over xDS, and another target is given, too"
        raise Stalled("InvalidSettings", what, "run a controller for each, or leave out --endpoints and --secrets")
    for target in served:
        cluster = needed_api_server(s, "serving endpoints or Secrets", burst=_BURST)
        stack.callback(cluster.close)
        if s.endpoints == "kubernetes":
            endpoints = EndpointDiscovery(cluster, partial(target.live.put, TypeUrl.ENDPOINT), log.log_discovered)
            stack.callback(endpoints.close)
            target.live.own(TypeUrl.ENDPOINT, endpoints.want)
        if s.secrets == "kubernetes":
            secrets = SecretDiscovery(cluster, partial(target.live.put, TypeUrl.SECRET), log.log_discovered, s.ca_entry)
            stack.callback(secrets.close)
            target.serve_keys(secrets.want, loopback=s.loopback)
