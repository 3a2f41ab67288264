"""The settings of the xDS server to the working part."""

from collections.abc import Callable

from reconciler.apply import ServerTls, XdsTarget
from reconciler.cli import log
from reconciler.model.effect import Ack
from reconciler.model.errors import Stalled
from reconciler.settings import Settings


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
