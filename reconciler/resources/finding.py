"""What a reader notes before the place is known: a Problem without its provenance."""

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from reconciler.model.digest import Json
from reconciler.model.problem import Code, Problem, Severity, rank
from reconciler.model.provenance import AnyTouch, Provenance

Path: TypeAlias = tuple[str | int, ...]

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of a document.

    Attributes:
        path: where, from the root of the document.
        line: line of the text of the document, from 1, where the path cannot tell it; 0 otherwise.
        related_line: a second such line, for a finding about two places; 0 otherwise.
    """

    code: Code
    message: str
    path: Path = ()
    severity: Severity = Severity.ERROR
    expected: str = ""
    got: str = ""
    hint: str = ""
    line: int = 0
    related_line: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document stands.

    Attributes:
        line: line in the file of its first key, from 1; 0 for the file as a whole.
        text: the YAML text to look lines up in; empty when every finding is reported at ``line``.
        offset: lines of the file before that text.
        root: path of the document inside that text (an item of a list).
        lines: lines of the paths of ``text``, where they are known already.
    """

    path: str
    line: int = 0
    touch: AnyTouch | None = None
    text: str = ""
    offset: int = 0
    root: Path = ()
    lines: dict[Path, int] | None = None

    @property
    def provenance(self) -> Provenance:
        """The place of the document as a whole."""
        return Provenance(self.path, self.line, self.touch)

    def at(self, finding: Finding, lines: dict[Path, int]) -> Provenance:
        """The place of a finding, given the lines of the paths of ``text``."""
        if not self.text:
            return self.provenance
        line = finding.line or line_of((*self.root, *finding.path), lines)
        return Provenance(self.path, line + self.offset if line else self.line, self.touch)

    def problems(self, findings: Iterable[Finding], lines: dict[Path, int], resource: str = "") -> list[Problem]:
        """The findings as Problems, best first."""
        return sorted((self._problem(f, lines, resource) for f in findings), key=rank)

    def _problem(self, finding: Finding, lines: dict[Path, int], resource: str) -> Problem:
        at = self.at(finding, lines)
        other = finding.related_line + self.offset if self.text else self.line
        return Problem(
            finding.code,
            finding.severity,
            finding.message,
            at,
            field=dotted(finding.path),
            expected=finding.expected,
            got=finding.got,
            hint=finding.hint,
            resource=resource,
            related=(replace(at, line=other),) if finding.related_line else (),
        )


def line_of(path: Path, lines: dict[Path, int]) -> int:
    """The line of a path, or of the nearest part of it that has one; 0 if none has."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 0)


def dotted(path: Path) -> str:
    """``spec.headers.x-user`` or ``spec.hosts[2]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The known word that looks most like ``word``, compared without case; empty if none does."""
    folded = {k.lower(): k for k in known}
    close = difflib.get_close_matches(word[:100].lower(), folded, n=1, cutoff=cutoff)
    return folded[close[0]] if close else ""


def shown(value: Json) -> str:
    """A value for a message: its JSON, on one line, shortened; containers by their type only."""
    if isinstance(value, dict | list):
        return type_words(value)
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def type_words(value: Json) -> str:
    """What people call the type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "a mapping"
