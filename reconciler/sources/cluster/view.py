"""What is known of a cluster at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from reconciler.model.digest_tree import EMPTY_TREE, DigestTree
from reconciler.model.problem import Problem
from reconciler.model.provenance import ObjectTouch
from reconciler.model.source import ObjectChange, ObjectOp, SourceFile

_NO_FILES: Mapping[str, SourceFile] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RefusedObject:
    """An object that was not read, such as one past a limit. What was served from it stays served.

    Attributes:
        blob: names what was refused.
    """

    problem: Problem
    blob: str
    touch: ObjectTouch


@dataclass(frozen=True, slots=True)
class ClusterView:
    """The objects at one moment; never changed afterwards.

    Attributes:
        files: by path, in no certain order. A file that has not changed is the same object as in the view before.
        digest: hex, of all content; equal wherever the same was read, whatever was read before.
        synced: whether everything that is to be read was read once; without that the files mean nothing.
        generation: grows with every change of ``files``, ``refused`` and ``synced``.
        failure: why what is known can't be kept up to date at the moment; empty while it can.
        stale_s: seconds since the server was last heard of, where that is longest ago.
        refused: objects that are not read, by path; none of these is in ``files``.
        tree: what the digest was made of.
    """

    files: Mapping[str, SourceFile]
    digest: str
    synced: bool
    generation: int
    failure: str = ""
    stale_s: float = 0.0
    refused: Mapping[str, RefusedObject] = field(default_factory=dict)
    tree: DigestTree = EMPTY_TREE

    @classmethod
    def nothing(cls) -> "ClusterView":
        """Before anything was read."""
        return cls(_NO_FILES, EMPTY_TREE.digest.removeprefix("sha256:"), False, 0)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why objects are not read; what is told of many of them is told once."""
        return tuple({id(one.problem): one.problem for one in self.refused.values()}.values())

    def changes_since(self, earlier: "ClusterView") -> tuple[ObjectChange, ...]:
        """What differs from an earlier view, sorted by path; costs what differs."""
        found = []
        for path in sorted(self.tree.differing(earlier.tree)):
            now, before = self.touch(path), earlier.touch(path)
            op = ObjectOp.REMOVED if now is None else ObjectOp.ADDED if before is None else ObjectOp.CHANGED
            touch = now or before
            if touch is not None:
                found.append(ObjectChange(path, op, touch))
        return tuple(found)

    def touch(self, path: str) -> ObjectTouch | None:
        """The last write to the object of a path, as far as it is known; None where there is none."""
        file = self.files.get(path)
        if file is not None and file.object is not None:
            return file.object.touch
        refused = self.refused.get(path)
        return refused.touch if refused else None


class ClusterReader(Protocol):
    """Knows what a cluster holds; never waits for it."""

    @property
    def describe(self) -> str:
        """The cluster, as people may see it."""

    def view(self) -> ClusterView:
        """What is known now; the same view where nothing has changed, but for ``failure`` and ``stale_s``."""

    def close(self) -> None:
        """End what is under way."""
