"""The labels and annotations of our ConfigMaps: whose they are, and which commit they hold. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.cluster import Body
from reconciler.model.digest import Digest, Json, digest_bytes
from reconciler.model.effect import Release
from reconciler.model.text import printable

MANAGER = "reconciler"

_MANAGED_BY = "app.kubernetes.io/managed-by"
_INSTANCE = "app.kubernetes.io/instance"
_TARGET = "reconciler.dev/target"
_ROLE = "reconciler.dev/role"
_OURS = "reconciler.dev/"
_LONGEST_LABEL = 63
_DIGITS = 12
_LONGEST = 200  # characters of what a commit's author wrote


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose ConfigMaps these are.

    Attributes:
        instance: the controller; its replicas share it, and no other controller of the namespace has it.
        target: the name that the setting gives to the target.
    """

    instance: str
    target: str

    def labels(self, role: str) -> dict[str, Json]:
        """Of each ConfigMap of the target; ``role`` tells content and pointer apart."""
        return {_MANAGED_BY: MANAGER, _INSTANCE: self.instance, _TARGET: _value(self.target), _ROLE: role}

    def selector(self, role: str = "") -> str:
        """What finds those of a role, or all of them, as the API takes it."""
        return ",".join(f"{key}={value}" for key, value in self.labels(role).items() if value)

    def owns(self, body: Body) -> bool:
        """Whether this target made a ConfigMap. All others are never written or deleted."""
        labels = _texts(body, "labels")
        return all(labels.get(key) == value for key, value in self.labels("").items() if key != _ROLE)


def _value(name: str) -> str:
    """A name as a label, which is shorter than names may be."""
    if len(name) <= _LONGEST_LABEL:
        return name
    digest = digest_bytes(name.encode()).removeprefix("sha256:")[:_DIGITS]
    return f"{name[: _LONGEST_LABEL - _DIGITS - 1]}-{digest}"


def annotations(snapshot: Digest, release: Release) -> dict[str, Json]:
    """What a ConfigMap says of what it holds, for people; nothing reads it back."""
    commit = release.commit
    told = {
        "snapshot": str(snapshot),
        "revision": str(release.revision) if release.revision else "",
        "commit": commit.sha if commit else (release.revision.sha if release.revision else ""),
        "author": _one_line(str(commit.author)) if commit else "",
        "journal-entry": "" if release.entry is None else str(release.entry),
    }
    return {_OURS + key: value for key, value in told.items() if value}


def _one_line(text: str) -> str:
    """What somebody wrote, on one line of bounded length, with nothing that hides or reorders it."""
    line = printable(re.sub(r"\s+", " ", text[: 4 * _LONGEST]).strip())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "…"


def _texts(body: Body, field: str) -> Mapping[str, Json]:
    metadata = body.get("metadata")
    found = metadata.get(field) if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def metadata_text(body: Body, field: str) -> str:
    """``name``, ``uid``, ``resourceVersion`` and the like; empty where it is not there."""
    value = _texts({"metadata": {field: body.get("metadata")}}, field).get(field)
    return value if isinstance(value, str) else ""
