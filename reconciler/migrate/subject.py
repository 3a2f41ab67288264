"""The document that the rules look at."""

from dataclasses import dataclass

from reconciler.model.digest import Json
from reconciler.resources.finding import Path


@dataclass(frozen=True, slots=True)
class Subject:
    """A document of the language.

    Attributes:
        kind: as written.
        version: of the spelling: ``v0``, ``v1``, ``v2`` or ``v3alpha1``.
        spec: the fields of the kind.
        root: path of ``spec``; empty for the flat form.
    """

    kind: str
    version: str
    spec: dict[str, Json]
    root: Path

    @property
    def old(self) -> bool:
        """Whether the spelling is older than v3alpha1."""
        return self.version != "v3alpha1"

    def at(self, *parts: str | int) -> Path:
        """The path of a field."""
        return (*self.root, *parts)
