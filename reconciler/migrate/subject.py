"""The document that the rules look at."""

from dataclasses import dataclass

from reconciler.migrate.named import NOTHING_NAMED, Named
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
        named: what it may name.
    """

    kind: str
    version: str
    spec: dict[str, Json]
    root: Path
    named: Named = NOTHING_NAMED

    @property
    def old(self) -> bool:
        """Whether the spelling is older than v3alpha1."""
        return self.version != "v3alpha1"

    def at(self, *parts: str | int) -> Path:
        """The path of a field."""
        return (*self.root, *parts)
