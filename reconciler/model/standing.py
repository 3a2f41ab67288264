"""What a replica must be told to serve the same as its leader, where the revision alone does not say it."""

from dataclasses import dataclass
from typing import TypeAlias

from reconciler.model.digest import Digest, Json, digest_bytes, digest_json
from reconciler.model.origin import Origin
from reconciler.model.source import Revision


@dataclass(frozen=True, slots=True)
class Standing:
    """The documents that a compile of a revision took from what was served before.

    With these as the last good ones, and no others, everybody makes the same of the revision.

    Attributes:
        revision: what it was compiled from.
        origins: what stands in for broken documents, what won a conflict for having been there first; by identity.
    """

    revision: Revision
    origins: tuple[Origin, ...] = ()

    @property
    def digest(self) -> Digest:
        """Tells one from all others, by revision, documents and where they stand."""
        rows: list[Json] = [[str(o.id), str(o.provenance), str(digest_bytes(o.document))] for o in self.origins]
        return digest_json([str(self.revision), rows])


Published: TypeAlias = Standing | None
