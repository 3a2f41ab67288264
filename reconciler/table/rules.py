"""Mappings as rules: in match order, each with its share of the requests of its group."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from reconciler.model.edge import Edge
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.rank import Rank
from reconciler.model.resource import ANY_HOST, Contest, MappingResource, contest
from reconciler.model.table import Action, Forward, Route
from reconciler.table.actions import action_of, mirrors_of
from reconciler.table.documents import Documents
from reconciler.table.order import in_match_order
from reconciler.table.policies import differing, policy_of
from reconciler.table.resolve.services import effective_policy
from reconciler.table.shares import thresholds

Rule: TypeAlias = tuple[Route, MappingResource]  # with the Mapping it is made of


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules in match order, and what was found in making them."""

    rules: Sequence[Rule]
    problems: Sequence[Problem]


def rules_of(mappings: Sequence[MappingResource], documents: Documents, edge: Edge) -> Rules:
    """The rules of Mappings; shadows have gone into the rules of their group.

    Args:
        mappings: settled; merge has seen to it that the weights of a group add up.
        documents: with all Hosts.
        edge: with its services, of which a route can ask only those there are.
    """
    selecting, implicit = documents.selecting, documents.implicit
    groups: dict[Contest, list[MappingResource]] = defaultdict(list)
    for mapping in mappings:
        groups[contest(mapping, selecting, implicit=implicit)].append(mapping)
    rules: list[Rule] = []
    problems: list[Problem] = []
    for rank, group in in_match_order(groups.values()):
        shadows = [member for member in group if member.shadow]
        mirrors = mirrors_of(shadows)
        actions = {m.origin.id: action for m in group if not m.shadow and (action := action_of(m, mirrors))}
        live = [member for member in group if member.origin.id in actions]
        if live:
            for place, (member, share) in enumerate(thresholds(live)):
                at = replace(rank, share=place) if place else rank
                rules.append((_route(member, at, share, actions[member.origin.id], edge), member))
            problems += differing(live)
            answered = [member for member in live if not isinstance(actions[member.origin.id], Forward)]
            problems += [_mirrored_answer(shadow, answered[0]) for shadow in shadows if answered]
    return Rules(rules, problems)


def _route(mapping: MappingResource, rank: Rank, threshold: int | None, action: Action, edge: Edge) -> Route:
    return Route(
        name=mapping.origin.id.qualified,
        id=mapping.origin.id,
        provenance=mapping.origin.provenance,
        host=mapping.host or ANY_HOST,
        path=mapping.path,
        method=mapping.method,
        headers=mapping.headers,
        query=mapping.query,
        precedence=mapping.precedence,
        threshold=threshold,
        action=action,
        policy=effective_policy(policy_of(mapping), action, edge),
        policies=mapping.policies,
        rank=rank,
    )


def _mirrored_answer(shadow: MappingResource, answered: MappingResource) -> Problem:
    what = "these" if answered.answer is not None else "a redirect"
    return Problem(
        Code.FIELD_IGNORED,
        Severity.WARNING,
        f"copies nothing of {answered.origin.id}: Envoy answers {what} by itself and mirrors only what it forwards",
        shadow.origin.provenance,
        field="spec.shadow",
        hint="Remove this Mapping, or copy the requests where they are forwarded",
        resource=str(shadow.origin.id),
        related=(answered.origin.provenance,),
    )
