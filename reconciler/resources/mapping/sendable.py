"""Text that goes into a request target, a ``location`` or a ``host`` header as it stands.

Envoy 1.40 sends on whatever it is given, control characters in a request excepted, for which it answers 503 itself.
Upstreams answer 400 to such requests (https://www.rfc-editor.org/rfc/rfc9112#section-3.2), and a client may make of
such a location what it likes.
"""

import re

from reconciler.model.paths import escaped
from reconciler.model.problem import Code
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown

_INVISIBLE = re.compile(r"[^\x21-\x7e]")
# https://www.rfc-editor.org/rfc/rfc3986#section-3.2: a registered name or an address, and a port.
_HOST = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]+")


def check_target(fields: Fields, name: str, *, fragment: bool = False) -> bool:
    """Report a path, or what becomes a part of one, that HTTP does not allow.

    Args:
        fields: where the text is and findings go.
        name: of the field; absent is fine.
        fragment: whether a ``#`` may stand in it: in a ``location``, not in a request.

    Returns:
        Whether nothing was to be reported.
    """
    text = fields.text(name) or ""
    refused = _INVISIBLE.search(text) or (None if fragment else re.search("#", text))
    if refused is None:
        return True
    outcome = "and no URL may hold it" if fragment else "and the upstream answer 400"
    message = f"Envoy would send {refused[0]!r} as it stands, {outcome}"
    expected = escaped(text) if fragment else escaped(text).replace("#", "%23")
    fields.report(
        Code.INVALID_VALUE, message, name, expected=shown(expected), got=shown(text), hint="percent-encode it"
    )
    return False


def check_host(fields: Fields, name: str) -> None:
    """Report a text that no ``host`` header may be; absent is fine."""
    text = fields.text(name)
    if text is None or _HOST.fullmatch(text):
        return
    hint = ""
    if "/" in text:
        hint = "leave out scheme and path"
    elif not text.isascii():
        hint = "write an international name in its ASCII form (xn--…)"
    message = "no host header: the upstream would answer 400"
    fields.report(Code.INVALID_VALUE, message, name, expected="host[:port]", got=shown(text), hint=hint)
