"""Mappings that ask for the same requests: conflicts, weights, shadows, and what they fall back to."""

from reconciler.merge import ConflictPolicy, Merged, merge
from reconciler.model.problem import Code, Severity
from reconciler.model.resource import MappingResource, Redirect, Rejected
from tests.support.mappings import host, mapping, mapping_id


def served(merged: Merged) -> dict[str, int | None]:
    """Name → weight of every Mapping that is served."""
    return {r.origin.id.name: r.weight for r in merged.resources if isinstance(r, MappingResource)}


def quarantined(merged: Merged) -> dict[str, bool]:
    """Name → whether an older version serves."""
    return {id_.name: older for id_, older in merged.quarantined}


def codes(merged: Merged) -> list[Code]:
    """The codes of all problems."""
    return [problem.code for problem in merged.problems]


def test_of_two_that_ask_for_the_same_the_older_wins() -> None:
    """The younger is quarantined by an ERROR at its place, which names the place of the winner."""
    old, young = mapping("z", day=1), mapping("a", day=2)
    merged = merge([young, old], [])
    assert merged.resources == (old,)
    assert quarantined(merged) == {"a": False}
    (problem,) = merged.problems
    assert (problem.code, problem.severity, problem.resource) == (Code.CONFLICT, Severity.ERROR, "Mapping default/a")
    assert problem.provenance == young.origin.provenance
    assert problem.related == (old.origin.provenance,)
    assert "routes/z.yaml" in problem.message


def test_among_equally_old_ones_the_name_decides_and_no_commit_is_last() -> None:
    """Age, then name; what has no commit is the youngest."""
    assert list(served(merge([mapping("b"), mapping("a"), mapping("c")], []))) == ["a"]
    assert list(served(merge([mapping("b", day=9), mapping("a", day=None)], []))) == ["b"]


def test_what_is_served_does_not_lose_to_an_older_newcomer() -> None:
    """Neither by being edited (its touch gets younger) nor when an old branch is merged."""
    was, newcomer = mapping("a", day=5), mapping("b", day=2)
    assert list(served(merge([was, newcomer], [], last_good=[was]))) == ["a"]
    edited = mapping("a", day=9, version=2)
    assert merge([edited, newcomer], [], last_good=[was]).resources == (edited,)


def test_a_loser_falls_back_to_the_version_that_disturbs_nobody() -> None:
    """A Mapping that moves onto another's requests stays where it was."""
    other, was, moved = mapping("a", "/a/"), mapping("b", "/b/"), mapping("b", "/a/", day=2)
    merged = merge([other, moved], [], last_good=[other, was])
    assert merged.resources == (other, was)
    assert quarantined(merged) == {"b": True}


def test_a_loser_whose_old_requests_are_taken_is_absent() -> None:
    """A guest gives way to what this revision puts in its place."""
    other, was, moved, heir = mapping("a", "/a/"), mapping("b", "/b/"), mapping("b", "/a/", day=2), mapping("c", "/b/")
    merged = merge([other, moved, heir], [], last_good=[other, was])
    assert merged.resources == (other, heir)
    assert quarantined(merged) == {"b": False}
    assert codes(merged) == [Code.CONFLICT]


def test_a_rejected_mapping_keeps_its_requests() -> None:
    """What stands in for a broken document does not lose to a newcomer with the same match."""
    was, newcomer = mapping("a"), mapping("b", day=0)
    merged = merge([newcomer], [Rejected("routes/a.yaml", mapping_id("a"))], last_good=[was])
    assert merged.resources == (was,)
    assert quarantined(merged) == {"a": True, "b": False}


def test_split_keeps_all_and_warns() -> None:
    """`conflicts: split` serves both; the second says so."""
    merged = merge([mapping("a"), mapping("b")], [], conflicts=ConflictPolicy.SPLIT)
    assert list(served(merged)) == ["a", "b"]
    assert [(p.code, p.severity, p.resource) for p in merged.problems] == [
        (Code.CONFLICT, Severity.WARNING, "Mapping default/b")
    ]
    assert merged.quarantined == ()


