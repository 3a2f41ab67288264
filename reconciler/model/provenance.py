"""Where a value came from. Every resource, problem, route and audit record carries one."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Touch:
    """The commit that last changed a document: enough to name who and when without the repository."""

    sha: str
    author: str
    committed_at: datetime

    def __str__(self) -> str:
        return f"{self.sha[:7]} ({self.author})"


@dataclass(frozen=True, slots=True)
class FileProvenance:
    """A place in a file of the repository or of a plain directory (``touch`` is None there).

    ``line`` counts from 1; 0 means the file as a whole.
    """

    path: str
    line: int = 0
    touch: Touch | None = None

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place} @ {self.touch}" if self.touch else place


# Service and Ingress annotations join this union with the in-cluster source.
Provenance: TypeAlias = FileProvenance
