"""The ``tls`` Module: what TLSContexts were before there were any."""

from dataclasses import dataclass

from reconciler.model.origin import Origin
from reconciler.model.tls import TlsSettings


@dataclass(frozen=True, slots=True)
class TlsModuleResource:
    """The ``tls`` Module.

    Attributes:
        server: how TLS ends for the clients of all hosts; None when it does not say.
        named: its other blocks by name, sorted: Mappings can name them as they name a TLSContext.
    """

    origin: Origin
    server: TlsSettings | None = None
    named: tuple[tuple[str, TlsSettings], ...] = ()
