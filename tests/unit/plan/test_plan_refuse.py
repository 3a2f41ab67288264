"""Which plans are refused, and what lifts a refusal."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.plan import Plan, RefusalReason
from reconciler.model.table import EMPTY_TABLE, RouteTable, VirtualHost
from reconciler.plan import BlastRadius
from tests.support.plans import compare, route, table

RADIUS = BlastRadius()


def numbered(count: int) -> RouteTable:
    """A table of that many routes."""
    return table([route(f"r{number:03}") for number in range(count)])


def planned(before: RouteTable, after: RouteTable, **options: Any) -> Plan:
    """A plan under the default limits."""
    return compare(before, after, blast_radius=RADIUS, **options)


def why(plan: Plan) -> list[RefusalReason]:
    """The reasons alone."""
    return [refusal.reason for refusal in plan.refusals]


def test_deleting_everything_is_refused() -> None:
    """An empty table in place of routes is refused whatever their number, and the flag names this plan."""
    plan = planned(numbered(2), EMPTY_TABLE)
    assert why(plan) == [RefusalReason.EMPTY_TABLE]
    assert "all routes (2) would be gone" in plan.refusals[0].message
    assert f"--allow-plan {plan.digest[7:19]}" in plan.refusals[0].message


def test_nothing_before_and_nothing_now_says_so() -> None:
    """A first revision without Mappings is refused with its own words."""
    plan = planned(EMPTY_TABLE, EMPTY_TABLE)
    assert why(plan) == [RefusalReason.EMPTY_TABLE]
    assert "no Mapping found" in plan.refusals[0].message


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [(10, 7, False), (10, 6, True), (9, 1, False), (100, 70, False), (100, 69, True)],
)
def test_deletions_beyond_the_share_are_refused(before: int, after: int, refused: bool) -> None:
    """More than 30 % is too many, once there are 10 routes; exactly 30 % is not."""
    plan = planned(numbered(before), numbered(after))
    assert why(plan) == ([RefusalReason.TOO_MANY_DELETES] if refused else [])


@pytest.mark.parametrize(("keeps", "refused"), [(7, None), (6, RefusalReason.TOO_MANY_DELETES), (0, "EmptyTable")])
def test_routes_that_answer_nowhere_count_as_deleted(keeps: int, refused: RefusalReason | None) -> None:
    """A Host that lets go of its Mappings takes as much away as deleting them."""
    before = numbered(10)
    host = VirtualHost(before.listeners[0].virtual_hosts[0].host, before.routes[:keeps])
    after = RouteTable((replace(before.listeners[0], virtual_hosts=(host,)),), before.routes, before.clusters)
    plan = planned(before, after)
    assert plan.changes == ()
    assert why(plan) == ([refused] if refused else [])


@pytest.mark.parametrize(("fast_forward", "refused"), [(True, False), (None, False), (False, True)])
def test_rewritten_history_is_refused(fast_forward: bool | None, refused: bool) -> None:
    """Only a definite "not an ancestor" is a rewrite."""
    plan = planned(numbered(2), numbered(3), fast_forward=fast_forward)
    assert why(plan) == ([RefusalReason.HISTORY_REWRITTEN] if refused else [])


@given(st.integers(0, 64), st.booleans(), st.booleans())
def test_only_enough_of_the_digest_lifts_a_refusal(digits: int, marked: bool, upper: bool) -> None:
    """At least 12 digits of this plan's digest allow it; the digest stays the same."""
    refused = planned(numbered(2), EMPTY_TABLE)
    given_name = refused.digest[7 : 7 + digits]
    name = ("sha256:" if marked else "") + (given_name.upper() if upper else given_name)
    plan = planned(numbered(2), EMPTY_TABLE, allowed=name)
    assert plan.digest == refused.digest
    assert (plan.refusals == ()) == (digits >= 12)


def test_another_plans_digest_lifts_nothing() -> None:
    """An override is for one plan only."""
    other = planned(numbered(3), EMPTY_TABLE)
    assert planned(numbered(2), EMPTY_TABLE, allowed=other.digest).refusals


def test_a_digest_names_content_not_place() -> None:
    """Equal plans have equal digests; a rewrite of history makes another plan of the same content."""
    plan = planned(numbered(2), numbered(3))
    assert plan.digest == planned(numbered(2), numbered(3)).digest
    assert plan.digest != planned(numbered(2), numbered(3), fast_forward=False).digest
    assert plan.digest != planned(numbered(2), numbered(4)).digest
