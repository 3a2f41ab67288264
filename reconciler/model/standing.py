"""What a replica must be told to serve the same as its leader, where the revision alone does not say it."""

from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.model.digest import Digest, Json, digest_bytes, digest_json
from reconciler.model.origin import Origin
from reconciler.model.source import Revision


@dataclass(frozen=True, slots=True)
class RefusedRevision:
    """What the leader does not apply, since it compares it with what it serves.

    Attributes:
        revision: of the repository and the cluster.
        reason: CamelCase, of its decision.
        message: the sentence that goes with it.
        plan: digest of the plan, by which a person may ask for it.
    """

    revision: Revision
    reason: str
    message: str
    plan: Digest


@dataclass(frozen=True, slots=True)
class Standing:
    """The documents that a compile of a revision took from what was served before.

    With these as the last good ones, and no others, everybody makes the same of the revision.

    Attributes:
        revision: what it was compiled from.
        origins: what stands in for broken documents, what won a conflict for having been there first; by identity.
        routes: how many the leader serves.
        refused: what it was asked to serve instead, and refuses; None where there is no such thing.
        digest: tells one from all others, by revision, documents and where they stand.
    """

    revision: Revision
    origins: tuple[Origin, ...] = ()
    routes: int = 0
    refused: RefusedRevision | None = None
    digest: Digest = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Computes the digest, once.

        Raises:
            ValueError: some text of it is none.
        """
        rows: list[Json] = [[str(o.id), str(o.provenance), str(digest_bytes(o.document))] for o in self.origins]
        object.__setattr__(self, "digest", digest_json([str(self.revision), rows]))

    def __hash__(self) -> int:
        """That of the digest: there may be megabytes."""
        return hash(self.digest)


Published: TypeAlias = Standing | None
