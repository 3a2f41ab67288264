"""The three kinds of resolver: who knows the endpoints of a service."""

from reconciler.model.origin import Kind, Origin
from reconciler.model.problem import Code
from reconciler.model.upstream import Discovery
from reconciler.model.upstream_resources import ResolverResource
from reconciler.resources.envelope import Envelope
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown
from reconciler.resources.upstream.service import InvalidService, parse_authority

_DISCOVERY = {
    Kind.KUBERNETES_SERVICE_RESOLVER: Discovery.DNS,
    Kind.KUBERNETES_ENDPOINT_RESOLVER: Discovery.KUBERNETES,
    Kind.CONSUL_RESOLVER: Discovery.CONSUL,
}


def read_resolver(envelope: Envelope, origin: Origin, fields: Fields) -> ResolverResource:
    """The resolver of a document."""
    address = fields.text("address") or ""
    if address and not _reachable(address):
        expected = "[http(s)://]host[:port]"
        fields.report(
            Code.INVALID_VALUE, "not an address", "address", expected=expected, got=_without_password(address)
        )
    return ResolverResource(origin, _DISCOVERY[envelope.kind], address, fields.text("datacenter") or "")


def _reachable(address: str) -> bool:
    try:
        parse_authority(address)
    except InvalidService:
        return False
    return True


def _without_password(address: str) -> str:
    return "" if "@" in address else shown(address)
