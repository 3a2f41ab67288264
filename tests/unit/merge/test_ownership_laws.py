"""Nobody answers requests of others, whatever the documents, by the order in which Envoy asks the rules."""

from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from reconciler.merge import Merged, merge
from reconciler.model.match import HostMatch, MatchKind
from reconciler.model.ownership import Owners
from reconciler.model.problem import Code
from reconciler.model.resource import MappingResource
from reconciler.model.table import Route, RouteTable
from reconciler.table import build
from reconciler.table.matcher.conditions import first_failure
from reconciler.table.matcher.explain import Explanation, explain
from reconciler.table.matcher.seen import Seen, look_at
from tests.support.owned_tables import Owned, duel, owned


@dataclass(frozen=True)
class Claim:
    """A host and a prefix of a rule, and whose they are."""

    host: HostMatch
    prefix: str
    owners: Owners

    def is_around(self, other: "Claim") -> bool:
        """Whether another space lies in this one, and is less."""
        same = (self.host, self.prefix) == (other.host, other.prefix)
        return not same and self.host.covers(other.host) and other.prefix.startswith(self.prefix)

    def is_of(self, route: Route) -> bool:
        """Whether the author of a route may claim it."""
        folders = self.owners.paths
        return self.owners.everyone or any(route.provenance.path.startswith(f"{one}/") for one in folders)

    def holds(self, route: Route) -> bool:
        """Whether all a route asks for lies in it, as far as that is plain, and does not say that it comes last."""
        plain = route.path.kind is not MatchKind.REGEX and route.path.case_sensitive
        inside = route.path.value.startswith(self.prefix) and self.host.covers(route.host)
        return plain and inside and route.precedence >= 0


def _deciding(claims: list[Claim], seen: Seen) -> list[Claim]:
    """The claims that hold a request, but for those around others that do."""
    holding = [claim for claim in claims if claim.host.matches(seen.host) and seen.path.startswith(claim.prefix)]
    return [claim for claim in holding if not any(claim.is_around(one) for one in holding)]


def _may_stay_behind(claims: list[Claim], deciding: Claim, route: Route) -> bool:
    return deciding.prefix != "/" or any(one.is_around(deciding) and one.is_of(route) for one in claims)


def _rightful(table: RouteTable, found: Explanation, claims: list[Claim], route: Route) -> bool:
    """Whether a request is answered by an owner or belongs to nobody; if neither is right, this fails."""
    seen = look_at(found.request)
    assert seen is not None
    deciding = _deciding(claims, seen)
    if not deciding or any(claim.is_of(route) for claim in deciding):
        return True
    told = f"{route.name} of {route.provenance.path} answers {found.request} of {deciding}"
    assert all(_may_stay_behind(claims, one, route) for one in deciding), told
    listener = next(one for one in table.listeners if one.name == found.listener)
    rivals = next(one.routes for one in listener.virtual_hosts if one.host == found.virtual_host)
    assert all(first_failure(one, seen) for one in rivals if any(claim.holds(one) for claim in deciding)), told
    return False


def _count(repositories: Iterable[Owned]) -> tuple[int, int, int]:
    """How many Mappings are refused, and how many answers come from owners and from behind them."""
    refused = own = behind = 0
    for repository in repositories:
        merged = merge(repository.resources, [])
        table = build(merged.resources).table
        refused += len(_refused(merged))
        claims = [
            Claim(host, prefix, rule.owners)
            for rule in repository.rules
            for host in rule.hosts
            for prefix in rule.prefixes
        ]
        for request in repository.requests:
            found = explain(table, request)
            for candidate in found.candidates:
                mine = _rightful(table, found, claims, candidate.route)
                own += mine
                behind += not mine
    return refused, own, behind


def _refused(merged: Merged) -> set[str]:
    return {problem.resource for problem in merged.problems if problem.code is Code.NOT_OWNER}


@pytest.mark.parametrize("batch", range(4))
def test_no_request_is_answered_by_one_who_does_not_own_it(batch: int) -> None:
    """Unless its space is a part of a host, or the answer comes from around it; and then all inside come first."""
    refused, own, behind = _count(duel(seed) for seed in range(batch * 400, batch * 400 + 400))
    assert refused > 200
    assert own > 500
    assert behind > 20


def test_nor_among_documents_of_all_sorts() -> None:
    """With canaries, older versions, redirects, Hosts that select and Listeners."""
    refused, own, behind = _count(owned(seed, 30) for seed in range(60))
    assert refused > 50
    assert own > 200
    assert behind > 0


@pytest.mark.parametrize("batch", range(2))
def test_what_is_served_gives_no_right(batch: int) -> None:
    """Whatever was served before the Ownership came, the same documents are refused, and serve no more."""
    refused = 0
    for seed in range(batch * 100, batch * 100 + 100):
        resources = duel(seed).resources
        before = merge([one for one in resources if isinstance(one, MappingResource)], [])
        fresh, after = merge(resources, []), merge(resources, [], last_good=before.resources)
        assert _refused(after) == _refused(fresh)
        assert _refused(after).isdisjoint(str(one.origin.id) for one in after.resources)
        refused += len(_refused(after))
    assert refused > 20
