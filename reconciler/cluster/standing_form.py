"""The leader's word as bytes. Whoever may write the ConfigMap may have written them: nothing is believed unseen.

What is not of the form, or past a bound, is no word at all. A leader holds its own word to the same.
"""

import gzip
import json
import re
import zlib
from dataclasses import replace
from datetime import UTC, datetime

from reconciler.model.digest import Digest, Json, canonical_json
from reconciler.model.origin import Kind, Origin, ResourceId
from reconciler.model.provenance import AnyTouch, ObjectTouch, Provenance, touch_of
from reconciler.model.source import Revision
from reconciler.model.standing import RefusedRevision, Standing

_PACKED = 700 * 1024  # packed: as base64 it still fits into a ConfigMap, which may have 1 MiB
_LARGEST = 8 * 1024 * 1024  # unpacked
_MOST_DOCUMENTS = 10_000
_LONGEST_DOCUMENT = 1024 * 1024
_LONGEST_TEXT = 16 * 1024
_DEEPEST = 64  # twice what a document may be that is read
_LAST_LINE = 2**31 - 1

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_CLUSTER = re.compile(r"[0-9a-f]{64}")
_PLAN = re.compile(r"sha256:[0-9a-f]{64}")


def pack(standing: Standing) -> bytes:
    """As bytes: equal for equal content.

    Raises:
        ValueError: it is more than `unpack` takes.
    """
    size = sum(len(origin.document) for origin in standing.origins)
    if len(standing.origins) > _MOST_DOCUMENTS or size > _LARGEST:
        raise ValueError(f"more than {_MOST_DOCUMENTS} documents or {_LARGEST >> 20} MiB")
    content: dict[str, Json] = {
        "revision": str(standing.revision),
        "documents": [_row(origin) for origin in standing.origins],
        "routes": standing.routes,
    }
    if standing.refused is not None:
        refused = standing.refused
        content["refused"] = {
            "revision": str(refused.revision),
            "reason": refused.reason,
            "message": refused.message,
            "plan": str(refused.plan),
        }
    return gzip.compress(canonical_json(content), mtime=0)


def unpack(packed: bytes) -> Standing:
    """What `pack` was given.

    Raises:
        ValueError: it is not of that form, or too large.
    """
    if len(packed) > _PACKED:
        raise ValueError("too large")
    unpacking = zlib.decompressobj(wbits=31)
    try:
        text = unpacking.decompress(packed, _LARGEST)
        if unpacking.unconsumed_tail or not unpacking.eof:
            raise ValueError("cut off, or too large")
        return _standing(json.loads(text))
    except (zlib.error, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"not of the expected form ({type(error).__name__})") from error


def _row(origin: Origin) -> dict[str, Json]:
    at, touch = origin.provenance, origin.provenance.touch
    row: dict[str, Json] = {
        "kind": str(origin.id.kind),
        "namespace": origin.id.namespace,
        "name": origin.id.name,
        "path": at.path,
        "line": at.line,
        "document": origin.document.decode(),
    }
    if touch is not None:
        author = getattr(touch, "author", None) or getattr(touch, "manager", "")
        row["touch"] = {"key": touch.key, "by": str(author), "at": touch.written_at.isoformat()}
    return row


def _standing(content: dict[str, Json]) -> Standing:
    documents = content["documents"]
    if not isinstance(documents, list) or len(documents) > _MOST_DOCUMENTS:
        raise ValueError(f"more than {_MOST_DOCUMENTS} documents, or no list of them")
    origins = tuple(map(_origin, documents))
    if len({origin.id for origin in origins}) < len(origins):
        raise ValueError("a document is told twice")
    routes, refused = _count(content.get("routes", 0)), content.get("refused")
    return Standing(_revision(content["revision"]), origins, routes, None if refused is None else _refused(refused))


def _refused(told: Json) -> RefusedRevision:
    row = _fields(told)
    plan = _text(row["plan"])
    if not _PLAN.fullmatch(plan):
        raise ValueError("not the digest of a plan")
    return RefusedRevision(_revision(row["revision"]), _text(row["reason"]), _text(row["message"]), Digest(plan))


def _origin(told: Json) -> Origin:
    row = _fields(told)
    name = ResourceId(Kind(_text(row["kind"])), _text(row["namespace"]), _text(row["name"]))
    touch = _touch(_fields(row["touch"])) if "touch" in row else None
    return Origin(name, Provenance(_text(row["path"]), _count(row["line"]), touch), _document(row["document"]))


def _touch(row: dict[str, Json]) -> AnyTouch:
    at = datetime.fromisoformat(_text(row["at"]))
    touch = touch_of(_text(row["key"]), _text(row["by"]), _utc(at))
    if isinstance(touch, ObjectTouch) and touch.created_at is not None:
        return replace(touch, created_at=_utc(touch.created_at))
    return touch


def _utc(time: datetime) -> datetime:
    if time.tzinfo is None:
        raise ValueError("a time without its zone")
    return time.astimezone(UTC)


def _document(told: Json) -> bytes:
    document = _text(told, _LONGEST_DOCUMENT).encode()
    value = json.loads(document)
    if not isinstance(value, dict) or not _is_shallow(value) or canonical_json(value) != document:
        raise ValueError("a document is none")
    return document


def _is_shallow(value: Json) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return not level


def _revision(told: Json) -> Revision:
    found = Revision.parse(_text(told))
    if (found.sha and not _COMMIT.fullmatch(found.sha)) or (found.cluster and not _CLUSTER.fullmatch(found.cluster)):
        raise ValueError("not a revision")
    return found


def _fields(told: Json) -> dict[str, Json]:
    if not isinstance(told, dict):
        raise TypeError
    return told


def _text(told: Json, longest: int = _LONGEST_TEXT) -> str:
    if not isinstance(told, str) or len(told) > longest or "\0" in told:
        raise ValueError("a text is none, or too long")
    told.encode()  # half a surrogate pair is no text
    return told


def _count(told: Json) -> int:
    if not isinstance(told, int) or isinstance(told, bool) or not 0 <= told <= _LAST_LINE:
        raise ValueError("a number is none, or out of bounds")
    return told
