"""Where a service that requests are shown to is: its address, its TLS, and limits on its use."""

from reconciler.model.problem import Code
from reconciler.model.services import Backend
from reconciler.model.upstream import Upstream
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown
from reconciler.resources.patterns import is_token
from reconciler.resources.refused import check_service
from reconciler.resources.upstream.circuit_breakers import read_circuit_breakers
from reconciler.resources.upstream.service import InvalidService, parse_service

_HTTPS = "https://"
_CLEAR = "http://"


def read_backend(fields: Fields, name: str, namespace: str, *, grpc: bool) -> Backend | None:
    """The service a field names; None when it was reported.

    ``tls`` speaks for TLS whatever scheme is written, as in the language's other implementation.

    Args:
        fields: of the document.
        name: of the field.
        namespace: of the document, where a name without a dot is looked up.
        grpc: whether it is spoken to over HTTP/2.
    """
    text = fields.text(name)
    if text is None:
        return None
    tls = fields.values.get("tls")
    written = text
    if tls and not text.lower().startswith(_HTTPS):
        written = _HTTPS + (text[len(_CLEAR) :] if text.lower().startswith(_CLEAR) else text)
    try:
        address = parse_service(written, namespace)
    except InvalidService as why:
        expected = "[http(s)://]name[.namespace][:port]"
        got = "" if "@" in text else shown(text)
        fields.report(Code.INVALID_SERVICE, str(why), name, expected=expected, got=got)
        return None
    check_service(fields, address, name)
    upstream = Upstream(
        http2=grpc or None,
        circuit_breakers=read_circuit_breakers(fields) if "circuit_breakers" in fields.values else (),
        stat_name=fields.text("stats_name") or "",
    )
    return Backend(address, upstream, tls if isinstance(tls, str) else "")


def check_version(fields: Fields) -> None:
    """Report a version of Envoy's protocol that Envoy no longer speaks."""
    version = fields.text("protocol_version")
    if version not in (None, "v3"):
        message = "Envoy speaks only version 3 of this protocol; every request would fail"
        hint = "leave it out once the service speaks v3"
        fields.report(Code.INVALID_VALUE, message, "protocol_version", expected="v3", got=shown(version), hint=hint)


def header_names(fields: Fields, name: str) -> tuple[str, ...]:
    """A list of header names, in lower case, sorted, each once."""
    given = fields.values.get(name)
    found = [one for one in given if isinstance(one, str)] if isinstance(given, list) else []
    for one in found:
        check_header_name(fields, one, name)
    return tuple(sorted({one.lower() for one in found}))


def check_header_name(fields: Fields, text: str, *parts: str) -> None:
    """Report what can't be the name of a header; ``:path`` and the like can."""
    if not is_token(text.removeprefix(":")):
        fields.report(Code.INVALID_VALUE, "not the name of a header", *parts, got=shown(text))
