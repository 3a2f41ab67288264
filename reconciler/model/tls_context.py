"""TLSContext: named TLS settings, for the clients of some hosts or for upstreams."""

from dataclasses import dataclass

from reconciler.model.match import HostMatch
from reconciler.model.origin import Origin
from reconciler.model.tls import TlsSettings


@dataclass(frozen=True, slots=True)
class TlsContextResource:
    """One TLSContext.

    Attributes:
        hosts: whose clients it ends TLS for, sorted; without any it is only referred to by name.
    """

    origin: Origin
    hosts: tuple[HostMatch, ...]
    settings: TlsSettings
