"""The bytes of a file → the texts of its YAML documents, so that a broken one does not take its neighbours along.

A line that begins with ``---`` or ``...`` bounds a document wherever it stands: YAML allows neither inside
a scalar (YAML 1.1, 9.1.1 and 9.1.2). Documents of nothing but comments and white space are left out, here
and therefore everywhere.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

_MARKER = re.compile(r"(?:---|\.\.\.)(?![^ \t\r\n])")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_ODD_BREAK = re.compile("[\x85\u2028\u2029]")
_BLANK = r"(?:[ \t\r\n]+|(?<!\S)#[^\r\n]*)"
_DIRECTIVE = r"(?<![^\r\n])%[^\r\n]*"
_PREAMBLE = re.compile(rf"(?:{_BLANK}|{_DIRECTIVE})*+")
_EMPTY = re.compile(rf"(?:{_BLANK}|{_DIRECTIVE})*+(?:(?<![^\r\n])---(?![^ \t\r\n]){_BLANK}*+)?")


@dataclass(frozen=True, slots=True)
class Chunk:
    """The text of one document; ``offset`` is the number of lines before it."""

    text: str
    offset: int


def decode(content: bytes) -> str:
    """The text of a file; a byte order mark is dropped.

    Raises:
        UnicodeDecodeError: it is not UTF-8.
    """
    return content.decode("utf-8-sig")


def split(text: str) -> list[Chunk]:
    """The documents of a text, in order."""
    chunks: list[Chunk] = []
    start = offset = 0
    marked = False  # whether the chunk under way began with its own ---
    for match in _MARKER.finditer(text):
        at = match.start()
        if at and text[at - 1] not in "\r\n":
            continue
        opens = text[at] == "-"
        if opens and not marked and _is_all(_PREAMBLE, text[start:at]):
            marked = True  # comments and directives belong to the document they precede
            continue
        _emit(chunks, text[start:at], offset)
        following = at if opens else match.end()
        offset += _line_breaks(text[start:following])
        start, marked = following, opens
    _emit(chunks, text[start:], offset)
    return chunks


def _emit(chunks: list[Chunk], text: str, offset: int) -> None:
    if not _is_all(_EMPTY, text):
        chunks.append(Chunk(text, offset))


def _is_all(pattern: re.Pattern[str], text: str) -> bool:
    match = pattern.match(text)
    return match is not None and match.end() == len(text)


class LineCount:
    """Lines of a text as editors count them: libyaml breaks lines at U+0085, U+2028 and U+2029 as well."""

    def __init__(self, text: str) -> None:
        odd = _ODD_BREAK.search(text) is not None
        self._breaks = [match.end() for match in _LINE_BREAK.finditer(text)] if odd else None
        self._text = text

    def at(self, mark: Any) -> int:
        """The line, from 1, of a mark of libyaml's (``line`` and ``index`` count from 0, in characters)."""
        return int(mark.line) + 1 if self._breaks is None else bisect_right(self._breaks, mark.index) + 1

    def at_error(self, mark: Any) -> int:
        """The same for a mark that may stand behind the end, where libyaml counts a line more."""
        return min(self.at(mark), _line_breaks(self._text.rstrip("\r\n")) + 1)


def _line_breaks(text: str) -> int:
    return len(_LINE_BREAK.findall(text)) if "\r" in text else text.count("\n")
