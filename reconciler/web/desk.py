"""Everything that can be asked, answered for one viewer: pages and API get what they show from here, and only here."""

from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.model.blaming import completed, deleted_before, whole
from reconciler.model.decision import Decision
from reconciler.model.differing import Differing, differing
from reconciler.model.entry import Entry
from reconciler.model.leadership import Leadership
from reconciler.model.question import EVERYTHING, JournalState, Query, RouteChange, ServedAt, Volume
from reconciler.model.retention import Erased
from reconciler.model.table import Route, RouteTable, TcpRoute
from reconciler.web.access import Scope
from reconciler.web.narrow import (
    Credited,
    agrees,
    askable,
    credited,
    narrowed_at,
    narrowed_change,
    narrowed_entry,
    narrowed_live,
    narrowed_match,
    narrowed_standing,
)
from reconciler.web.view import Asked, Board, Live, Matched

MOST_ENTRIES = 200
_ROUNDS = 10
_APPLIED = (Decision.APPLIED, Decision.PARTIAL)


@dataclass(frozen=True, slots=True)
class Entries:
    """One page of the log.

    Attributes:
        next: only entries with smaller numbers are on the next page; None on the last. There may be one behind a page
            with few entries, or none, where many had to be looked at.
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

    def replica(self) -> Leadership | None:
        """Which replica answers, and whom it follows; each has a journal of its own. None where there is but one."""
        election = self.board.live().election
        if election is None or self.scope.everything:
            return election
        return Leadership(election.leads, "", "", "")

    def entries(self, query: Query = EVERYTHING) -> list[Entry]:
        """The log, newest first, at most `MOST_ENTRIES` at once."""
        return list(self.page(query).entries)

    def page(self, query: Query = EVERYTHING) -> Entries:
        """The same, with where the next page begins."""
        limit = min(query.limit or MOST_ENTRIES, MOST_ENTRIES)
        if not self.scope.everything:
            return self._narrowed(query, limit)
        # One more than is wanted tells whether there is a next page.
        return _cut(self.board.answers.entries(replace(query, limit=limit + 1)), limit)

    def _narrowed(self, query: Query, limit: int) -> Entries:
        """What is left of those that may be seen and was asked for; asks on where too little is, but not for ever."""
        asked, found = askable(query, self.scope), list[Entry]()
        if asked is None:
            return Entries((), None)
        asked = replace(asked, limit=limit + 1)
        for _ in range(_ROUNDS):
            batch = self.board.answers.entries(asked)
            seen = (narrowed_entry(entry, self.scope) for entry in batch)
            found += [entry for entry in seen if entry is not None and agrees(entry, query)]
            if len(found) > limit or len(batch) <= limit:
                return _cut(found, limit)
            asked = replace(asked, before=batch[-1].sequence)
        return Entries(tuple(found), asked.before)

    def entry(self, wanted: int | str) -> Entry | None:
        """One entry, by the number of one of its records, or that of a commit, of those one may see."""
        found = self.board.answers.entry(wanted)
        seen = narrowed_entry(found, self.scope) if found else None
        if self.scope.everything or isinstance(wanted, int):
            return seen
        if seen is not None and wanted in {str(record.sequence) for record in seen.records}:
            return seen
        return self._of_commit(wanted)

    def _of_commit(self, digits: str) -> Entry | None:
        """Of those that may be seen and show this commit the first that was applied, or else the newest."""
        query = Query(commit=digits, namespaces=self.scope.namespaces, limit=MOST_ENTRIES)
        seen = (narrowed_entry(entry, self.scope) for entry in self.board.answers.entries(query))
        found = [entry for entry in seen if entry is not None and agrees(entry, query)]
        applied = [one for one in found if one.decision in _APPLIED and one.creates + one.updates + one.deletes]
        return applied[-1] if applied else next(iter(found), None)

    def erased(self, query: Query = EVERYTHING) -> Erased | None:
        """What retention deleted of the time of a query; whom it was about nobody knows, so most learn only that."""
        found = self.board.answers.erased(query.since, query.until)
        return found if found is None or self.scope.everything else Erased()

    def deletion_of(self, number: int) -> int | None:
        """The entry by which retention deleted what a record told; None where it did not, or the viewer can't know."""
        return self.board.answers.deletion_of(number) if self.scope.everything else None

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

    def blame(self, namespace: str, name: str) -> tuple[Credited, ...]:
        """Each field of a route with the change that set it, and who did."""
        if not self.scope.sees(namespace):
            return ()
        named, erased = f"{namespace}/{name}", self.board.answers.erased()
        blamed = self.board.answers.blame(named)
        if not whole(blamed, erased):
            # Also where retention deleted what set some: no field may be missing.
            by = deleted_before(self.board.answers, blamed, erased)
            known = by if by is None or self.scope.everything else 0
            blamed = completed(blamed, self.board.worded(self.board.live().table, named), known)
        return tuple(credited(one, self.scope) for one in blamed)

    def at(self, moment: datetime | int) -> ServedAt:
        """What was served at a moment, or right after an entry."""
        return narrowed_at(self.board.answers.at(moment), self.scope)

    def diff(self, older: ServedAt, newer: ServedAt) -> tuple[Differing, ...]:
        """How what was served at two moments differs.

        Raises:
            ValueError: of one of them it is not known, or not proven, what was served.
        """
        for served in (older, newer):
            if served.unknown:
                raise ValueError(f"{served.unknown}: nothing can be compared with it")
        both = (narrowed_at(served, self.scope).origins for served in (older, newer))
        return differing(*both)

    def volume(self, since: datetime, until: datetime, stretches: int) -> tuple[Volume, ...]:
        """How much happened in each of so many equal stretches.

        Raises:
            ValueError: there is no millisecond between, or the times are too near to the end of the calendar.
        """
        return tuple(self.board.answers.volume(since, until, stretches, self.scope.namespaces))

    def match(self, asked: Asked) -> Matched:
        """What becomes of a request.

        Raises:
            ValueError: the URL is none, or a header is none.
        """
        return narrowed_match(self.board.match(asked), self.scope)

    def standing(self) -> JournalState:
        """How the journal itself is."""
        state = self.board.answers.standing()
        return narrowed_standing(replace(state, key=state.key or self.board.key), self.scope)


def _cut(found: list[Entry], limit: int) -> Entries:
    """So many of them; the next page begins behind the last where there are more."""
    return Entries(tuple(found[:limit]), found[limit - 1].sequence if len(found) > limit else None)


def _rules(table: RouteTable) -> list[Route | TcpRoute]:
    return [*table.routes, *table.tcp_routes]


def _words(route: Route | TcpRoute) -> str:
    """What a search looks in."""
    if isinstance(route, TcpRoute):
        hosts = " ".join(str(host) for host, _ in route.servers)
        return f"{route.id} {hosts} {route.provenance.path}".lower()
    return f"{route.id} {route.host} {route.path.value} {route.provenance.path}".lower()
