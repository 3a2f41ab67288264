"""What is served, as rows: each document with where it was written. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from reconciler.audit.proof.chain import encode
from reconciler.audit.record.clean import clean_text
from reconciler.model.digest import Digest, digest_bytes
from reconciler.model.digest_tree import EMPTY_TREE, DigestTree
from reconciler.model.provenance import AnyTouch, Provenance, Touch, touch_of
from reconciler.model.resource import Kind, Origin, ResourceId

ServedRow: TypeAlias = dict[str, Any]  # a row of the table `served`, column by column


@dataclass(frozen=True, slots=True)
class Kept:
    """Every served document by identity, and the digests of their rows as a tree: an unchanged one costs nothing."""

    origins: Mapping[ResourceId, Origin]
    tree: DigestTree

    @classmethod
    def of(cls, rows: Iterable[ServedRow]) -> "Kept":
        """What the rows of a database hold.

        Raises:
            KeyError, TypeError, ValueError: a row is damaged.
        """
        origins, digests = {}, {}
        for row in rows:
            origin = from_row(row)
            origins[origin.id] = origin
            digests[leaf_name(origin.id)] = row_digest(row)
        return cls(origins, DigestTree.of(digests))


NOTHING_KEPT = Kept({}, EMPTY_TREE)


@dataclass(frozen=True, slots=True)
class Update:
    """The rows that go and come, and everything that is served after that."""

    gone: tuple[ResourceId, ...]
    come: tuple[Origin, ...]
    kept: Kept


def compared(before: Kept, origins: Iterable[Origin]) -> Update:
    """What changes between what the database holds and what is served now; a changed row goes and comes."""
    after: dict[ResourceId, Origin | None] = {origin.id: origin for origin in origins}
    return amend(before, {**dict.fromkeys(before.origins), **after})


def amend(before: Kept, changed: Mapping[ResourceId, Origin | None]) -> Update:
    """The same where it is known what may differ; None is what goes. It costs what changes, and copying a dict."""
    differing = {name: origin for name, origin in changed.items() if before.origins.get(name) != origin}
    come = {name: origin for name, origin in differing.items() if origin is not None}
    gone = sorted(name for name in differing if name in before.origins)
    origins = {**before.origins, **come}
    for name in differing.keys() - come.keys():
        del origins[name]
    digests = {leaf_name(name): row_digest(to_row(origin)) for name, origin in come.items()}
    tree = before.tree.with_changes((leaf_name(name) for name in differing.keys() - come.keys()), digests)
    return Update(tuple(gone), tuple(come.values()), Kept(origins, tree))


def listed_digest(kept: Kept) -> Digest:
    """One digest over all that is served, as records of the first schema have it: over a list of the rows' digests."""
    digests = {name: digest for bucket in kept.tree.buckets for name, digest in bucket.items()}
    return digest_bytes("\n".join(digests[leaf_name(name)] for name in sorted(kept.origins)).encode())


def leaf_name(name: ResourceId) -> str:
    """What a document is called in the tree of digests."""
    # With a length, so that no two identities share one.
    return f"{name.kind} {len(name.namespace)} {name.namespace} {name.name}"


def row_digest(row: ServedRow) -> Digest:
    """The digest of one row, document and provenance."""
    return placed_digest(row, digest_bytes(row["document"]))


def placed_digest(place: ServedRow, document: Digest) -> Digest:
    """The same, given the digest of the document.

    Raises:
        TypeError, ValueError: a value is none that a record can hold.
    """
    return digest_bytes(encode({**place, "document": document}))


def to_row(origin: Origin) -> ServedRow:
    """A served document as a row."""
    touch = origin.provenance.touch
    return {
        "kind": str(origin.id.kind),
        "namespace": origin.id.namespace,
        "name": origin.id.name,
        "path": clean_text(origin.provenance.path),
        "line": origin.provenance.line,
        "touch_sha": touch.key if touch else None,
        "touch_author": clean_text(_author(touch)) if touch else None,
        "touch_time": touch.written_at.isoformat() if touch else None,
        "document": origin.document,
    }


def _author(touch: AnyTouch) -> str:
    return touch.author if isinstance(touch, Touch) else touch.manager


def from_row(row: ServedRow) -> Origin:
    """The served document a row holds.

    Raises:
        KeyError, TypeError, ValueError: the row is damaged.
    """
    # Not bytes(): of a number, which a damaged file may hold, that is as many zeros.
    if not isinstance(row["document"], bytes):
        raise TypeError("document")
    touch = None
    if row["touch_sha"] is not None:
        touch = touch_of(row["touch_sha"], row["touch_author"], datetime.fromisoformat(row["touch_time"]))
    name = ResourceId(Kind(row["kind"]), row["namespace"], row["name"])
    return Origin(name, Provenance(row["path"], row["line"], touch), row["document"])


def key(name: ResourceId) -> dict[str, str]:
    """What identifies the row of a resource."""
    return {"kind": str(name.kind), "namespace": name.namespace, "name": name.name}
