"""The path of a request as Envoy's routes see it.

Listeners set ``normalize_path``, so that no rule is walked around by another spelling of its path:
https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto
What Envoy 1.40 really does, which is less than RFC 3986, section 6.2.2, is followed here: slashes are not merged,
escapes keep their case, and only unreserved characters lose theirs. Segments such as ``..;x`` count as ``..``
(CVE fix of Envoy 1.39.1), if their dots are not escaped.
"""

import re
from urllib.parse import quote

_UNRESERVED = re.compile(r"%(2[dDeE]|3[0-9]|4[1-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aAeE])")
_ESCAPED = re.compile(r'["<>^`{|}]')
_STRAY = re.compile(r"%(?![0-9a-fA-F]{2})")
_MARK = "\0"
_NO_ESCAPE = re.compile(r"\0(?=[0-9a-fA-F]{2})")
_DOTS_WITH_PARAMETERS = re.compile(r"(?<=/)(\.\.?);[^/]*")
_DOT = re.compile(r"(?:\.|%2[eE])")
# https://www.rfc-editor.org/rfc/rfc9112#name-request-target: visible ASCII, and Envoy refuses a fragment.
_REFUSED = re.compile(r"[^\x21-\x7e]|#")
_INVISIBLE = re.compile(r"[^\x21-\x7e]+")
_ZERO = "%00"


def normalised(path: str) -> str | None:
    """The path that conditions are held against and upstreams are sent; None when Envoy answers 400.

    Args:
        path: as it was sent, without the query.
    """
    if not path.startswith("/") or _REFUSED.search(path):
        return None
    plain = _DOTS_WITH_PARAMETERS.sub(r"\1", path).replace("\\", "/")
    if _ZERO in plain:
        return None
    kept: list[str] = []
    dots = ""
    for segment in plain.split("/")[1:]:
        dots = _DOT.sub(".", segment)
        if dots == "..":
            del kept[-1:]
        elif dots != ".":
            kept.append(segment)
    if dots in {".", ".."}:
        kept.append("")  # a folder, not what lies in it
    return _ESCAPED.sub(_escape, _unescaped("/" + "/".join(kept)))


def impossible(path: str, *, whole: bool) -> str:
    """Why conditions never see this path, in words; empty when some request comes to be seen with it.

    Exact: whatever this lets pass is what `normalised` makes of some request.

    Args:
        path: begins with ``/`` and holds no query.
        whole: whether it is all of the path; otherwise it is the beginning of one.
    """
    segments = path.split("/")[1:] if whole else path.split("/")[1:-1]
    if refused := _REFUSED.search(path):
        return f"Envoy answers 400 to a path with {refused[0]!r}"
    if _ZERO in path:
        return f"Envoy answers 400 to {_ZERO}"
    if "\\" in path:
        return "Envoy turns \\ into / before it matches"
    if "." in segments or ".." in segments:
        return "Envoy resolves the segments . and .. before it matches"
    if escape := _UNRESERVED.search(path):
        return f"Envoy turns {escape[0]} into {_unescape(escape)} before it matches"
    if char := _ESCAPED.search(path):
        return f"Envoy turns {char[0]} into {_escape(char)} before it matches"
    return ""


def escaped(text: str) -> str:
    """A text with all that is not visible ASCII percent-encoded, as UTF-8."""
    return _INVISIBLE.sub(lambda found: quote(found[0], safe="", errors="replace"), text)


def _unescaped(path: str) -> str:
    """Unreserved characters without their escapes; a ``%`` that was none must not begin one after that."""
    plain = _UNRESERVED.sub(_unescape, _STRAY.sub(_MARK, path))
    return _NO_ESCAPE.sub("%25", plain).replace(_MARK, "%")


def _unescape(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16))


def _escape(char: re.Match[str]) -> str:
    return f"%{ord(char[0]):02X}"
