"""What all streams share: resource sets that were served lately, and unions of them, computed once."""

from collections import OrderedDict
from collections.abc import Collection

from reconciler.model.snapshot import ResourceSet, TypeUrl


class Memory:
    """Bounded; the least recently used is forgotten. Forgetting costs work or a resend, never correctness.

    Args:
        limit: how many sets, and how many unions, are kept.
    """

    def __init__(self, limit: int = 128) -> None:
        self._limit = limit
        self._served: OrderedDict[tuple[TypeUrl, str], ResourceSet] = OrderedDict()
        self._joined: OrderedDict[tuple[int, int], tuple[ResourceSet, ResourceSet, ResourceSet]] = OrderedDict()

    def remember(self, type_url: TypeUrl, resources: ResourceSet) -> None:
        """Keep a set that may later be presented by its version; all its bodies are known."""
        self._served[(type_url, resources.version)] = resources
        self._served.move_to_end((type_url, resources.version))
        while len(self._served) > self._limit:
            self._served.popitem(last=False)

    def recall(self, type_url: TypeUrl, version: str) -> ResourceSet | None:
        """The set that was served under ``version``, None when it is not known any more."""
        return self._served.get((type_url, version))

    def join(self, under: ResourceSet, over: ResourceSet) -> ResourceSet:
        """All resources of both; where both have a name, the one of ``over``."""
        # By identity, not by version: a set rebuilt from a client's claims has the version but not the bodies.
        key = (id(under), id(over))
        if (known := self._joined.get(key)) is not None:
            self._joined.move_to_end(key)
            return known[2]
        joined = _join(under, over)
        self._joined[key] = (under, over, joined)  # holding the operands keeps their identities from being reused
        while len(self._joined) > self._limit:
            self._joined.popitem(last=False)
        return joined


def _join(under: ResourceSet, over: ResourceSet) -> ResourceSet:
    if under is over or under.resources.keys() <= over.resources.keys():
        return over
    if all(under.resources.get(name) == resource for name, resource in over.resources.items()):
        return under
    return ResourceSet.of({**under.resources, **over.resources}.values())


def without(resources: ResourceSet, names: Collection[str]) -> ResourceSet:
    """``resources`` less ``names``; the very same object when none of them is in it."""
    if resources.resources.keys().isdisjoint(names):
        return resources
    return ResourceSet.of(r for name, r in resources.resources.items() if name not in names)