def test_a_canary_is_no_conflict() -> None:
    """One without weight beside weighted ones takes the rest."""
    merged = merge([mapping("a"), mapping("b", weight=20), mapping("c", weight=30)], [])
    assert served(merged) == {"a": None, "b": 20, "c": 30}
    assert merged.problems == ()


def test_redirects_take_part_in_groups() -> None:
    """A redirect and a forward with the same match are a conflict like any other."""
    assert codes(merge([mapping("a"), mapping("b", redirect=Redirect("n.test"))], [])) == [Code.CONFLICT]


def test_weights_that_leave_requests_out_are_an_error_that_tells_the_sum() -> None:
    """20 + 30: nothing of a new group is served; every member is named with its weight."""
    merged = merge([mapping("a", weight=20), mapping("b", weight=30)], [])
    assert merged.resources == ()
    assert quarantined(merged) == {"a": False, "b": False}
    (problem,) = merged.problems
    assert (problem.code, problem.severity, problem.got) == (Code.WEIGHTS, Severity.ERROR, "50")
    assert "default/a 20, default/b 30" in problem.message
    assert "50" in problem.hint


def test_weights_of_more_than_all_requests_are_an_error() -> None:
    """70 + 50, and 70 + 50 beside one without weight."""
    both = [mapping("a", weight=70), mapping("b", weight=50)]
    for resources in (both, [*both, mapping("c")]):
        merged = merge(resources, [])
        assert merged.resources == ()
        assert [(p.code, p.got) for p in merged.problems] == [(Code.WEIGHTS, "120")]
        assert "Take 20 off" in merged.problems[0].hint


def test_a_lonely_weight_below_100_is_an_error() -> None:
    """It would leave the other requests unanswered; 100 is fine."""
    assert codes(merge([mapping("a", weight=50)], [])) == [Code.WEIGHTS]
    assert merge([mapping("a", weight=100)], []).problems == ()


def test_weights_of_all_requests_beside_one_without_weight_are_a_warning() -> None:
    """The canary at 100 before the old Mapping is removed: served, and said."""
    merged = merge([mapping("a"), mapping("b", weight=100)], [])
    assert served(merged) == {"a": None, "b": 100}
    assert [(p.code, p.severity, p.resource) for p in merged.problems] == [
        (Code.WEIGHTS, Severity.WARNING, "Mapping default/a")
    ]


def test_bad_weights_put_the_group_back_as_a_whole() -> None:
    """90/10 served, 90 becomes 50: both stay; only the changed one is quarantined and blamed."""
    last_good = [mapping("a", weight=10), mapping("b", weight=90)]
    merged = merge([mapping("a", weight=10), mapping("b", weight=50)], [], last_good=last_good)
    assert served(merged) == {"a": 10, "b": 90}
    assert quarantined(merged) == {"b": True}
    assert [p.resource for p in merged.problems] == ["Mapping default/b"]
    assert "stay served" in merged.problems[0].message


def test_a_deleted_member_comes_back_while_the_rest_does_not_add_up() -> None:
    """Deleting the 10 of 90/10 would lose a tenth of the requests: both stay until the 90 is changed."""
    last_good = [mapping("a", weight=10), mapping("b", weight=90)]
    merged = merge([mapping("b", weight=90)], [], last_good=last_good)
    assert served(merged) == {"a": 10, "b": 90}
    assert quarantined(merged) == {"a": True}
    assert codes(merged) == [Code.WEIGHTS]
    assert served(merge([mapping("b", weight=100)], [], last_good=last_good)) == {"b": 100}


