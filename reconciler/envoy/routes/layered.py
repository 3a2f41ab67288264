"""A large table that is never changed, of which another one that differs little is made at little cost."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

_MOST = 256  # differences that are carried along: copied for every change, and looked at first for every look-up

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, eq=False)
class Layered(Generic[K, V]):
    """Values by key: those of a table that many have in common, and what differs from it here.

    Attributes:
        below: the table; nobody may change it.
        above: what differs; None for a key that is no more.
        size: how many keys there are.
    """

    below: Mapping[K, V]
    above: Mapping[K, V | None]
    size: int

    @classmethod
    def of(cls, values: Mapping[K, V]) -> "Layered[K, V]":
        """The table of some values, which nobody may change from here on."""
        return cls(values, {}, len(values))

    def with_changes(self, gone: Iterable[K], put: Mapping[K, V]) -> "Layered[K, V]":
        """The table without some keys and with others.

        It costs what changes; only once in a while is everything copied.

        Args:
            gone: keys that go; they are there.
            put: values that are new or replace.
        """
        above: dict[K, V | None] = dict(self.above)
        size = self.size
        for key in gone:
            above[key] = None
            size -= 1
        for key, value in put.items():
            size += (above[key] if key in above else self.below.get(key)) is None
            above[key] = value
        if len(above) <= _MOST:
            return Layered(self.below, above, size)
        whole: dict[K, V | None] = {**self.below, **above}
        return Layered.of({key: value for key, value in whole.items() if value is not None})

    def get(self, key: K) -> V | None:
        """The value of a key; None where there is none."""
        if key in self.above:
            return self.above[key]
        return self.below.get(key)

    def __getitem__(self, key: K) -> V:
        found = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def __contains__(self, key: K) -> bool:
        return self.get(key) is not None

    def __len__(self) -> int:
        return self.size

    def items(self) -> Iterator[tuple[K, V]]:
        """All keys with their values, in no order."""
        yield from ((key, value) for key, value in self.below.items() if key not in self.above)
        yield from ((key, value) for key, value in self.above.items() if value is not None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Layered) and dict(self.items()) == dict(other.items())

    __hash__ = None  # type: ignore[assignment]
