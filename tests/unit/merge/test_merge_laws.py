"""What holds for every input."""

from collections import defaultdict
from collections.abc import Iterable
from random import Random
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from reconciler.merge import ConflictPolicy, merge
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.resource import Contest, MappingResource, Rejected, Resource, ResourceId, contest
from tests.support.mappings import NAMES, mapping_id, mappings, provenance

PATHS = st.sampled_from(["shared.yaml", *(f"routes/{name}.yaml" for name in NAMES)])
RESOURCES = st.lists(mappings(hosts=("*", "a.test")), max_size=6)
REJECTED = st.lists(st.builds(Rejected, PATHS, st.sampled_from([None, *map(mapping_id, NAMES)])), max_size=2)
HELD = st.dictionaries(
    st.sampled_from([mapping_id(name) for name in NAMES]),
    st.just(Problem(Code.ENVOY_REJECTED, Severity.ERROR, "no", provenance("a"))),
    max_size=2,
)
POLICY = st.sampled_from(ConflictPolicy)


T = TypeVar("T")


def _shuffled(items: Iterable[T], random: Random) -> list[T]:
    shuffled = list(items)
    random.shuffle(shuffled)
    return shuffled


def contests(resources: tuple[Resource, ...]) -> dict[Contest, list[MappingResource]]:
    """The Mappings by what they compete for."""
    found: dict[Contest, list[MappingResource]] = defaultdict(list)
    for resource in resources:
        if isinstance(resource, MappingResource):
            found[contest(resource, ())].append(resource)
    return found


@given(RESOURCES, RESOURCES, REJECTED, HELD, st.lists(PATHS, max_size=2), POLICY, st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(
    now: list[MappingResource],
    before: list[MappingResource],
    rejected: list[Rejected],
    held: dict[ResourceId, Problem],
    unreadable: list[str],
    policy: ConflictPolicy,
    random: Random,
) -> None:
    """Any order of any input gives the same result."""
    last_good = list(merge(before, [], conflicts=policy).resources)
    results = set()
    for _ in range(3):
        holds = {key: held[key] for key in _shuffled(held, random)}
        results.add(merge(now, rejected, last_good=last_good, held=holds, unreadable=unreadable, conflicts=policy))
        now, rejected = _shuffled(now, random), _shuffled(rejected, random)
        last_good, unreadable = _shuffled(last_good, random), _shuffled(unreadable, random)
    assert len(results) == 1


@given(RESOURCES, RESOURCES, REJECTED, HELD, POLICY)
def test_what_is_served_is_sound(
    now: list[MappingResource],
    before: list[MappingResource],
    rejected: list[Rejected],
    held: dict[ResourceId, Problem],
    policy: ConflictPolicy,
) -> None:
    """Each identity once, sorted; no group that loses requests, is over-full, contested or a copy of nothing."""
    last_good = merge(before, [], conflicts=policy).resources
    merged = merge(now, rejected, last_good=last_good, held=held, conflicts=policy)
    ids = [resource.origin.id for resource in merged.resources]
    assert ids == sorted(set(ids))
    for members in contests(merged.resources).values():
        live = [m for m in members if not m.shadow]
        plain = [m for m in live if m.weight is None]
        weight = sum(m.weight or 0 for m in live)
        assert live
        assert len(plain) <= 1 or policy is ConflictPolicy.SPLIT
        assert weight == 100 or (plain and weight <= 100)


@given(RESOURCES, RESOURCES, REJECTED, HELD, POLICY)
def test_nothing_goes_missing_without_a_word(
    now: list[MappingResource],
    before: list[MappingResource],
    rejected: list[Rejected],
    held: dict[ResourceId, Problem],
    policy: ConflictPolicy,
) -> None:
    """What is defined is served as some document has it, or is listed as quarantined, truthfully."""
    last_good = {r.origin.id: r for r in merge(before, [], conflicts=policy).resources}
    merged = merge(now, rejected, last_good=list(last_good.values()), held=held, conflicts=policy)
    served = {resource.origin.id: resource for resource in merged.resources}
    quarantined = dict(merged.quarantined)
    for resource in now:
        id_ = resource.origin.id
        assert id_ in quarantined or served.get(id_) in now
    for id_, older in quarantined.items():
        assert served.get(id_) == (last_good[id_] if older else None)


@given(RESOURCES, POLICY)
def test_what_was_served_is_served_again_unchanged(now: list[MappingResource], policy: ConflictPolicy) -> None:
    """Merging the same revision again on top of itself changes nothing."""
    once = merge(now, [], conflicts=policy)
    again = merge(now, [], last_good=once.resources, conflicts=policy)
    assert again == once


@given(RESOURCES, RESOURCES)
def test_newcomers_take_nothing_from_what_is_served(
    before: list[MappingResource], added: list[MappingResource]
) -> None:
    """Adding plain Mappings to a sound revision keeps every Mapping that was served without weights."""
    served = merge([m for m in before if m.weight is None], []).resources
    known = {resource.origin.id for resource in served}
    fresh = [m for m in added if m.weight is None and m.origin.id not in known]
    assert set(served) <= set(merge([*served, *fresh], [], last_good=served).resources)
