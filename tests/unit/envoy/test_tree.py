"""Rules by what paths begin with: the same answers as the list, and the same tree whichever way it came about."""

from dataclasses import replace

import pytest
from envoy.config.route.v3.route_components_pb2 import DirectResponseAction, Route, RouteList
from hypothesis import given
from hypothesis import strategies as st
from xds.type.matcher.v3.matcher_pb2 import Matcher

from reconciler.envoy.protobuf import serialise
from reconciler.envoy.routes.hosts import tree_field
from reconciler.envoy.routes.items import Item
from reconciler.envoy.routes.tree import EMPTY_TREE, WIDEST, Tree, graft, grow
from reconciler.envoy.routes.tree_format import matcher
from reconciler.envoy.wire_format import resource
from reconciler.model.resource import InsecureAction
from reconciler.model.seal import SMALL
from reconciler.model.snapshot import XdsResource
from reconciler.model.table import Guard

_ANCHORS = st.one_of(
    st.sampled_from(["", "/", "/a", "/a/", "/b", "/aé", "/a\U0010ffff"]), st.text("/ab", max_size=5).map("/".__add__)
)


def item(rank: int, anchor: str, *, takes_all: bool = False, counts: bool = False) -> Item:
    """An item whose route is named after its rank."""
    return Item(rank, anchor, takes_all, counts, serialise(Route(name=str(rank))))


_ITEMS = st.lists(
    st.builds(
        item, st.integers(0, 60), _ANCHORS, takes_all=st.booleans(), counts=st.sampled_from([False] * 9 + [True])
    ),
    unique_by=lambda item: str(item.rank),
    max_size=30,
)


def of(tree: Tree) -> Matcher:
    """What Envoy reads."""
    return Matcher.FromString(written(tree))


def written(tree: Tree) -> bytes:
    """What Envoy gets."""
    return resource("", matcher([run.part for run in tree.runs], tree.otherwise)).body


def candidates(found: Matcher.OnMatch) -> list[str]:
    """The names of the routes that are asked."""
    packed = found.action.typed_config
    if not packed.type_url:
        return []
    if packed.type_url.endswith(".Route"):
        return [Route.FromString(packed.value).name]
    return [route.name for route in RouteList.FromString(packed.value).routes]


def looked_up(found: Matcher, path: str) -> list[str]:
    """Those asked for a path: at the longest key it begins with."""
    entries = found.matcher_tree.prefix_match_map.map
    keys = [key for key in entries if path.startswith(key)]
    return candidates(entries[max(keys, key=len)] if keys else found.on_no_match)


def asked(items: list[Item], path: str) -> list[str]:
    """The items that a path may meet, in match order, until one takes it."""
    names = []
    for one in sorted(items, key=lambda one: str(one.rank).zfill(4)):
        if path.startswith(one.anchor):
            names.append(Route.FromString(one.body).name)
            if one.takes_all:
                break
    return names


@given(_ITEMS, st.lists(_ANCHORS, max_size=10))
def test_a_tree_asks_whom_the_list_would_ask(items: list[Item], paths: list[str]) -> None:
    """For every path: the items with an anchor it begins with, in order, up to the first that takes all."""
    tree = grow(items)
    if tree.fit:
        found = of(tree)
        for path in (*paths, *(one.anchor for one in items), "*", ""):
            assert looked_up(found, path) == asked(items, path)
        assert tree.candidates == sum(len(asked(items, key)) for key in tree.keys)


@given(_ITEMS)
def test_bytes_are_those_of_the_message(items: list[Item]) -> None:
    """Put together from entries, they hold each once; without the order of the map, they are what protobuf writes."""
    tree = grow(items)
    if tree.fit:
        for key in tree.keys:
            message = of(tree)
            kept = message.matcher_tree.prefix_match_map.map
            for other in tree.keys:
                if other != key and other:
                    del kept[other]
            entry = [run.entries()[key] for run in tree.runs if key in run.keys]
            assert serialise(message) == resource("", matcher(entry, tree.otherwise)).body
        assert len(serialise(of(tree))) == len(written(tree))


@given(_ITEMS, st.lists(st.tuples(_ITEMS, st.lists(st.integers(0, 60))), max_size=3))
def test_grafted_is_as_grown(items: list[Item], steps: list[tuple[list[Item], list[int]]]) -> None:
    """Items come, go and change, one or many: the tree is that of those it then has."""
    by_rank = {one.rank: one for one in items}
    tree = grow(items)
    for come, go in steps:
        after = {rank: one for rank, one in by_rank.items() if rank not in go} | {one.rank: one for one in come}
        gone = [one for rank, one in by_rank.items() if after.get(rank) != one]
        new = [one for rank, one in after.items() if by_rank.get(rank) != one]
        before = replace(tree)
        grafted = graft(tree, gone, new)
        assert tree == before
        assert grafted == grow(after.values())
        tree, by_rank = grafted, after


@given(
    _ITEMS,
    st.lists(st.sampled_from([0, 300, SMALL, 3 * SMALL]), min_size=1, max_size=3),
    st.sampled_from([None, Guard(InsecureAction.REDIRECT, by_header=True)]),
)
def test_a_tree_is_sealed_as_its_bytes(items: list[Item], sizes: list[int], guard: Guard | None) -> None:
    """With small and large routes, alone and with a guard before it, after a change, too."""
    bodies = [serialise(Route(direct_response=DirectResponseAction(body={"inline_bytes": b"a" * n}))) for n in sizes]
    heavy = [replace(one, body=one.body + bodies[number % len(bodies)]) for number, one in enumerate(items)]
    for tree in (grow(heavy), graft(grow(items), items[:3], heavy[:3])):
        if tree.fit:
            found = resource("name", [tree_field(tree, guard)])
            assert found == XdsResource.of("name", found.body)


def test_one_change_leaves_other_entries_alone() -> None:
    """A rule below a prefix of its own renews one run of many; the others are the same objects."""
    tree = grow(item(number, f"/team/{number:04}/", takes_all=True) for number in range(1000))
    other = replace(item(7, "/team/0007/"), body=serialise(Route(name="other")))
    changed = graft(tree, [item(7, "/team/0007/", takes_all=True)], [other])
    assert len(tree.runs) > 5
    (differing,) = (pair for pair in zip(tree.runs, changed.runs, strict=True) if pair[0] is not pair[1])
    before, after = (run.entries() for run in differing)
    assert [key for key in before if before[key] != after[key]] == ["/team/0007/"]


def test_what_is_not_there_cannot_go() -> None:
    """The caller's mistake is told at once."""
    with pytest.raises(ValueError, match="not in list"):
        graft(grow([item(1, "/a")]), [item(2, "/a")], [])


def test_what_does_not_fit() -> None:
    """Nothing to look up; copies of a route that counts; far more candidates than rules, until there are fewer."""
    assert not EMPTY_TREE.fit
    assert not grow([item(1, "")]).fit
    counting = item(1, "/", counts=True)
    assert grow([counting, item(2, "/", takes_all=True)]).fit
    assert not grow([counting, item(2, "/a")]).fit
    assert grow([counting, item(0, "/a", takes_all=True)]).fit
    patterns = [item(number, "") for number in range(WIDEST + 1)]
    paths = [item(100 + number, f"/{number:03}", takes_all=True) for number in range(100)]
    wide = grow([*patterns, *paths])
    assert (wide.fit, wide.runs) == (False, ())
    narrow = graft(wide, patterns[1:], [])
    assert narrow.fit
    assert narrow == grow([patterns[0], *paths])
