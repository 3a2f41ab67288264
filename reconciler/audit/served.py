"""What is served, as rows: each document with where it was written. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from reconciler.audit.chain import encode
from reconciler.audit.clean import clean_text
from reconciler.model.digest import Digest, digest_bytes
from reconciler.model.provenance import FileProvenance, Touch
from reconciler.model.resource import Kind, Origin, ResourceId

ServedRow: TypeAlias = dict[str, Any]  # a row of the table `served`, column by column


@dataclass(frozen=True, slots=True)
class Kept:
    """One served document with the digest of its row, so that an unchanged one is not digested again."""

    origin: Origin
    digest: Digest


@dataclass(frozen=True, slots=True)
class Update:
    """The rows that go and come, and everything that is served after that."""

    gone: tuple[ResourceId, ...]
    come: tuple[Origin, ...]
    kept: Mapping[ResourceId, Kept]


def update(before: Mapping[ResourceId, Kept], origins: Iterable[Origin]) -> Update:
    """What changes between what the database holds and what is served now; a changed row goes and comes."""
    after: dict[ResourceId, Kept] = {}
    come: list[Origin] = []
    for origin in origins:
        kept = before.get(origin.id)
        if kept is None or kept.origin != origin:
            come.append(origin)
            kept = Kept(origin, row_digest(to_row(origin)))
        after[origin.id] = kept
    gone = [name for name, kept in before.items() if after.get(name) is not kept]
    return Update(tuple(gone), tuple(come), after)


def documents_digest(kept: Mapping[ResourceId, Kept]) -> Digest:
    """One digest over all that is served, whatever the order."""
    return digest_bytes("\n".join(kept[name].digest for name in sorted(kept)).encode())


def row_digest(row: ServedRow) -> Digest:
    """The digest of one row, document and provenance."""
    return digest_bytes(encode({**row, "document": digest_bytes(row["document"])}))


def to_row(origin: Origin) -> ServedRow:
    """A served document as a row."""
    touch = origin.provenance.touch
    return {
        "kind": str(origin.id.kind),
        "namespace": origin.id.namespace,
        "name": origin.id.name,
        "path": clean_text(origin.provenance.path),
        "line": origin.provenance.line,
        "touch_sha": touch.sha if touch else None,
        "touch_author": clean_text(touch.author) if touch else None,
        "touch_time": touch.committed_at.isoformat() if touch else None,
        "document": origin.document,
    }


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
        touch = Touch(row["touch_sha"], row["touch_author"], datetime.fromisoformat(row["touch_time"]))
    name = ResourceId(Kind(row["kind"]), row["namespace"], row["name"])
    return Origin(name, FileProvenance(row["path"], row["line"], touch), row["document"])


def key(name: ResourceId) -> dict[str, str]:
    """What identifies the row of a resource."""
    return {"kind": str(name.kind), "namespace": name.namespace, "name": name.name}