def test_a_member_that_moved_away_comes_back_and_a_newcomer_yields() -> None:
    """The group is exactly what it was: the moved one returns, the new one is absent."""
    last_good = [mapping("a", weight=10), mapping("b", weight=90)]
    now = [mapping("a", "/y/", weight=100), mapping("b", weight=90), mapping("c", weight=5)]
    merged = merge(now, [], last_good=last_good)
    assert served(merged) == {"a": 10, "b": 90}
    assert quarantined(merged) == {"a": True, "c": False}


def test_a_group_whose_last_good_does_not_add_up_either_is_absent() -> None:
    """Served by more generous rules before: now nothing adds up, and nothing is served."""
    last_good = [mapping("b", weight=90)]
    merged = merge([mapping("a", weight=20), mapping("b", weight=90)], [], last_good=last_good)
    assert merged.resources == ()
    assert quarantined(merged) == {"a": False, "b": False}


def test_a_newcomer_to_the_weights_goes_back_to_where_it_was() -> None:
    """It overfills the group; its own last good requests are still free."""
    last_good = [mapping("a", weight=10), mapping("b", weight=90), mapping("c", "/y/")]
    merged = merge([*last_good[:2], mapping("c", weight=5)], [], last_good=last_good)
    assert merged.resources == tuple(last_good)
    assert quarantined(merged) == {"c": True}


def test_of_two_members_the_unchanged_one_is_senior() -> None:
    """A canary that drops its weight, by a commit older than the other's, falls back; the other is left alone."""
    last_good = [mapping("a", day=5), mapping("b", weight=10, day=1)]
    merged = merge([last_good[0], mapping("b", day=2)], [], last_good=last_good)
    assert served(merged) == {"a": None, "b": 10}
    assert quarantined(merged) == {"b": True}


def test_a_group_is_put_back_even_when_a_member_had_to_leave_it() -> None:
    """Its old share was in the way of a newcomer's, until the newcomer was called back by its own group."""
    last_good = [
        mapping("a", "/z/"),
        mapping("b", weight=10),
        mapping("c", weight=90),
        mapping("e", "/y/", weight=50),
        mapping("f", "/y/", weight=50),
    ]
    now = [last_good[0], mapping("b", "/z/", day=2), mapping("c", weight=60), mapping("e", weight=40), last_good[4]]
    merged = merge(now, [], last_good=last_good)
    assert merged.resources == tuple(last_good)
    assert quarantined(merged) == {"b": True, "c": True, "e": True}


def test_a_guest_does_not_break_the_weights_of_others() -> None:
    """It lost elsewhere, and its old share is taken: it is the one to go."""
    last_good = [mapping("a", "/y/"), mapping("b", weight=10), mapping("c", weight=90)]
    now = [mapping("a", "/y/"), mapping("b", "/y/", day=2), mapping("c", weight=100)]
    merged = merge(now, [], last_good=last_good)
    assert served(merged) == {"a": None, "c": 100}
    assert quarantined(merged) == {"b": False}
    assert codes(merged) == [Code.CONFLICT]


def test_a_shadow_needs_something_to_copy() -> None:
    """Alone it is an error and absent; several beside a Mapping are fine."""
    merged = merge([mapping("a", shadow=True)], [])
    assert (merged.resources, quarantined(merged), codes(merged)) == ((), {"a": False}, [Code.SHADOW_ONLY])
    both = [mapping("a", shadow=True), mapping("b", shadow=True, weight=10), mapping("c")]
    assert merge(both, []).problems == ()


def test_mappings_that_labels_send_to_different_hosts_do_not_meet() -> None:
    """Same match, different Hosts: no conflict. Without the selectors there is one."""
    mappings = [mapping("a", host=None, labels={"l": "1"}), mapping("b", host=None, labels={"l": "2"})]
    hosts = [host("h1", "a.test", selector={"l": "1"}), host("h2", "b.test", selector={"l": "2"})]
    assert merge([*mappings, *hosts], []).problems == ()
    assert codes(merge(mappings, [])) == [Code.CONFLICT]
