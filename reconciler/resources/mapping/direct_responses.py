"""``direct_response`` and ``maintenance`` of a MappingPolicy: what Envoy answers by itself."""

from reconciler.model.policy import DirectResponse
from reconciler.model.problem import Code
from reconciler.resources.fields import Fields
from reconciler.resources.patterns import has_control_characters

# RouteConfiguration.max_direct_response_body_size_bytes, where nobody sets it
MOST_BODY_BYTES = 4096
# https://www.rfc-editor.org/rfc/rfc9110#section-6.4.1
_BODILESS = frozenset({204, 205, 304})
_OK, _UNAVAILABLE = 200, 503


def read_direct_response(fields: Fields, name: str = "direct_response") -> DirectResponse | None:
    """The answer of a field; None when absent."""
    return _read(fields, name, _OK) if isinstance(fields.values.get(name), dict) else None


def read_maintenance(fields: Fields, name: str = "maintenance") -> DirectResponse | None:
    """The answer while there is maintenance; None when absent or not enabled. Its text is checked in any case."""
    if not isinstance(fields.values.get(name), dict):
        return None
    answer = _read(fields, name, _UNAVAILABLE, maintenance=True)
    return answer if fields.inside(name).flag("enabled") else None


def _read(fields: Fields, name: str, default: int, *, maintenance: bool = False) -> DirectResponse:
    inside = fields.inside(name)
    status, body = inside.integer("status") or default, inside.text("body") or ""
    size = len(body.encode())
    if size > MOST_BODY_BYTES:
        expected, got = f"at most {MOST_BODY_BYTES} bytes", f"{size} bytes"
        hint = "serve a longer page from a service"
        inside.report(
            Code.INVALID_VALUE, "the body is longer than Envoy takes", "body", expected=expected, got=got, hint=hint
        )
    if body and status in _BODILESS:
        inside.report(Code.FIELDS_CONTRADICT, f"an answer with status {status} has no body", "body")
    content_type = inside.text("content_type") or ""
    if has_control_characters(content_type):
        inside.report(Code.INVALID_VALUE, "it holds control characters, which no header may", "content_type")
    if content_type and not body:
        inside.ignored("content_type", "there is no body")
    return DirectResponse(status, body, content_type, inside.integer("retry_after_s"), maintenance=maintenance)
