"""Who wrote what of a ConfigMap, as its ``managedFields`` tell. Pure.

https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from reconciler.apply.configmap.marks import MANAGER
from reconciler.cluster import Body
from reconciler.model.digest import Json
from reconciler.model.text import printable

_LONGEST = 100  # characters of a manager's name
_SECTIONS = ("data", "binaryData")
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Writer:
    """One entry of ``managedFields``.

    Attributes:
        ours: whether it is what this program applied.
        keys: which keys it owns, by section and key.
    """

    name: str
    at: datetime | None
    ours: bool
    keys: frozenset[tuple[str, str]]

    @property
    def when(self) -> datetime:
        """``at``, so that writers can be sorted."""
        return self.at or _NEVER


def writers(body: Body) -> tuple[Writer, ...]:
    """Everybody who owns something of a ConfigMap."""
    metadata = body.get("metadata")
    entries = metadata.get("managedFields") if isinstance(metadata, dict) else None
    return tuple(_writer(entry) for entry in entries if isinstance(entry, dict)) if isinstance(entries, list) else ()


def _writer(entry: dict[str, Json]) -> Writer:
    fields = entry.get("fieldsV1")
    keys = {
        (section, key.removeprefix("f:"))
        for section in _SECTIONS
        for key in _inside(fields, f"f:{section}")
        if key.startswith("f:")
    }
    name = str(entry.get("manager") or "")
    ours = name == MANAGER and entry.get("operation") == "Apply"
    return Writer(printable(name[:_LONGEST]), _time(entry.get("time")), ours, frozenset(keys))


def _inside(fields: Json, name: str) -> Iterable[str]:
    found = fields.get(name) if isinstance(fields, dict) else None
    return found if isinstance(found, dict) else ()


def _time(value: Json) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found


def owned_by_others(found: Iterable[Writer]) -> frozenset[tuple[str, str]]:
    """Keys that somebody else than we wrote."""
    return frozenset(key for writer in found if not writer.ours for key in writer.keys)


def last_stranger(found: Iterable[Writer], keys: frozenset[tuple[str, str]]) -> Writer | None:
    """Who of the others wrote one of these keys last.

    Who only removed a key owns nothing of it; then it is whoever else wrote anything since we did. None where that
    is nobody: the server does not tell.
    """
    everybody = tuple(found)
    others = [writer for writer in everybody if not writer.ours]
    ours = max((writer.when for writer in everybody if writer.ours), default=_NEVER)
    among = [writer for writer in others if writer.keys & keys] or [w for w in others if w.when >= ours > _NEVER]
    return max(among, key=lambda writer: writer.when, default=None)
