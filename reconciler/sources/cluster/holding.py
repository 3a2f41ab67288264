"""What is known of all objects that are read, kept up to date at the cost of what changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import compress
from operator import is_not

from reconciler.cluster import ObjectKey
from reconciler.model.digest import Digest
from reconciler.model.digest_tree import EMPTY_TREE, DigestTree
from reconciler.model.limits import Limits
from reconciler.model.provenance import object_path
from reconciler.model.source import SourceFile
from reconciler.sources.cluster.ports import NamedPorts
from reconciler.sources.cluster.reduction import NOTHING, RULES, Input, Reduced
from reconciler.sources.cluster.shares import NamespaceShares
from reconciler.sources.cluster.view import ClusterView, RefusedObject

_NO_OBJECTS: Mapping[ObjectKey, Reduced] = {}


@dataclass(slots=True)
class _Change:
    """What becomes of files: paths that go, inputs that come or may differ."""

    removed: set[str] = field(default_factory=set)
    put: dict[str, Input] = field(default_factory=dict)


class Holding:
    """The files that objects stand for. Not safe for threads.

    Objects come in groups, such as the Ingresses of a namespace. What is read of one object is read in one group.

    Args:
        limits: of one object, of a namespace, and of all together.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._groups: dict[str, Mapping[ObjectKey, Reduced]] = {}
        self._named = NamedPorts(limits)
        self._shares = NamespaceShares(limits)
        self._files: dict[str, SourceFile] = {}
        self._refused: dict[str, RefusedObject] = {}
        self._bytes = 0
        self._tree: DigestTree = EMPTY_TREE
        self._generation = 0
        self._view = ClusterView.nothing()
        self._synced = False
        self._turns = 0

    def put(self, group: str, objects: Mapping[ObjectKey, Reduced]) -> bool:
        """Takes the objects of a group in place of those before; True where any file differs.

        Args:
            group: its name.
            objects: never changed afterwards; what is the same as before is the same value.
        """
        before = self._groups.get(group, _NO_OBJECTS)
        if objects is before:
            return False
        # At the speed of C, since nearly all are the same.
        changed = list(compress(objects, map(is_not, objects.values(), map(before.get, objects))))
        added = sum(key not in before for key in changed)
        gone = before.keys() - objects.keys() if len(before) + added > len(objects) else ()
        change, concerned = _Change(), set[ObjectKey]()
        for key in (*changed, *gone):
            old, new = before.get(key, NOTHING), objects.get(key, NOTHING)
            change.removed.update(one.path for one in old.inputs)
            change.put.update((one.path, one) for one in new.inputs)
            if old.ports != new.ports:
                concerned |= self._named.take_ports(key, new.ports)
            if old.rules is not None or new.rules is not None:
                self._named.take_rules(key, new.rules)
                concerned.add(key)
        self._resolve(concerned, change)
        differs = self._apply(change)
        self._groups[group] = objects  # last: what could not be taken is no less new the next time
        return differs

    def drop(self, group: str) -> bool:
        """Forgets the objects of a group; True where any file differs."""
        differs = self.put(group, _NO_OBJECTS)
        self._groups.pop(group, None)
        return differs

    def view(self, *, synced: bool, failure: str, stale_s: float) -> ClusterView:
        """What is known now. Past a limit it is what was known before that, with the reason."""
        too_much = self._too_much()
        if not too_much and self._view.generation != self._generation:
            digest = self._tree.digest.removeprefix("sha256:")
            self._view = ClusterView(
                dict(self._files), digest, False, self._generation, refused=dict(self._refused), tree=self._tree
            )
        # Of what was too much from the beginning nothing is known.
        synced = synced and not (too_much and not self._view.generation)
        self._turns += synced is not self._synced
        self._synced = synced
        generation = self._view.generation + self._turns
        return replace(self._view, synced=synced, generation=generation, failure=too_much or failure, stale_s=stale_s)

    def _resolve(self, ingresses: Iterable[ObjectKey], change: _Change) -> None:
        for key in ingresses:
            found = self._named.resolved(key)
            if found is None:
                change.removed.add(object_path("Ingress", *key) + RULES)
            else:
                change.put[found.path] = found

    def _apply(self, change: _Change) -> bool:
        gone = [path for path in change.removed - change.put.keys() if path in self._files or path in self._refused]
        shown = self._shares.take(gone, change.put)
        # One that says what it said keeps the version it was first seen in.
        new = [one for path, one in shown.items() if self._blob(path) != one.blob]
        for path in (*gone, *(one.path for one in new)):
            self._refused.pop(path, None)
            file = self._files.pop(path, None)
            self._bytes -= len(file.content) if file else 0
        for one in new:
            if one.file is not None:
                self._files[one.path] = one.file
                self._bytes += len(one.file.content)
            if one.refused is not None:
                self._refused[one.path] = one.refused
        if not gone and not new:
            return False
        self._tree = self._tree.with_changes(gone, {one.path: Digest(one.blob) for one in new})
        self._generation += 1
        return True

    def _blob(self, path: str) -> str:
        known = self._files.get(path) or self._refused.get(path)
        return known.blob if known else ""

    def _too_much(self) -> str:
        limits = self._limits
        if len(self._files) + len(self._refused) - self._shares.left_out > limits.max_files:
            return (
                f"the cluster holds more than {limits.max_files} objects to read; narrow namespaces or label_selector"
            )
        if self._bytes > limits.max_total_bytes:
            return f"what is read of the cluster holds more than {limits.max_total_bytes} bytes"
        return ""
