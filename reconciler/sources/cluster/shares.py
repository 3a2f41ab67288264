"""PURE: no namespace takes what all others need: past its share its own newest objects are not read."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from reconciler.model.limits import Limits
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.provenance import ObjectTouch, Provenance, namespace_of, object_path
from reconciler.sources.cluster.reduction import Input
from reconciler.sources.cluster.view import RefusedObject

# When the object was made, and its path: the same order on every replica, whatever it has seen before.
_Age: TypeAlias = tuple[datetime, str]

_FEW = 100  # changes that are worth more than a sort
_UNKNOWN = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Namespace:
    """The inputs of one namespace: as many are read, oldest first, as its share has room for.

    Attributes:
        problem: told of all that is not read; one for all, since their number has no end.
        order: ages of all, sorted, so that a change among many costs what it moves.
        read: how many of these are read.
        bytes: of those that are read.
    """

    limits: Limits
    problem: Problem
    inputs: dict[str, Input] = field(default_factory=dict)
    order: list[_Age] = field(default_factory=list)
    read: int = 0
    bytes: int = 0

    @property
    def left_out(self) -> int:
        """How many are not read."""
        return len(self.order) - self.read

    def take(self, changes: Mapping[str, Input | None]) -> dict[str, Input]:
        """What becomes of some inputs, None for those that go; what is shown in their place, and of others."""
        if len(changes) > _FEW:
            concerned = self._take_many(changes)
        else:
            for path, one in changes.items():
                self._remove(path)
                if one is not None:
                    self._add(one)
            concerned = self._settle() | changes.keys()
        return {path: self._shown(path) for path in concerned if path in self.inputs}

    def _take_many(self, changes: Mapping[str, Input | None]) -> set[str]:
        """Everything anew; which may be shown otherwise."""
        for path, one in changes.items():
            self.inputs.pop(path, None)
            if one is not None:
                self.inputs[path] = one
        self.order = sorted(map(_age, self.inputs.values()))
        self.read = self.bytes = 0
        self._settle()
        return set(self.inputs)

    def _remove(self, path: str) -> None:
        one = self.inputs.pop(path, None)
        if one is None:
            return
        at = bisect_left(self.order, _age(one))
        del self.order[at]
        if at < self.read:
            self.read -= 1
            self.bytes -= _size(one)

    def _add(self, one: Input) -> None:
        at = bisect_left(self.order, _age(one))
        self.order.insert(at, _age(one))
        self.inputs[one.path] = one
        if at < self.read:
            self.read += 1
            self.bytes += _size(one)

    def _settle(self) -> set[str]:
        """Reads no more than there is room for, and no less; paths of which that is news."""
        moved = set()
        while self.read > self.limits.max_namespace_files or self.bytes > self.limits.max_namespace_bytes:
            self.read -= 1
            last = self.inputs[self.order[self.read][1]]
            self.bytes -= _size(last)
            moved.add(last.path)
        while self.read < min(len(self.order), self.limits.max_namespace_files):
            following = self.inputs[self.order[self.read][1]]
            if self.bytes + _size(following) > self.limits.max_namespace_bytes:
                break
            self.read += 1
            self.bytes += _size(following)
            moved.add(following.path)
        return moved

    def _shown(self, path: str) -> Input:
        one = self.inputs[path]
        if not self.left_out or _age(one) < self.order[self.read]:
            return one
        touch = _touch(one)
        # Whatever else it says from now on, it is not read: that must cost nobody a reconcile.
        blob = f"left-out@{touch.uid if touch else ''}"
        return Input(path, blob, None, RefusedObject(self.problem, blob, touch) if touch else None)


class NamespaceShares:
    """Which inputs are read where a namespace has more than its share. Not safe for threads.

    Args:
        limits: of one namespace.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._namespaces: dict[str, _Namespace] = {}
        self.left_out = 0  # inputs that are not read, of all namespaces

    def take(self, gone: Collection[str], put: Mapping[str, Input]) -> dict[str, Input]:
        """Takes what becomes of inputs.

        Args:
            gone: paths of which there is none any more; none of them is in ``put``.
            put: by path, those that come or may differ.

        Returns:
            What they, and others for which there is room now or none any more, are shown as.
        """
        changes: defaultdict[str, dict[str, Input | None]] = defaultdict(dict)
        for path in gone:
            changes[namespace_of(path) or ""][path] = None
        for path, one in put.items():
            changes[namespace_of(path) or ""][path] = one
        shown: dict[str, Input] = {}
        for name, of_it in changes.items():
            known = self._namespaces.get(name)
            if known is None:
                known = self._namespaces[name] = _Namespace(self._limits, _too_much(name, self._limits))
            before = known.left_out
            shown |= known.take(of_it)
            self.left_out += known.left_out - before
            if not known.inputs:
                del self._namespaces[name]
        return shown


def _too_much(namespace: str, limits: Limits) -> Problem:
    return Problem(
        code=Code.SIZE_LIMIT,
        severity=Severity.ERROR,
        message="the newest objects of the namespace are not read; what was served from them stays served",
        provenance=Provenance(object_path("Namespace", namespace, namespace)),
        expected=f"at most {limits.max_namespace_files} objects and {limits.max_namespace_bytes} bytes to read",
        got="more",
        hint="Delete what nobody needs, or spread it over several namespaces",
    )


def _size(one: Input) -> int:
    return len(one.file.content) if one.file is not None else 0


def _touch(one: Input) -> ObjectTouch | None:
    if one.file is not None and one.file.object is not None:
        return one.file.object.touch
    return one.refused.touch if one.refused is not None else None


def _age(one: Input) -> _Age:
    touch = _touch(one)
    return (touch.created_at if touch and touch.created_at else _UNKNOWN), one.path
