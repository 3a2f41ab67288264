"""Typed access to the fields of one document, and a place for what is found on the way."""

from dataclasses import dataclass
from typing import Any

from reconciler.model.limits import Limits
from reconciler.model.problem import Code, Severity
from reconciler.resources.finding import Finding, Path
from reconciler.resources.kinds import Document


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a document or of one mapping inside it.

    A field that is absent or was rejected by the schema reads as its default: the schema has reported it, and
    the other fields can still be looked at.

    Attributes:
        values: the fields without those rejected.
        path: theirs in the document.
        limits: bounds on patterns.
        found: where findings go.
        rejected: names of fields the schema rejected.
    """

    values: Document
    path: Path
    limits: Limits
    found: list[Finding]
    rejected: frozenset[str] = frozenset()

    def given(self, name: str) -> bool:
        """Whether a field was written at all, rightly or not."""
        return name in self.values or name in self.rejected

    def text(self, name: str) -> str | None:
        """A string, None when absent."""
        value = self.values.get(name)
        return value if isinstance(value, str) else None

    def integer(self, name: str) -> int | None:
        """An integer, None when absent."""
        value = self.values.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean."""
        value = self.values.get(name)
        return value if isinstance(value, bool) else default

    def inside(self, name: str) -> "Fields":
        """The fields of a mapping; none when absent."""
        value = self.values.get(name)
        return Fields(value if isinstance(value, dict) else {}, (*self.path, name), self.limits, self.found)

    def each(self, name: str) -> "list[Fields]":
        """The fields of every mapping in a list; none when absent."""
        value = self.values.get(name)
        items = enumerate(value) if isinstance(value, list) else ()
        return [
            Fields(item, (*self.path, name, at), self.limits, self.found)
            for at, item in items
            if isinstance(item, dict)
        ]

    def report(
        self, code: Code, message: str, *parts: str | int, severity: Severity = Severity.ERROR, **more: Any
    ) -> None:
        """Note a finding at a field; ``more`` are the other fields of a Finding."""
        self.found.append(Finding(code, message, path=(*self.path, *parts), severity=severity, **more))

    def ignored(self, name: str, why: str, hint: str = "") -> None:
        """Warn that a field has no effect."""
        self.report(Code.FIELD_IGNORED, f"{name} has no effect: {why}", name, severity=Severity.WARNING, hint=hint)
