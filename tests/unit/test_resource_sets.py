"""Resource sets that are made from others: the same as made anew, whatever came, went and changed."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.apply.xds.memory import Memory
from reconciler.apply.xds.subscription import Subscription, select
from reconciler.model.digest import digest_bytes
from reconciler.model.digest_tree import EMPTY_TREE, DigestTree
from reconciler.model.snapshot import EMPTY_SNAPSHOT, ResourceSet, Snapshot, TypeUrl, XdsResource

# Enough names that some share a bucket, few enough that most are met again.
NAMES = st.integers(0, 2000).map(str)
CONTENTS = st.dictionaries(NAMES, st.integers(0, 3), max_size=60)
CHANGES = st.lists(st.tuples(st.sets(NAMES, max_size=9), st.dictionaries(NAMES, st.integers(0, 3), max_size=9)))


def resources(content: dict[str, int]) -> list[XdsResource]:
    """Resources of these names and contents."""
    return [XdsResource.of(name, str(version).encode()) for name, version in content.items()]


@given(CONTENTS, CHANGES)
def test_a_set_with_changes_is_the_set_made_anew(content: dict[str, int], changes: list) -> None:  # type: ignore[type-arg]
    """Content, order, version and tree, over any changes one after the other."""
    changed = ResourceSet.of(resources(content))
    for removed, put in changes:
        changed = changed.with_changes(removed, resources(put))
        content = {name: version for name, version in content.items() if name not in removed} | put
        anew = ResourceSet.of(resources(content))
        assert (changed, list(changed.resources)) == (anew, list(anew.resources))
        assert changed.tree == anew.tree


@given(CONTENTS, CONTENTS)
def test_what_differs_is_what_differs(one: dict[str, int], other: dict[str, int]) -> None:
    """Exactly the names that one lacks or has otherwise, from either side."""
    expected = {name for name, _ in one.items() ^ other.items()}
    first, second = ResourceSet.of(resources(one)), ResourceSet.of(resources(other))
    assert first.differing(second) == second.differing(first) == expected
    assert (first.version == second.version) == (not expected)


def test_a_name_that_looks_like_two_is_one() -> None:
    """Whatever stands in a name, no other set has the same digest."""
    digest = digest_bytes(b"")
    bucket = {"a": digest, "b": digest}
    for name in ("ab", f"a{len(digest)}:{digest}1:b", "a\nb"):
        assert DigestTree.of({name: digest}).digest != DigestTree.of(bucket).digest
    assert DigestTree.of({}) == EMPTY_TREE


@given(CONTENTS, CONTENTS)
def test_a_snapshot_with_changes_is_the_snapshot_made_anew(one: dict[str, int], other: dict[str, int]) -> None:
    """Types that are not named stay."""
    first = {TypeUrl.CLUSTER: ResourceSet.of(resources(one))}
    second = {TypeUrl.ROUTE: ResourceSet.of(resources(other))}
    assert Snapshot.of(first).with_changes(second) == Snapshot.of({**first, **second})
    assert EMPTY_SNAPSHOT.with_changes({}) == EMPTY_SNAPSHOT


@given(st.lists(CONTENTS, max_size=5), st.sets(NAMES, max_size=40))
def test_a_selection_made_from_the_one_before_is_the_one_made_anew(
    contents: list[dict[str, int]], names: set[str]
) -> None:
    """Of served sets one after the other, for one subscription; also the very same object where that is all."""
    memory, subscription = Memory(), Subscription(frozenset(names), named=True)
    for content in contents:
        served = ResourceSet.of(resources(content))
        memory.remember(TypeUrl.ROUTE, served)
        chosen = memory.select(TypeUrl.ROUTE, served, subscription)
        assert chosen == select(served, subscription)
        assert (chosen is served) == (content.keys() <= names)


def test_memory_is_bounded_by_names_too() -> None:
    """Two sets that are too large together: the older one goes, the newer stays however large."""
    memory = Memory(limit=10, names=5)
    large = [ResourceSet.of(resources({f"{number}-{part}": 1 for number in range(4)})) for part in "ab"]
    for each in large:
        memory.remember(TypeUrl.CLUSTER, each)
    assert [memory.recall(TypeUrl.CLUSTER, each.version) for each in large] == [None, large[1]]
