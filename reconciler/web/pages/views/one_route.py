"""One route: as it is served, which change set which field, and all that was ever done to it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.entry import Answer
from reconciler.model.plan import Op
from reconciler.model.question import RouteChange
from reconciler.model.table import Listener, Route, TcpRoute
from reconciler.web.narrow import Credited
from reconciler.web.pages.views import badges, outcomes, timeline
from reconciler.web.pages.views.badges import Badge
from reconciler.web.pages.views.diffs import FieldDiff, field_diff
from reconciler.web.pages.views.places import Place, place
from reconciler.web.pages.views.rules import Rule, rules_of
from reconciler.web.pages.views.setters import Setter, setter
from reconciler.web.pages.views.standing import Trouble, troubles_of
from reconciler.web.pages.views.timeline import Item
from reconciler.web.view import Live

CHANGES_PER_PAGE = 20


@dataclass(frozen=True, slots=True)
class Field:
    """One field, the line of the log that set it, and who did; None where nobody knows: ``unknown`` says why."""

    name: str
    value: str
    by: Item | None
    setter: Setter | None = None
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the route."""

    item: Item
    op: Badge
    applied: Answer
    fields: tuple[FieldDiff, ...]
    before: Place | None
    after: Place | None


@dataclass(frozen=True, slots=True)
class Serving:
    """A host of a listener where it answers."""

    listener: str
    port: int
    host: str
    tls: bool


@dataclass(frozen=True, slots=True)
class RoutePage:
    """All of it.

    Attributes:
        rules: as it is served; empty where it is not.
        deleted: the change that took it away; None where it is served, or never was, or not the newest are shown.
        troubles: what is wrong with it as it is written.
        older: number of the last entry shown, where there are older ones.
    """

    namespace: str
    name: str
    rules: tuple[Rule, ...]
    fields: tuple[Field, ...]
    serving: tuple[Serving, ...]
    steps: tuple[Step, ...]
    deleted: Step | None
    troubles: tuple[Trouble, ...]
    older: int | None

    @property
    def known(self) -> bool:
        """Whether anything is known of such a route."""
        return bool(self.rules or self.fields or self.steps or self.troubles)


def route_page(
    qualified: str,
    live: Live,
    blamed: Sequence[Credited],
    history: Sequence[RouteChange],
    now: datetime,
    before: int | None = None,
) -> RoutePage:
    """One route as a page.

    Args:
        qualified: ``namespace/name``.
        live: what is served, as far as the visitor may see it.
        blamed: its fields.
        history: newest first, one more than a page shows.
        now: for "3 min ago".
        before: the history is of entries with smaller numbers only; None for the newest.
    """
    namespace, _, name = qualified.partition("/")
    table = live.table
    every: list[Route | TcpRoute] = [*table.routes, *table.tcp_routes]
    mine = [route for route in every if (route.id.namespace, route.id.name) == (namespace, name)]
    steps = tuple(_step(change, now) for change in history[:CHANGES_PER_PAGE])
    gone = next((step for step, change in zip(steps, history, strict=False) if change.applied), None)
    deleted = gone if before is None and gone is not None and not mine and gone.op == badges.of_op(Op.DELETE) else None
    older = history[CHANGES_PER_PAGE - 1].entry.sequence if len(history) > CHANGES_PER_PAGE else None
    return RoutePage(
        namespace,
        name,
        rules_of(mine, table.clusters),
        tuple(_field(one, now) for one in blamed),
        tuple(where for listener in table.listeners for where in _serving(listener, namespace, name)),
        steps,
        deleted,
        troubles_of(one for one in live.problems if one.resource.partition(" ")[2] == qualified),
        older,
    )


def _field(one: Credited, now: datetime) -> Field:
    told = one.blamed
    by = timeline.item(told.change.entry, now) if told.change else None
    return Field(told.field, told.value, by, setter(one), told.unknown)


def _step(change: RouteChange, now: datetime) -> Step:
    carried_out = outcomes.applied(change.entry)
    # Of what was applied in part, this may be what was not.
    applied = Answer.YES if change.applied else Answer.NO if carried_out is Answer.YES else carried_out
    return Step(
        timeline.item(change.entry, now),
        badges.of_op(change.op),
        applied,
        tuple(map(field_diff, change.fields)),
        place(change.before),
        place(change.after),
    )


def _serving(listener: Listener, namespace: str, name: str) -> list[Serving]:
    found = [
        Serving(listener.name, listener.port, str(host.host), host.termination is not None)
        for host in listener.virtual_hosts
        if any((route.id.namespace, route.id.name) == (namespace, name) for route in host.routes)
    ]
    for route in listener.tcp_routes:
        if (route.id.namespace, route.id.name) == (namespace, name):
            hosts = ", ".join(str(host) for host, _ in route.servers) or "every connection"
            found.append(Serving(listener.name, listener.port, hosts, bool(route.servers)))
    return found
