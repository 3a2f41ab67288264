"""PURE: no namespace takes what all others need: past its share its own newest objects are not read."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate
from typing import TypeAlias

from reconciler.model.limits import Limits
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.provenance import ObjectTouch, Provenance, namespace_of, object_path
from reconciler.sources.cluster.reduction import Input
from reconciler.sources.cluster.view import RefusedObject

# When the object was made, and its path: the same order on every replica, whatever it has seen before.
_Age: TypeAlias = tuple[datetime, str]

_UNKNOWN = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Namespace:
    """The inputs of one namespace.

    Attributes:
        problem: told of all that is not read; one for all, since their number has no end.
        left_out: paths that are not read: from some age on, all of them.
        first: the age of the first of these.
    """

    limits: Limits
    problem: Problem
    inputs: dict[str, Input] = field(default_factory=dict)
    bytes: int = 0
    left_out: set[str] = field(default_factory=set)
    first: _Age = (_UNKNOWN, "")

    def take(self, changes: Mapping[str, Input | None]) -> dict[str, Input]:
        """What becomes of some inputs, None for those that go; what is shown in their place, and of others."""
        late = bool(self.left_out) and all(self._is_late(path, one) for path, one in changes.items())
        for path, one in changes.items():
            old = self.inputs.pop(path, None)
            self.bytes += _size(one) - _size(old)
            if one is not None:
                self.inputs[path] = one
        before = self.left_out
        if late:  # those that are read stay the same; a flood costs what comes, not what is there
            before.difference_update(changes)
            before.update(changes.keys() & self.inputs.keys())
            return {path: self._shown(path) for path in changes if path in self.inputs}
        self.left_out = self._beyond()
        return {path: self._shown(path) for path in (before ^ self.left_out) | changes.keys() if path in self.inputs}

    def _is_late(self, path: str, one: Input | None) -> bool:
        """Whether it is younger than something that is not read, and was so before."""
        old = self.inputs.get(path)
        return all(_age(each) > self.first for each in (old, one) if each is not None)

    def _beyond(self) -> set[str]:
        most, largest = self.limits.max_namespace_files, self.limits.max_namespace_bytes
        if len(self.inputs) <= most and self.bytes <= largest:
            return set()
        ordered = sorted(self.inputs.values(), key=_age)
        within = min(most, bisect_right(list(accumulate(map(_size, ordered))), largest))
        self.first = _age(ordered[within])
        return {one.path for one in ordered[within:]}

    def _shown(self, path: str) -> Input:
        one = self.inputs[path]
        if path not in self.left_out:
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
            before = len(known.left_out)
            shown |= known.take(of_it)
            self.left_out += len(known.left_out) - before
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


def _size(one: Input | None) -> int:
    return len(one.file.content) if one is not None and one.file is not None else 0


def _touch(one: Input) -> ObjectTouch | None:
    if one.file is not None and one.file.object is not None:
        return one.file.object.touch
    return one.refused.touch if one.refused is not None else None


def _age(one: Input) -> _Age:
    touch = _touch(one)
    return (touch.created_at if touch and touch.created_at else _UNKNOWN), one.path
