"""What the conditions of a Mapping may match, held against an owned host or prefix.

Of regular expressions less is known than they mean: where it can't be told, ``may`` says yes and ``within`` no.
"""

import re

from reconciler.model.match import HostMatch, MatchKind, PathMatch
from reconciler.model.ownership import WHOLE
from reconciler.model.regex import full_match, literal_head, may_begin_with

_PIECES = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)
_LITERAL = re.compile(r"[A-Za-z0-9_-]|\\[^A-Za-z0-9]")


def host_may_be(asked: HostMatch, owned: HostMatch) -> bool:
    """Whether some host is both asked for and owned.

    A regular expression is held against the host with its port as well, so one that may end in digits may match the
    port of any host.
    """
    if asked.kind is not MatchKind.REGEX or owned.kind is MatchKind.ANY:
        return asked.overlaps(owned)
    tail = literal_tail(asked.value)
    if not tail or tail[-1].isdigit():
        return True
    if owned.kind is MatchKind.EXACT:
        return full_match(asked.regex, owned.value)
    return tail.endswith(owned.value) or owned.value.endswith(tail)


def host_within(asked: HostMatch, owned: HostMatch) -> bool:
    """Whether every host that is asked for is owned."""
    if asked.kind is not MatchKind.REGEX or owned.kind is not MatchKind.SUFFIX:
        return owned.covers(asked)
    tail = literal_tail(asked.value)
    ends = bool(tail) and not tail[-1].isdigit() and tail.endswith(owned.value)
    return ends and not full_match(asked.regex, owned.value)  # the star of a suffix is at least one character


def path_may_be(asked: PathMatch, prefix: str) -> bool:
    """Whether some path is both asked for and below an owned prefix."""
    if asked.kind is MatchKind.REGEX:
        return prefix == WHOLE or may_begin_with(_cased(asked), prefix)
    value, owned = (asked.value, prefix) if asked.case_sensitive else (asked.value.lower(), prefix.lower())
    return value.startswith(owned) or (asked.kind is MatchKind.PREFIX and owned.startswith(value))


def path_within(asked: PathMatch, prefix: str) -> bool:
    """Whether every path that is asked for is below an owned prefix."""
    if prefix == WHOLE:
        return True  # all paths begin with it
    if asked.kind is MatchKind.REGEX:
        return literal_head(_cased(asked)).startswith(prefix)
    if asked.case_sensitive:
        return asked.value.startswith(prefix)
    return asked.value.lower().startswith(prefix) and prefix.lower() == prefix.upper()


def literal_tail(pattern: str) -> str:
    """A text that everything a pattern for hosts matches ends with, in lower case; often empty."""
    if "\\Q" in pattern:
        return ""
    tail, depth = "", 0
    for piece in _PIECES.findall(pattern):
        depth += (piece == "(") - (piece == ")")
        if depth < 0 or (piece == "|" and depth == 0):
            return ""
        tail = tail + piece[-1] if depth == 0 and _LITERAL.fullmatch(piece) else ""
    return tail.lower() if depth == 0 else ""


def _cased(asked: PathMatch) -> str:
    return asked.value if asked.case_sensitive else f"(?i){asked.value}"
