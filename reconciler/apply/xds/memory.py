"""What all streams share: resource sets that were served lately, and what is made of them, computed once."""

from collections import OrderedDict
from collections.abc import Collection, Hashable
from operator import is_
from typing import Generic, TypeVar

from reconciler.apply.xds.subscription import Subscription, select
from reconciler.model.snapshot import ResourceSet, TypeUrl

K = TypeVar("K", bound=Hashable)


class Memory:
    """Bounded; the least recently used is forgotten. Forgetting costs work or a resend, never correctness.

    Args:
        limit: how many sets, unions and selections are kept, of each.
        names: how many names they may have together, of each: a set of 100,000 names takes megabytes.
    """

    def __init__(self, limit: int = 128, names: int = 500_000) -> None:
        # Per type, so that one that changes all the time has no other forgotten.
        self._served: dict[TypeUrl, _Shelf[str]] = {t: _Shelf(limit, names) for t in TypeUrl}
        self._joined: _Shelf[tuple[int, int]] = _Shelf(limit, names)
        self._selected: _Shelf[tuple[int, int]] = _Shelf(limit, names)
        # By subscription: what was selected last, which the next selection is made from.
        self._latest: _Shelf[int] = _Shelf(limit, names)

    def remember(self, type_url: TypeUrl, resources: ResourceSet) -> None:
        """Keep a set that may later be presented by its version; all its bodies are known."""
        self._served[type_url].put(resources.version, resources, ())

    def recall(self, type_url: TypeUrl, version: str) -> ResourceSet | None:
        """The set that was served under ``version``, None when it is not known any more."""
        return self._served[type_url].get(version)

    def join(self, under: ResourceSet, over: ResourceSet) -> ResourceSet:
        """All resources of both; where both have a name, the one of ``over``."""
        # By identity, not by version: a set rebuilt from a client's claims has the version but not the bodies.
        key = (id(under), id(over))
        if (known := self._joined.get(key)) is not None:
            return known
        return self._joined.put(key, _join(under, over), (under, over))

    def select(self, type_url: TypeUrl, resources: ResourceSet, subscription: Subscription) -> ResourceSet:
        """The part of ``resources`` a client wants; the very same object when that is all of it."""
        if subscription.wildcard:
            return resources
        key = (id(resources), id(subscription))
        if (known := self._selected.get(key)) is not None:
            return known
        chosen = self._reselected(type_url, resources, subscription) or select(resources, subscription)
        if self.recall(type_url, resources.version) is resources:
            self._latest.put(id(subscription), chosen, (resources, subscription))
        return self._selected.put(key, chosen, (resources, subscription))

    def _reselected(self, type_url: TypeUrl, resources: ResourceSet, subscription: Subscription) -> ResourceSet | None:
        """The selection made from the one before, at the cost of what differs; None where there is none.

        Only served sets are compared: of others a body may not be known, which a digest doesn't tell.
        """
        chosen = self._latest.get(id(subscription))
        if chosen is None or self.recall(type_url, resources.version) is not resources:
            return None
        before = self._latest.operands(id(subscription))[0]
        differing = before.differing(resources) if isinstance(before, ResourceSet) else frozenset()
        there = resources.resources
        put = [there[name] for name in differing if name in there and subscription.covers(name)]
        selected = chosen.with_changes((name for name in differing if name not in there), put)
        return resources if len(selected.resources) == len(there) else selected


class _Shelf(Generic[K]):
    """Sets by a key, the least recently used dropped. Operands are held, so that no other object has their identity."""

    def __init__(self, limit: int, names: int) -> None:
        self._limit = limit
        self._names = names
        self._held = 0
        self._sets: OrderedDict[K, tuple[ResourceSet, tuple[object, ...]]] = OrderedDict()

    def get(self, key: K) -> ResourceSet | None:
        found = self._sets.get(key)
        if found is None:
            return None
        self._sets.move_to_end(key)
        return found[0]

    def operands(self, key: K) -> tuple[object, ...]:
        return self._sets[key][1] if key in self._sets else ()

    def put(self, key: K, resources: ResourceSet, operands: tuple[object, ...]) -> ResourceSet:
        if (before := self._sets.pop(key, None)) is not None:
            self._held -= len(before[0].resources)
        self._sets[key] = (resources, operands)
        self._held += len(resources.resources)
        while len(self._sets) > self._limit or (self._held > self._names and len(self._sets) > 1):
            _, (dropped, _operands) = self._sets.popitem(last=False)
            self._held -= len(dropped.resources)
        return resources


def _join(under: ResourceSet, over: ResourceSet) -> ResourceSet:
    differing = under.differing(over)
    missing = [name for name in differing if name not in over.resources]
    if missing and len(missing) == len(differing):
        # Digests don't tell whether a body is known: only the very same resources are as good.
        same = map(is_, over.resources.values(), map(under.resources.__getitem__, over.resources))
        if all(same):
            return under
    return over.with_changes((), (under.resources[name] for name in missing))


def without(resources: ResourceSet, names: Collection[str]) -> ResourceSet:
    """``resources`` less ``names``; the very same object when none of them is in it."""
    return resources.with_changes(names, ())
