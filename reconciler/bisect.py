"""Finds which changes a judge rejects, when the judge only says yes or no to all of them together."""

from collections.abc import Callable, Sequence
from typing import TypeVar

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
        The culprits. A single bad suspect among n is found in about 2·log2(n) questions. Suspects that are only
        bad together are all returned.
    """
    asked = 0

    def guilty(group: Sequence[T]) -> frozenset[T]:
        # Called with groups known to be rejected.
        nonlocal asked
        if len(group) == 1 or asked >= most_questions:
            return frozenset(group)
        middle = len(group) // 2
        culprits: frozenset[T] = frozenset()
        for half in (group[:middle], group[middle:]):
            asked += 1
            if not accepts(frozenset(half)):
                culprits |= guilty(half)
        return culprits or frozenset(group)

    found = guilty(tuple(suspects))
    cleared = frozenset(suspects) - found
    if cleared and not accepts(cleared):
        return frozenset(suspects)
    return found
