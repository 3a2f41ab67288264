"""Each part of a Mapping is said by one MappingPolicy."""

from dataclasses import replace

from reconciler.merge import merge
from reconciler.model.mapping_policy import MappingPolicyResource
from reconciler.model.origin import Kind, Origin, ResourceId
from reconciler.model.policy import Cors, DirectResponse, LocalLimit
from reconciler.model.problem import Code
from reconciler.model.resource import Rejected
from tests.support.mappings import mapping, provenance

LIMIT = LocalLimit(1, 1, 1000)


def policy(name: str, *mappings: str, day: int = 1, **parts: object) -> MappingPolicyResource:
    """A MappingPolicy; its parts are its document."""
    document = repr((mappings, sorted(parts.items()))).encode()
    origin = Origin(ResourceId(Kind.MAPPING_POLICY, "default", name), provenance(name, day), document)
    return replace(MappingPolicyResource(origin, mappings), **parts)  # type: ignore[arg-type] # a test names fields it knows


def _served(*resources: object, last_good: tuple[object, ...] = ()) -> tuple[list[str], list[str]]:
    """Names of the policies that are served, and who lost."""
    merged = merge(list(resources), [], last_good=list(last_good))  # type: ignore[arg-type] # resources all
    names = [one.origin.id.name for one in merged.resources if isinstance(one, MappingPolicyResource)]
    assert {problem.code for problem in merged.problems} <= {Code.CONFLICT}
    return names, [problem.resource.rpartition("/")[2] for problem in merged.problems]


def test_other_parts_and_other_mappings_do_not_meet() -> None:
    """Only the same part of the same Mapping is a conflict."""
    two = mapping("a"), mapping("b", "/b/")
    limits, cors = policy("limits", "a", local_rate_limit=LIMIT), policy("cors", "a", cors=Cors(()))
    assert _served(*two, limits, cors, policy("more", "b", local_rate_limit=LIMIT)) == (["cors", "limits", "more"], [])


def test_the_older_holds_then_the_first_by_name() -> None:
    """As everywhere; the other says nothing at all."""
    old, young = policy("z", "a", day=1, local_rate_limit=LIMIT), policy("b", "a", day=2, local_rate_limit=LIMIT)
    assert _served(mapping("a"), young, old) == (["z"], ["b"])
    assert _served(mapping("a"), policy("c", "a", day=2, local_rate_limit=LIMIT), young) == (["b"], ["c"])


def test_what_is_served_holds() -> None:
    """Touching the own policy, or merging an old branch, does not hand its Mapping to a rival."""
    served, rival = policy("z", "a", day=9, local_rate_limit=LIMIT), policy("b", "a", day=1, local_rate_limit=LIMIT)
    assert _served(mapping("a"), served, rival, last_good=(mapping("a"), served)) == (["z"], ["b"])
    edited = policy("z", "a", day=9, local_rate_limit=LocalLimit(2, 2, 1000))
    assert _served(mapping("a"), edited, rival, last_good=(mapping("a"), served)) == (["z"], ["b"])


def test_labels_meet_names() -> None:
    """Whichever way a Mapping is chosen; of Mappings that are not there nobody says anything."""
    by_label = replace(policy("labels", local_rate_limit=LIMIT, day=2), selector=(("l", "1"),))
    by_name = policy("names", "a", local_rate_limit=LIMIT)
    assert _served(mapping("a", labels={"l": "1"}), by_label, by_name) == (["names"], ["labels"])
    assert _served(mapping("a"), by_label, by_name) == (["labels", "names"], [])


def test_a_broken_version_keeps_the_last_good_one() -> None:
    """Maintenance does not end, and a limit is not lifted, by a slip of the pen."""
    closed = policy("p", "a", maintenance=DirectResponse(503))
    merged = merge([mapping("a")], [Rejected("p.yaml", closed.origin.id)], last_good=[mapping("a"), closed])
    assert closed in merged.resources
    assert merged.quarantined == ((closed.origin.id, True),)
