"""The rules of a virtual host by what paths begin with, so that Envoy need not ask each: a value that can be changed.

The keys of the tree are the anchors of the rules. Envoy looks up the longest key that a path begins with; every rule
that may match the path has an anchor the key begins with, and these *candidates* stand there in match order. So the
tree only narrows: which of them answers is decided as in the whole list, by the same routes in the same order. Nothing
after a candidate that takes all the key's requests can be reached, so candidates end there.

The key ``""`` is for paths that begin with no other.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import chain
from operator import attrgetter

from reconciler.envoy.routes.items import Item, Rank
from reconciler.envoy.routes.layered import Layered
from reconciler.envoy.routes.runs import Run, renewed
from reconciler.envoy.routes.tree_format import entry
from reconciler.envoy.wire_format import NO_FIELDS, Part

# Candidates per rule. A rule that begins with anything, such as a pattern, is one at every key unless one before it
# takes all; Envoy holds a copy of a route for each, and needs time and memory to build it.
WIDEST = 4

_rank = attrgetter("rank")


@dataclass(frozen=True, slots=True)
class Branch:
    """The items of one anchor, by rank. ``solid``: the rank of the first that takes all; None when there is none."""

    items: tuple[Item, ...]
    solid: Rank | None
    counting: tuple[Rank, ...]

    @classmethod
    def of(cls, items: tuple[Item, ...]) -> "Branch":
        """A branch of sorted items."""
        solid = next((item.rank for item in items if item.takes_all), None)
        return cls(items, solid, tuple(item.rank for item in items if item.counts))

    def until(self, cut: Rank | None) -> int:
        """How many of the items come before or at a rank."""
        return len(self.items) if cut is None else bisect_right(self.items, cut, key=_rank)

    def counting_until(self, cut: Rank | None) -> int:
        """How many of them Envoy keeps a state for."""
        return len(self.counting) if cut is None else bisect_right(self.counting, cut)


@dataclass(frozen=True, slots=True)
class Reach:
    """What a key leads to.

    Attributes:
        candidates: how many.
        borrowed: how many of them stand at a shorter key, too, though Envoy keeps a state for them.
        cut: the rank of the last, which takes all; None when none does.
    """

    candidates: int
    borrowed: int
    cut: Rank | None


@dataclass(frozen=True, slots=True)
class Tree:
    """A virtual host's rules by anchor. Made by `grow` and `graft`; never changed.

    Attributes:
        branches: by anchor.
        keys: the anchors, sorted.
        lengths: how many of the anchors are so long; few lengths, so that it is quick to ask what a key begins with.
        reaches: by key.
        runs: what Envoy gets of all keys but ``""`` (`tree_format.entry`); none where the tree does not `fit`.
        otherwise: the same of ``""``.
        rules, candidates, borrowed: of all keys together.
    """

    branches: Layered[str, Branch]
    keys: tuple[str, ...]
    lengths: Mapping[int, int]
    reaches: Layered[str, Reach]
    runs: tuple[Run, ...]
    otherwise: Part
    rules: int
    candidates: int
    borrowed: int

    @property
    def fit(self) -> bool:
        """Whether it may stand for the list: it has a key, is not much larger, and doubles no state."""
        return any(self.keys[:2]) and self.candidates <= WIDEST * self.rules and not self.borrowed


EMPTY_TREE = Tree(Layered.of({}), (), {}, Layered.of({}), (), NO_FIELDS, 0, 0, 0)


def grow(items: Iterable[Item]) -> Tree:
    """The tree of some items."""
    return graft(EMPTY_TREE, (), items)


def graft(tree: Tree, removed: Iterable[Item], added: Iterable[Item]) -> Tree:
    """The tree without some of its items and with others: what `grow` makes of the items it then has.

    Costs as much as there are keys whose candidates change.

    Raises:
        ValueError: an item is to be removed that the tree does not have.
    """
    gone, come = list(removed), list(added)
    changed = dict(_changed_branches(tree.branches, gone, come))
    keys, lengths = _changed_keys(tree, changed)
    affected = {key for item in chain(gone, come) for key in _led_to(tree, item)} | changed.keys()
    emptied = [key for key, branch in changed.items() if not branch.items]
    branches = tree.branches.with_changes(emptied, {key: changed[key] for key in changed.keys() - emptied})
    lineage = cache(partial(_lineage, branches, sorted(lengths)))
    reached = {key: _reach(lineage(key)) for key in affected if key in branches}
    before = [reach for key in affected if (reach := tree.reaches.get(key))]
    grafted = replace(
        tree,
        branches=branches,
        keys=keys,
        lengths=lengths,
        reaches=tree.reaches.with_changes(emptied, reached),
        rules=tree.rules - len(gone) + len(come),
        candidates=tree.candidates + sum(r.candidates for r in reached.values()) - sum(r.candidates for r in before),
        borrowed=tree.borrowed + sum(r.borrowed for r in reached.values()) - sum(r.borrowed for r in before),
    )
    if not grafted.fit:
        return replace(grafted, runs=(), otherwise=NO_FIELDS)
    stale = reached if tree.fit else keys  # one that did not fit has nothing written
    return _written(grafted, emptied, {key: _entry(key, lineage(key), grafted.reaches[key].cut) for key in stale})


def _written(tree: Tree, gone: Collection[str], put: dict[str, Part]) -> Tree:
    """The tree with what Envoy gets of it, from what it got before without some entries and with others."""
    otherwise = NO_FIELDS if "" in gone else tree.otherwise
    if "" in put:
        otherwise = put.pop("")
    return replace(tree, runs=renewed(tree.runs, [key for key in gone if key], put), otherwise=otherwise)


def _changed_branches(
    branches: Layered[str, Branch], gone: Iterable[Item], come: Iterable[Item]
) -> Iterator[tuple[str, Branch]]:
    """The branches of the anchors concerned, as they are then; some are empty."""
    by_anchor: dict[str, tuple[list[Item], list[Item]]] = defaultdict(lambda: ([], []))
    for item in gone:
        by_anchor[item.anchor][0].append(item)
    for item in come:
        by_anchor[item.anchor][1].append(item)
    for anchor, (fewer, more) in by_anchor.items():
        found = list(branches[anchor].items) if anchor in branches else []
        for item in fewer:
            found.remove(item)
        found += more
        yield anchor, Branch.of(tuple(sorted(found, key=_rank)))


def _changed_keys(tree: Tree, changed: Mapping[str, Branch]) -> tuple[tuple[str, ...], Mapping[int, int]]:
    """The keys, and how many are how long."""
    gone = [key for key, branch in changed.items() if not branch.items and key in tree.branches]
    come = [key for key, branch in changed.items() if branch.items and key not in tree.branches]
    if not gone and not come:
        return tree.keys, tree.lengths
    keys = list(tree.keys)
    for key in gone:
        del keys[bisect_left(keys, key)]
    lengths = Counter(tree.lengths)
    lengths.update(map(len, come))
    lengths.subtract(map(len, gone))
    return tuple(sorted(keys + come)), +lengths  # all but a few are in order, which sorting takes as it is


def _led_to(tree: Tree, item: Item) -> Iterator[str]:
    """The keys of which an item is a candidate, or would be if it came."""
    keys, reaches, rank = tree.keys, tree.reaches, item.rank
    start = bisect_left(keys, item.anchor)
    end = bisect_left(keys, True, start, key=lambda key: not key.startswith(item.anchor))
    for key in keys[start:end]:
        cut = reaches[key].cut
        if cut is None or not cut < rank:
            yield key


def _lineage(branches: Layered[str, Branch], lengths: Sequence[int], key: str) -> list[Branch]:
    """The branches of all anchors that a key begins with, its own last."""
    found = [branches.get(key[:length]) for length in lengths[: bisect_right(lengths, len(key))]]
    return [branch for branch in found if branch is not None]


def _reach(lineage: Sequence[Branch]) -> Reach:
    cut: Rank | None = None
    for branch in lineage:
        if branch.solid is not None and (cut is None or branch.solid < cut):
            cut = branch.solid
    return Reach(
        candidates=sum(branch.until(cut) for branch in lineage),
        borrowed=sum(branch.counting_until(cut) for branch in lineage[:-1]),
        cut=cut,
    )


def _entry(key: str, lineage: Iterable[Branch], cut: Rank | None) -> Part:
    found = [item for branch in lineage for item in branch.items[: branch.until(cut)]]
    found.sort(key=_rank)
    return entry(key, [item.body for item in found])
