"""Listener, as far as plain HTTP needs it."""

from reconciler.model.problem import Code
from reconciler.model.resource import ListenerResource, Origin, SecurityModel
from reconciler.resources.envelope import Envelope
from reconciler.resources.fields import Fields
from reconciler.resources.finding import nearest, shown
from reconciler.resources.host import read_selector

_PLAIN_HTTP = ["HTTP", "TCP"]
_PROTOCOLS = ("HTTP", "HTTPS", "HTTPPROXY", "HTTPSPROXY", "TCP", "TLS", "UDP")
_LAYERS = ("HTTP", "PROXY", "TLS", "TCP", "UDP")


def read_listener(envelope: Envelope, origin: Origin, fields: Fields) -> ListenerResource | None:
    """The Listener of a document; None when a part is missing, which was reported."""
    _check_protocol(fields)
    port, model = fields.integer("port"), fields.text("securityModel")
    binding = fields.inside("hostBinding")
    namespaces = _namespaces(binding, envelope.namespace)
    if "hostBinding" in fields.values and not binding.values.keys() & {"namespace", "selector"}:
        binding.report(Code.MISSING_FIELD, "namespace or selector must be given", expected="namespace: {from: ALL}")
    if port is None or model is None:
        return None
    return ListenerResource(
        origin,
        port,
        SecurityModel(model),
        namespaces,
        read_selector(binding, "selector"),
        trusted_hops=fields.integer("l7Depth") or 0,
    )


def _check_protocol(fields: Fields) -> None:
    protocol, stack = fields.text("protocol"), fields.values.get("protocolStack")
    if protocol is not None and stack is not None:
        fields.report(Code.FIELDS_CONTRADICT, "protocol and protocolStack exclude each other", "protocolStack")
    elif protocol is not None and protocol != "HTTP":
        _refuse_protocol(fields, "protocol", protocol, _PROTOCOLS)
    elif isinstance(stack, list) and stack != _PLAIN_HTTP:
        unknown = [layer for layer in stack if isinstance(layer, str) and layer not in _LAYERS]
        _refuse_protocol(fields, "protocolStack", unknown[0] if unknown else str(stack[0]), _LAYERS)
    elif not fields.given("protocol") and not fields.given("protocolStack"):
        expected = "protocol: HTTP"
        fields.report(Code.MISSING_FIELD, "protocol or protocolStack must be given", "protocol", expected=expected)


def _refuse_protocol(fields: Fields, name: str, word: str, known: tuple[str, ...]) -> None:
    if word in known:
        message = f"this {name} is known to the language but not supported yet; the document is not served"
        fields.report(Code.FIELD_UNSUPPORTED, message, name, expected="HTTP, or the stack [HTTP, TCP]")
        return
    close = nearest(word, known)
    hint = f"did you mean {close}?" if close else ""
    fields.report(Code.INVALID_VALUE, "no such protocol", name, expected=", ".join(known), got=shown(word), hint=hint)


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
