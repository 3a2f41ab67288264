"""``cors``: which sites' scripts may read the answers.

https://fetch.spec.whatwg.org/#http-cors-protocol
"""

import re
from collections.abc import Iterator

from reconciler.model.digest import Json
from reconciler.model.match import MatchKind, StringMatch
from reconciler.model.policy import Cors
from reconciler.model.problem import Code, Severity
from reconciler.model.regex import full_match
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown
from reconciler.resources.patterns import check_pattern, is_token

_ANY = "*"
# A sandboxed frame or a local file: any site can send it.
_OPAQUE = "null"
# As browsers serialise it: lower case, without a path, https://html.spec.whatwg.org/#ascii-serialisation-of-an-origin
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://[^/?#@\s*A-Z]+")
# Origins that no pattern for certain sites matches.
_STRANGERS = ("https://stranger.invalid", "https://stranger-invalid.com", _OPAQUE)
_USUAL_PORTS = {"http": ":80", "https": ":443"}


def read_cors(fields: Fields, name: str = "cors") -> Cors | None:
    """The cross-origin policy of a field; None when absent."""
    given = fields.values.get(name)
    if not isinstance(given, dict):
        return None
    inside = fields.inside(name)
    credentials = inside.values.get("credentials")
    cors = Cors(
        origins=tuple(sorted({*_read_origins(inside), *_read_patterns(inside)})),
        methods=_read_tokens(inside, "methods"),
        headers=_read_tokens(inside, "headers"),
        exposed_headers=_read_tokens(inside, "exposed_headers"),
        credentials=credentials if isinstance(credentials, bool) else None,
        max_age=_read_max_age(inside),
    )
    if not cors.origins and not inside.given("origins") and not inside.given("origin_regexes"):
        fields.ignored(name, "it names no origins, so that no site is let in")
    return cors


def _read_origins(inside: Fields) -> tuple[StringMatch, ...]:
    origins: dict[str, StringMatch] = {}
    for part, origin in _listed(inside.values.get("origins")):
        _check_origin(inside, origin, part)
        origins[origin] = StringMatch(MatchKind.ANY) if origin == _ANY else StringMatch(MatchKind.EXACT, origin)
    for everyone in origins.keys() & {_ANY, _OPAQUE} if inside.flag("credentials") else ():
        message = (
            f"the origin {shown(everyone)} with credentials: every site can act and read as the user who visits it"
        )
        hint = "name the origins that may, or leave credentials out"
        inside.report(Code.OPEN_CORS, message, "origins", severity=Severity.WARNING, hint=hint)
    return tuple(sorted(origins.values()))


def _read_patterns(inside: Fields) -> tuple[StringMatch, ...]:
    """The patterns of a MappingPolicy; each must match a whole origin."""
    patterns = dict(_listed(inside.values.get("origin_regexes")))
    for part, pattern in patterns.items():
        right = check_pattern(pattern, inside, "origin_regexes", *part) >= 0
        open_to = [origin for origin in _STRANGERS if right and full_match(pattern, origin)]
        if open_to and inside.flag("credentials"):
            message = f"it lets {open_to[0]} in, with credentials: any site can act and read as its visitor"
            hint = "begin with https:// and end with a name of your own, its dots escaped"
            inside.report(Code.OPEN_CORS, message, "origin_regexes", *part, severity=Severity.WARNING, hint=hint)
    return tuple(StringMatch(MatchKind.REGEX, pattern) for pattern in patterns.values())


def _check_origin(inside: Fields, origin: str, part: tuple[int, ...]) -> None:
    """Warn of an origin that no browser sends: it lets nobody in."""
    if origin in {_ANY, _OPAQUE}:
        return
    form = _ORIGIN.fullmatch(origin)
    if form is not None and not origin.endswith(_USUAL_PORTS.get(form[1], "/")):
        return
    hint = "origins are compared as they stand; only * by itself stands for others" if _ANY in origin else ""
    if form is not None:
        hint = "browsers leave out the usual port"
    inside.report(
        Code.INVALID_VALUE,
        "no browser sends such an origin, so that it lets nobody in",
        "origins",
        *part,
        severity=Severity.WARNING,
        expected="scheme://host[:port] in lower case, null or *",
        got=shown(origin),
        hint=hint,
    )


def _read_tokens(inside: Fields, name: str) -> tuple[str, ...]:
    """Names of methods or headers, or ``*``, in the order written, each once."""
    found = dict.fromkeys(token for _, token in _listed(inside.values.get(name)))
    for part, token in _listed(inside.values.get(name)):
        if not is_token(token):
            inside.report(Code.INVALID_VALUE, f"not a name {name} can hold", name, *part, got=shown(token))
    return tuple(found)


def _read_max_age(inside: Fields) -> str:
    given = inside.values.get("max_age")
    if given is None:
        return ""
    text = str(given).strip()
    if not (text.isascii() and text.isdecimal()):
        expected = 'whole seconds, as in "86400"'
        inside.report(Code.INVALID_VALUE, "not a number of seconds", "max_age", expected=expected, got=shown(given))
        return ""
    return text


def _listed(value: Json) -> Iterator[tuple[tuple[int, ...], str]]:
    """The texts of a list or of one text with commas, each with where it stands; empty ones are left out."""
    if isinstance(value, str):
        yield from (((), item) for item in map(str.strip, value.split(",")) if item)
    elif isinstance(value, list):
        yield from (((at,), item.strip()) for at, item in enumerate(value) if isinstance(item, str) and item.strip())
