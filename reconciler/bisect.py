"""Finds which changes a judge rejects, when the judge only says yes or no to all of them together."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


def find_culprits(
    suspects: Sequence[T], accepts: Callable[[frozenset[T]], bool], *, most_questions: int = 64
) -> frozenset[T]:
    """The suspects without which the rest is accepted.

    Args:
        suspects: known to be rejected as a whole.
        accepts: whether a given subset of the suspects, on its own, is accepted.
        most_questions: asking costs; past this the suspects not yet cleared are all culprits.

    Returns:
        The culprits. A single bad suspect among n is found in about 2·log2(n) questions, k that are only bad together
        in k times as many. Those are all returned, and nobody who happens to stand beside them.
    """
    search = _Search(accepts, most_questions)
    found = search.guilty(tuple(suspects))
    rest = tuple(one for one in suspects if one not in found)
    while rest and search.rejects(rest):
        found |= frozenset(rest) if search.exhausted else search.fewest(rest, frozenset())
        rest = tuple(one for one in rest if one not in found)
    return found


@dataclass(slots=True)
class _Search(Generic[T]):
    """What was asked until now."""

    accepts: Callable[[frozenset[T]], bool]
    most_questions: int
    asked: int = 0

    @property
    def exhausted(self) -> bool:
        """Whether no more may be asked."""
        return self.asked >= self.most_questions

    def rejects(self, some: Iterable[T]) -> bool:
        """One question."""
        self.asked += 1
        return not self.accepts(frozenset(some))

    def guilty(self, group: Sequence[T]) -> frozenset[T]:
        """The culprits of a group that is rejected, or some of them."""
        if len(group) == 1 or self.exhausted:
            return frozenset(group)
        culprits: frozenset[T] = frozenset()
        for half in _halves(group):
            if self.rejects(half):
                culprits |= self.guilty(half)
        return culprits or self.fewest(group, frozenset())

    def fewest(self, group: Sequence[T], others: frozenset[T]) -> frozenset[T]:
        """As few of a group as are rejected, too; U. Junker, QuickXplain, AAAI 2004.

        Args:
            group: rejected beside ``others``.
            others: accepted without it.
        """
        if len(group) == 1 or self.exhausted:
            return frozenset(group)
        first, second = _halves(group)
        for half in (first, second):
            if self.rejects(others.union(half)):
                return self.fewest(half, others)
        found = self.fewest(first, others.union(second))
        return found | self.fewest(second, others | found)


def _halves(group: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    middle = len(group) // 2
    return group[:middle], group[middle:]
