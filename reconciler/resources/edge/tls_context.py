"""TLSContext: named TLS settings."""

from reconciler.model.match import HostMatch
from reconciler.model.problem import Code
from reconciler.model.resource import Origin
from reconciler.model.tls_context import TlsContextResource
from reconciler.resources.edge.hosts import GLOBS, InvalidHost, parse_host
from reconciler.resources.edge.tls_settings import read_tls_settings
from reconciler.resources.envelope import Envelope
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown


def read_tls_context(envelope: Envelope, origin: Origin, fields: Fields) -> TlsContextResource | None:
    """The TLSContext of a document."""
    return TlsContextResource(origin, read_hosts(fields), read_tls_settings(fields, envelope.namespace))


def read_hosts(fields: Fields) -> tuple[HostMatch, ...]:
    """The hosts whose clients the settings are for, sorted."""
    given = fields.values.get("hosts")
    found: set[HostMatch] = set()
    for text in given if isinstance(given, list) else ():
        if not isinstance(text, str):
            continue
        try:
            found.add(parse_host(text, globs=True))
        except InvalidHost as why:
            fields.report(Code.INVALID_VALUE, str(why), "hosts", expected=GLOBS, got=shown(text))
    return tuple(sorted(found))
