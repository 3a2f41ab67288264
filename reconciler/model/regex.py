r"""RE2, the engine Envoy itself uses, with Envoy's own meaning of a match and of a substitution."""

from collections.abc import Callable
from functools import lru_cache
from typing import Protocol, TypeAlias

import re2


class Match(Protocol):
    """The little that is used of one match; group 0 is the whole of it."""

    def start(self) -> int:
        """Where it begins."""

    def end(self) -> int:
        """Where it ends."""

    def group(self, number: int) -> str | None:
        """What a group caught; None when it took no part."""


class Pattern(Protocol):
    """A compiled pattern, as google-re2 gives it."""

    groups: int

    def fullmatch(self, text: str) -> Match | None:
        """The match of the whole text."""

    def search(self, text: str, pos: int) -> Match | None:
        """The leftmost match from ``pos`` on."""

    def possiblematchrange(self, maxlen: int) -> tuple[bytes, bytes]:
        """Two texts of about so many bytes between which every match sorts; raises when there are none."""


_Piece: TypeAlias = str | int

_LONGEST_HEAD = 256  # bytes


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> Pattern | None:
    """The compiled pattern, or None when RE2 refuses it. Keeps the last 4096: the engine's compile is the slow part."""
    options = re2.Options()
    options.log_errors = False
    compile_pattern: Callable[[str, re2.Options], Pattern] = re2.compile
    try:
        return compile_pattern(pattern, options)
    except re2.error:
        return None


def full_match(pattern: str, text: str) -> bool:
    """Whether ``pattern`` matches all of ``text``: Envoy's ``safe_regex``. A pattern RE2 refuses matches nothing."""
    regex = compiled(pattern)
    return regex is not None and regex.fullmatch(text) is not None


def literal_head(pattern: str) -> str:
    """A text that everything `full_match` matches begins with, as long as the engine can tell; often empty.

    Texts that sort between two others begin with what those two have in common.
    """
    regex = compiled(pattern)
    if regex is None:
        return ""
    try:
        first, last = regex.possiblematchrange(_LONGEST_HEAD)
    except re2.error:
        return ""
    length = next(
        (at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last))
    )
    head = first[:length]
    try:
        return head.decode()
    except UnicodeDecodeError as cut:  # within a character
        return head[: cut.start].decode()


def may_begin_with(pattern: str, beginning: str) -> bool:
    """Whether something that `full_match` matches may begin with a text; False only where nothing does."""
    regex = compiled(pattern)
    if regex is None:
        return False
    try:
        first, last = regex.possiblematchrange(_LONGEST_HEAD)
    except re2.error:
        return True
    wanted = beginning.encode()
    return wanted <= last and (first <= wanted or first.startswith(wanted))


def replace_all(pattern: str, substitution: str, text: str) -> str:
    r"""``text`` with every match replaced: Envoy's ``regex_rewrite``, that is RE2's ``GlobalReplace``.

    In ``substitution`` ``\0`` to ``\9`` stand for groups and ``\\`` for a backslash. As in Envoy, a substitution that
    names a group the pattern does not have changes nothing. An empty match right after another match is skipped.
    """
    regex = compiled(pattern)
    pieces = _pieces(substitution)
    if regex is None or pieces is None or any(isinstance(p, int) and p > regex.groups for p in pieces):
        return text
    out: list[str] = []
    at, last_end = 0, -1
    while at <= len(text):
        match = regex.search(text, at)
        if match is None:
            break
        start, end = match.start(), match.end()
        out.append(text[at:start])
        if start == end == last_end:
            out.append(text[at : at + 1])
            at, last_end = at + 1, -1
            continue
        out.extend(p if isinstance(p, str) else match.group(p) or "" for p in pieces)
        at = last_end = end
    out.append(text[at:])
    return "".join(out)


def _pieces(substitution: str) -> tuple[_Piece, ...] | None:
    r"""Literal text and group numbers, or None when a ``\`` is followed by anything but a digit or ``\``."""
    pieces: list[_Piece] = []
    rest = iter(substitution)
    for char in rest:
        if char != "\\":
            pieces.append(char)
            continue
        after = next(rest, "")
        if after in "0123456789" and after:
            pieces.append(int(after))
        elif after == "\\":
            pieces.append(after)
        else:
            return None
    return tuple(pieces)
