"""Whether a document that gave no resource was one that guards every request."""

import re

from reconciler.model.origin import Kind, ResourceId
from reconciler.resources.kinds import likely_kind
from reconciler.resources.unit import Unit

_GUARDS = frozenset({Kind.AUTH_SERVICE, Kind.HOST, Kind.OWNERSHIP, Kind.RATE_LIMIT_SERVICE})
_SAYS_KIND = re.compile(rf"\bkind\b[\"']?\s*[:=]\s*[\"']?({'|'.join(sorted(_GUARDS))})\b")
_MAY_TURN_AWAY = re.compile(rf"\bkind\b[\"']?\s*[:=]\s*[\"']?({Kind.MODULE}|{Kind.TLS_CONTEXT})\b")
_TURNS_AWAY = re.compile(r"\b(?:ip_allow|ip_deny|lua_scripts|cert_?[rR]equired)\b")


def guard_meant(unit: Unit, identity: ResourceId | None, text: str = "") -> Kind | None:
    """The kind of guard a broken document was to be, as far as its words tell; None for none.

    Args:
        unit: the document.
        identity: whose it is, where that is known.
        text: of the file, where there is no document.
    """
    kind = identity.kind if identity else likely_kind(unit.value) if isinstance(unit.value, dict) else None
    if kind in _GUARDS:
        return kind
    text = text or unit.place.text or repr(unit.value)
    if kind in (Kind.MODULE, Kind.TLS_CONTEXT):
        return kind if _TURNS_AWAY.search(text) else None
    if kind is not None or isinstance(unit.value, dict):
        return None
    said = _SAYS_KIND.search(text)
    if said is None and _TURNS_AWAY.search(text):
        said = _MAY_TURN_AWAY.search(text)
    return Kind(said[1]) if said else None
