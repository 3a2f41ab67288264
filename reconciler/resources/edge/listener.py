"""Listener: a port, what it speaks, and which Hosts it serves."""

from dataclasses import replace
from types import MappingProxyType

from reconciler.model.ports import PLAIN_HTTP, RAW_TCP, Stack
from reconciler.model.problem import Code
from reconciler.model.resource import ListenerResource, Origin, SecurityModel
from reconciler.resources.edge.host import read_selector
from reconciler.resources.envelope import Envelope
from reconciler.resources.fields import Fields
from reconciler.resources.finding import nearest, shown

_PROTOCOLS = MappingProxyType(
    {
        "HTTP": PLAIN_HTTP,
        "HTTPS": Stack(tls=True),
        "HTTPPROXY": Stack(proxy=True),
        "HTTPSPROXY": Stack(tls=True, proxy=True),
        "TCP": RAW_TCP,
        "TLS": replace(RAW_TCP, tls=True),
    }
)
_LAYERS = ("HTTP", "PROXY", "TLS", "TCP", "UDP")
_TRANSPORTS = ("TCP", "UDP")


def read_listener(envelope: Envelope, origin: Origin, fields: Fields) -> ListenerResource | None:
    """The Listener of a document; None when a part is missing, which was reported."""
    stack = _stack(fields)
    port, model = fields.integer("port"), fields.text("securityModel")
    binding = fields.inside("hostBinding")
    namespaces = _namespaces(binding, envelope.namespace)
    if "hostBinding" in fields.values and not binding.values.keys() & {"namespace", "selector"}:
        binding.report(Code.MISSING_FIELD, "namespace or selector must be given", expected="namespace: {from: ALL}")
    if stack is None or port is None or model is None:
        return None
    if not stack.http:
        _report_http_only(fields)
    return ListenerResource(
        origin,
        port,
        SecurityModel(model),
        namespaces,
        read_selector(binding, "selector"),
        trusted_hops=fields.integer("l7Depth") or 0,
        stack=stack,
        stats_prefix=fields.text("statsPrefix") or "",
        max_streams=fields.integer("http2MaxConcurrentStreams"),
    )


def _stack(fields: Fields) -> Stack | None:
    """What the port speaks; None when it was reported."""
    protocol, layers = fields.text("protocol"), fields.values.get("protocolStack")
    if protocol is not None and layers is not None:
        fields.report(Code.FIELDS_CONTRADICT, "protocol and protocolStack exclude each other", "protocolStack")
        return None
    if isinstance(layers, list):
        return _of_layers(fields, [layer for layer in layers if isinstance(layer, str)])
    if protocol is None:
        if not fields.given("protocol") and not fields.given("protocolStack"):
            expected = "protocol: HTTPS"
            fields.report(Code.MISSING_FIELD, "protocol or protocolStack must be given", "protocol", expected=expected)
        return None
    if protocol == "UDP":
        _report_stack(fields, "protocol", "UDP alone carries nothing; HTTP/3 is protocolStack [TLS, HTTP, UDP]")
    elif protocol not in _PROTOCOLS:
        _report_unknown(fields, "protocol", protocol, tuple(_PROTOCOLS))
    return _PROTOCOLS.get(protocol)


def _of_layers(fields: Fields, layers: list[str]) -> Stack | None:
    """The layers are a set, but for the last: PROXY comes before TLS on the wire, wherever it is written."""
    unknown = [layer for layer in layers if layer not in _LAYERS]
    if unknown:
        _report_unknown(fields, "protocolStack", unknown[0], _LAYERS)
    elif len(set(layers)) < len(layers):
        _report_stack(fields, "protocolStack", "a protocol stands in it twice")
    elif not layers or layers[-1] not in _TRANSPORTS or set(_TRANSPORTS) <= set(layers):
        _report_stack(fields, "protocolStack", "it must end in TCP or UDP, and have one of them")
    elif "UDP" in layers and "HTTP" not in layers:
        _report_stack(fields, "protocolStack", "UDP carries nothing but HTTP/3")
    elif "UDP" in layers and "PROXY" in layers:
        _report_stack(fields, "protocolStack", "there is no PROXY protocol for HTTP/3")
    else:
        udp = "UDP" in layers
        return Stack(http="HTTP" in layers, tls=udp or "TLS" in layers, proxy="PROXY" in layers, udp=udp)
    return None


def _report_stack(fields: Fields, name: str, message: str) -> None:
    expected = "such as [TLS, HTTP, TCP], [TLS, TCP] or [TLS, HTTP, UDP]"
    fields.report(Code.INVALID_VALUE, message, name, expected=expected, got=shown(fields.values.get(name)))


def _report_unknown(fields: Fields, name: str, word: str, known: tuple[str, ...]) -> None:
    close = nearest(word, known)
    hint = f"did you mean {close}?" if close else ""
    fields.report(Code.INVALID_VALUE, "no such protocol", name, expected=", ".join(known), got=shown(word), hint=hint)


def _report_http_only(fields: Fields) -> None:
    for name in ("l7Depth", "http2MaxConcurrentStreams"):
        if fields.values.get(name):
            fields.ignored(name, "the port does not speak HTTP")


def _namespaces(binding: Fields, own: str) -> tuple[str, ...] | None:
    """Without ``namespace`` a selector looks at the Listener's own namespace only, as with the peer."""
    origin = binding.inside("namespace").text("from")
    match origin:
        case "ALL":
            return None
        case None | "SELF":
            return (own,)
        case "SELECTOR":
            message = "from: SELECTOR is known to the language but not supported yet; the document is not served"
            binding.report(Code.FIELD_UNSUPPORTED, message, "namespace", "from", expected="SELF or ALL")
        case _:
            binding.report(
                Code.INVALID_VALUE, "no such choice", "namespace", "from", expected="SELF or ALL", got=shown(origin)
            )
    return (own,)
