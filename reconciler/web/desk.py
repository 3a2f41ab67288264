"""Everything that can be asked, answered for one viewer: pages and API get what they show from here, and only here."""

from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.model.entry import Entry
from reconciler.model.question import EVERYTHING, Blamed, JournalState, Query, RouteChange, ServedAt, Volume
from reconciler.model.table import Route, RouteTable, TcpRoute
from reconciler.web.access import Scope
from reconciler.web.differing import differing
from reconciler.web.narrow import (
    agrees,
    narrowed_at,
    narrowed_change,
    narrowed_entry,
    narrowed_live,
    narrowed_match,
    narrowed_standing,
    volume_of,
)
from reconciler.web.view import Asked, Board, Differing, Live, Matched

MOST_ENTRIES = 200
_ROUNDS = 10
_MOST_COUNTED = 20_000


@dataclass(frozen=True, slots=True)
class Entries:
    """One page of the log.

    Attributes:
        next: only entries with smaller numbers are on the next page; None on the last. That may be so of a page with
            few entries, too, where many had to be looked at.
    """

    entries: tuple[Entry, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class Routes:
    """One page of the routes that are served.

    Attributes:
        found: how many there are in all that were asked for.
        after: the number of the first one that is not on this page; None on the last.
    """

    routes: tuple[Route | TcpRoute, ...]
    found: int
    after: int | None


@dataclass(frozen=True, slots=True)
class Desk:
    """Answers one viewer. Every method may raise `Stalled` and `Transient`, and may be called from any thread.

    Attributes:
        board: all there is.
        scope: what of it the viewer may see.
    """

    board: Board
    scope: Scope

    def live(self) -> Live:
        """The controller now."""
        return narrowed_live(self.board.live(), self.scope)

    def entries(self, query: Query = EVERYTHING) -> list[Entry]:
        """The log, newest first, at most `MOST_ENTRIES` at once."""
        return list(self.page(query).entries)

    def page(self, query: Query = EVERYTHING) -> Entries:
        """The same, with where the next page begins."""
        limit = min(query.limit or MOST_ENTRIES, MOST_ENTRIES)
        if self.scope.everything:
            found = self.board.answers.entries(replace(query, limit=limit))
            return Entries(tuple(found), found[-1].sequence if len(found) == limit else None)
        mine = self.scope.namespaces or frozenset[str]()
        return self._narrowed(query, mine if query.namespaces is None else query.namespaces & mine, limit)

    def _narrowed(self, query: Query, mine: frozenset[str], limit: int) -> Entries:
        """What is left of those that concern these namespaces; asks on where too little is, but not for ever."""
        asked, found = replace(query, namespaces=mine, limit=limit), list[Entry]()
        for _ in range(_ROUNDS if mine else 0):
            batch = self.board.answers.entries(asked)
            seen = (narrowed_entry(entry, Scope(mine)) for entry in batch)
            found += [entry for entry in seen if entry is not None and agrees(entry, query)]
            if len(found) >= limit:
                return Entries(tuple(found[:limit]), found[limit - 1].sequence)
            if len(batch) < limit:
                return Entries(tuple(found), None)
            asked = replace(asked, before=batch[-1].sequence)
        return Entries(tuple(found), asked.before if mine else None)

    def entry(self, wanted: int | str) -> Entry | None:
        """One entry, by the number of one of its records or by commit; None also where it is not the viewer's."""
        found = self.board.answers.entry(wanted)
        return narrowed_entry(found, self.scope) if found else None

    def routes(self, search: str = "", first: int = 0, limit: int = 100) -> Routes:
        """The routes that are served, in the order in which they are tried, those for connections behind them.

        Args:
            search: what identity, host, path or place contains, in any case.
            first: how many of them were on the pages before.
            limit: at most so many.
        """
        table = self.live().table
        wanted = search.lower()
        found = [route for route in _rules(table) if wanted in _words(route)]
        page = tuple(found[first : first + limit])
        return Routes(page, len(found), first + limit if first + limit < len(found) else None)

    def route(self, namespace: str, name: str) -> tuple[Route | TcpRoute, ...]:
        """The rules of one route that is served; several where it answers in several ways, none where there is none."""
        if not self.scope.sees(namespace):
            return ()
        rules = _rules(self.live().table)
        return tuple(route for route in rules if (route.id.namespace, route.id.name) == (namespace, name))

    def history(
        self, namespace: str, name: str, limit: int = MOST_ENTRIES, before: int | None = None
    ) -> list[RouteChange]:
        """What was done to one route, newest first."""
        if not self.scope.sees(namespace):
            return []
        changes = self.board.answers.history(f"{namespace}/{name}", min(limit, MOST_ENTRIES), before)
        return [narrowed_change(change, self.scope) for change in changes]

    def blame(self, namespace: str, name: str) -> tuple[Blamed, ...]:
        """Each field of a route with the change that set it."""
        if not self.scope.sees(namespace):
            return ()
        blamed = self.board.answers.blame(f"{namespace}/{name}")
        return tuple(
            replace(one, change=narrowed_change(one.change, self.scope) if one.change else None) for one in blamed
        )

    def at(self, moment: datetime | int) -> ServedAt:
        """What was served at a moment, or right after an entry."""
        return narrowed_at(self.board.answers.at(moment), self.scope)

    def diff(self, older: ServedAt, newer: ServedAt) -> tuple[Differing, ...]:
        """How what was served at two moments differs."""
        both = (narrowed_at(served, self.scope).origins for served in (older, newer))
        return differing(*both)

    def volume(self, since: datetime, until: datetime, stretches: int) -> tuple[Volume, ...]:
        """How much happened in each of so many equal stretches."""
        if self.scope.everything:
            return tuple(self.board.answers.volume(since, until, stretches))
        counted, asked = list[Entry](), Query(since=since, until=until)
        for _ in range(_MOST_COUNTED // MOST_ENTRIES):
            page = self.page(asked)
            counted += page.entries
            if page.next is None:
                break
            asked = replace(asked, before=page.next)
        return volume_of(counted, since, until, stretches)

    def match(self, asked: Asked) -> Matched:
        """What becomes of a request.

        Raises:
            ValueError: the URL is none, or a header is none.
        """
        return narrowed_match(self.board.match(asked), self.scope)

    def standing(self) -> JournalState:
        """How the journal itself is."""
        return narrowed_standing(self.board.answers.standing(), self.scope)


def _rules(table: RouteTable) -> list[Route | TcpRoute]:
    return [*table.routes, *table.tcp_routes]


def _words(route: Route | TcpRoute) -> str:
    """What a search looks in."""
    if isinstance(route, TcpRoute):
        hosts = " ".join(str(host) for host, _ in route.servers)
        return f"{route.id} {hosts} {route.provenance.path}".lower()
    return f"{route.id} {route.host} {route.path.value} {route.provenance.path}".lower()
