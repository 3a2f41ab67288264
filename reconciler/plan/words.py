"""The words that all renderings of a plan share, made safe to show.

Names, values and authors come from files anybody may propose: nothing of them reaches a terminal or a page unescaped.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from reconciler.model.plan import Change, FieldChange, HostChange, Op, Plan
from reconciler.model.text import plural, printable
from reconciler.plan.fields import ABSENT

SYMBOLS: Mapping[Op, str] = MappingProxyType({Op.CREATE: "+", Op.UPDATE: "~", Op.DELETE: "-"})
_DONE: Mapping[Op, str] = MappingProxyType({Op.CREATE: "created", Op.UPDATE: "updated", Op.DELETE: "deleted"})

_LISTED = 10


def value(field: FieldChange, text: str) -> str:
    """One side of a field change; an absent one in words."""
    return printable(text) if text else ABSENT.get(field.field, "none")


def place(change: Change) -> str:
    """Where the route was written, with the commit that last touched it."""
    if change.after is not None:
        return printable(str(change.after))
    return f"was {printable(str(change.before))}" if change.before is not None else "unknown place"


def policies(change: Change) -> tuple[str, ...]:
    """The MappingPolicies that have a say in the route, each with its place."""
    return tuple(printable(f"policy {policy.name}  {policy.provenance}") for policy in change.policies)


def subject(change: HostChange) -> str:
    """Which listener or virtual host."""
    if not change.host:
        return f"listener {printable(change.listener)}"
    return f"virtual host {printable(change.host)} on {printable(change.listener)}"


def moved(change: HostChange) -> tuple[str, ...]:
    """Sentences on routes that began or ceased to answer there."""
    found = []
    if change.gained:
        found.append(f"now also answers: {_listed(change.gained)}")
    if change.lost:
        found.append(f"no longer answers: {_listed(change.lost)}")
    return tuple(found)


def summary(plan: Plan) -> str:
    """The plan in one line."""
    if plan.empty:
        return f"No changes: what is served is what is desired ({plural(plan.routes_after, 'route')})."
    if not plan.changes and not plan.hosts and not plan.edge:
        return "No change in routing; only metadata, such as the commit a route was last touched by."
    counts = ", ".join(f"{plan.count(op)} to {op}" for op in Op)
    others = len(plan.hosts) + len(plan.edge)
    around = f"; {plural(others, 'change')} around them" if others else ""
    return f"{counts}; {plan.routes_before} → {plural(plan.routes_after, 'route')}{around}."


def resources(plan: Plan) -> str:
    """The Envoy resources that are sent or removed, counted by type; empty when there are none."""
    counted = Counter((change.type_url.rpartition(".")[2], change.op) for change in plan.resources)
    return ", ".join(f"{count} {kind} {_DONE[op]}" for (kind, op), count in sorted(counted.items()))


def _listed(names: Iterable[str]) -> str:
    known = [printable(name) for name in names]
    rest = len(known) - _LISTED
    return ", ".join(known[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")
