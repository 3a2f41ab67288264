"""TCPMapping: which connections go where, unread."""

from dataclasses import replace
from ipaddress import ip_address

from reconciler.model.ports import TcpMappingResource
from reconciler.model.problem import Code
from reconciler.model.resource import HostMatch, MatchKind, Origin, ServiceAddress
from reconciler.resources.edge.hosts import InvalidHost, parse_host
from reconciler.resources.envelope import Envelope
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown
from reconciler.resources.mapping.actions import read_service
from reconciler.resources.upstream.service import HTTPS_PORT, parse_authority
from reconciler.resources.upstream.upstreams import read_upstream

_GLOBS = "a host name, * or *.example.com"
_LONGEST = 10  # digits; a hundred days


def read_tcp_mapping(envelope: Envelope, origin: Origin, fields: Fields) -> TcpMappingResource | None:
    """The TCPMapping of a document; None when a part is missing, which was reported."""
    port, service = fields.integer("port"), _service(fields, envelope.namespace)
    host, address, idle, talks = _host(fields), _address(fields), _idle_timeout(fields), read_upstream(fields)
    if port is None or service is None:
        return None
    return TcpMappingResource(
        origin,
        port,
        service,
        address=address,
        host=host,
        weight=fields.integer("weight"),
        idle_timeout_ms=idle,
        upstream=talks.upstream,
        tls_context=fields.text("tls") or "",
        resolver=talks.resolver,
    )


def _service(fields: Fields, namespace: str) -> ServiceAddress | None:
    """The upstream, with TLS where ``tls`` asks for it."""
    service = read_service(fields, namespace)
    if service is None or service.tls or not fields.values.get("tls"):
        return service
    written = parse_authority(fields.text("service") or "")
    return replace(service, port=service.port if written.port else HTTPS_PORT, tls=True)


def _host(fields: Fields) -> HostMatch | None:
    text = fields.text("host")
    if not text:
        return None
    try:
        host = parse_host(text, globs=True)
    except InvalidHost as why:
        fields.report(Code.INVALID_VALUE, str(why), "host", expected=_GLOBS, got=shown(text))
        return None
    if host.kind is MatchKind.PREFIX:
        message = "Envoy cannot tell TLS connections by the beginning of a host name"
        fields.report(Code.INVALID_VALUE, message, "host", expected=_GLOBS, got=shown(text))
        return None
    return host


def _address(fields: Fields) -> str:
    text = fields.text("address") or ""
    try:
        return str(ip_address(text)) if text else ""
    except ValueError:
        fields.report(Code.INVALID_VALUE, "not an IP address", "address", expected="an IP address", got=shown(text))
        return ""


def _idle_timeout(fields: Fields) -> int | None:
    """Milliseconds; the language writes them as a string."""
    text = fields.text("idle_timeout_ms")
    number = fields.integer("idle_timeout_ms")
    if text is not None and text.isascii() and text.isdecimal() and len(text) <= _LONGEST:
        return int(text)
    if text is not None or (number is not None and not 0 <= number < 10**_LONGEST):
        expected, got = "milliseconds, 0 or more", shown(text if text is not None else number)
        fields.report(Code.INVALID_VALUE, "not a duration", "idle_timeout_ms", expected=expected, got=got)
        return None
    return number
