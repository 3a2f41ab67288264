"""The place of a rule in the order in which rules are asked, as a value of its own: no other rule need be looked at."""

from dataclasses import dataclass
from typing import TypeAlias

Specificity: TypeAlias = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Rank:
    """What comes first is less.

    Attributes:
        specificity: the most specific first.
        tie_break: among equally specific groups of rules; the least first.
        share: the place within a group that shares its requests.
    """

    specificity: Specificity
    tie_break: tuple[int, bool, str] = (0, False, "")
    share: int = 0

    def __lt__(self, other: "Rank") -> bool:
        if self.specificity != other.specificity:
            return self.specificity > other.specificity
        return (self.tie_break, self.share) < (other.tie_break, other.share)


FIRST = Rank((2**63,))
