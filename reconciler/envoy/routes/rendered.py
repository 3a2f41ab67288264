"""Virtual hosts with what was made of their rules, so that a changed one is not rendered with all its neighbours."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from reconciler.envoy.options import Routing
from reconciler.envoy.routes.configuration import virtual_host_field
from reconciler.envoy.routes.hosts import head, list_field, tree_field, tree_wanted
from reconciler.envoy.routes.items import Item, item
from reconciler.envoy.routes.layered import Layered
from reconciler.envoy.routes.probes import in_order, probe_route
from reconciler.envoy.routes.route import route
from reconciler.envoy.routes.tree import Tree, graft, grow
from reconciler.envoy.wire_format import NO_FIELDS, Part
from reconciler.model.edge import Probe
from reconciler.model.rank import FIRST, Rank
from reconciler.model.resource import ResourceId
from reconciler.model.table import Route, VirtualHost

Items = Layered[ResourceId, Item]


@dataclass(frozen=True, slots=True)
class HostRules:
    """What is rendered of a virtual host.

    Attributes:
        host: the virtual host.
        items: its rules, by Mapping.
        checks: those of the edge itself among them.
        probes: the same, rendered, by prefix.
        tree: the same rules as a tree; None where they are a list.
        field: the whole, as a route configuration has it.
    """

    host: VirtualHost
    items: Items
    checks: Sequence[Probe]
    probes: Mapping[str, Item]
    tree: Tree | None
    field: Part


def host_rules(host: VirtualHost, checks: Sequence[Probe] = (), routing: Routing = Routing.AUTO) -> HostRules:
    """One virtual host: its guard, then its rules in match order, and the checks where a Mapping would stand."""
    ranks = _ranks(host, checks)
    items = Layered.of({rule.id: item(route(rule, host.host), ranks.get(rule, rule.rank)) for rule in host.routes})
    probes = {probe.prefix: item(probe_route(probe), ranks.get(probe, _probe_rank(probe))) for probe in checks}
    wanted = tree_wanted(routing, len(items) + len(probes))
    tree = grow(_all(items, probes)) if wanted else None
    return _assembled(HostRules(host, items, checks, probes, tree, NO_FIELDS))


def edited(
    before: HostRules, host: VirtualHost, gone: Sequence[Route], come: Sequence[Route], routing: Routing
) -> HostRules:
    """The same as `host_rules` of a virtual host of which only some rules differ.

    Args:
        before: what was rendered of it.
        host: as it is now, with the same guard.
        gone: rules that it had.
        come: rules that it has instead.
        routing: as before.
    """
    removed = [before.items[rule.id] for rule in gone]
    added = {rule.id: item(route(rule, host.host), rule.rank) for rule in come}
    items = before.items.with_changes([rule.id for rule in gone if rule.id not in added], added)
    tree = None
    if tree_wanted(routing, len(items) + len(before.probes)):
        everything = _all(items, before.probes)
        tree = grow(everything) if before.tree is None else graft(before.tree, removed, added.values())
    return _assembled(replace(before, host=host, items=items, tree=tree))


def _all(items: Items, probes: Mapping[str, Item]) -> Iterator[Item]:
    return chain((one for _, one in items.items()), probes.values())


def _assembled(rules: HostRules) -> HostRules:
    host, tree = rules.host, rules.tree
    if tree is not None and tree.fit:
        return replace(rules, field=virtual_host_field([head(host), tree_field(tree, host.guard)]))
    ordered = in_order(host.routes, rules.checks)
    bodies = (rules.probes[one.prefix] if isinstance(one, Probe) else rules.items[one.id] for one in ordered)
    listed = list_field([one.body for one in bodies], host.guard)
    return replace(rules, field=virtual_host_field([head(host), listed]))


def _ranks(host: VirtualHost, checks: Sequence[Probe]) -> Mapping[Route | Probe, Rank]:
    """By position, where rules were put in order by hand and have no ranks."""
    if all(rule.rank is not FIRST for rule in host.routes):
        return {}
    return {one: Rank((-position,)) for position, one in enumerate(in_order(host.routes, checks))}


def _probe_rank(probe: Probe) -> Rank:
    """Behind all rules that are as strong (`Probe.precedes`): their specificity goes on after these two numbers."""
    return Rank((0, len(probe.prefix)), (0, False, probe.prefix))
