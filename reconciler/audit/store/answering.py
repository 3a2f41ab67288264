"""Answers questions to the journal, each from one state of the database."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from reconciler.audit.store import erased, listing, moments, retention, routes, volumes, walking
from reconciler.audit.store.database import reading
from reconciler.model.entry import Entry
from reconciler.model.question import (
    EVERYTHING,
    ROUTE_KINDS,
    Blamed,
    Query,
    RouteChange,
    ServedAt,
    ServedVersion,
    Volume,
)
from reconciler.model.resource import Kind, ResourceId
from reconciler.model.retention import Erased


@dataclass(frozen=True, slots=True)
class Answering:
    """What `Answers` promises of the journal's contents. Methods raise as the journal's own do."""

    engine: Engine

    def entries(self, query: Query = EVERYTHING) -> list[Entry]:
        """See `Answers`."""
        with reading(self.engine) as connection:
            return listing.entries(connection, query)

    def walk(self, query: Query = EVERYTHING) -> Iterator[Entry]:
        """The entries of a query, oldest first, a batch in memory at a time; see `walking`."""
        return walking.walk(self.engine, query)

    def count(self, query: Query = EVERYTHING) -> int:
        """How many entries meet a query, whatever its limit."""
        with reading(self.engine) as connection:
            return listing.count(connection, query)

    def entry(self, wanted: int | str) -> Entry | None:
        """See `Answers`."""
        with reading(self.engine) as connection:
            return listing.entry_of(connection, wanted)

    def erased(self, since: datetime | None = None, until: datetime | None = None) -> Erased | None:
        """See `Answers`."""
        with reading(self.engine) as connection:
            return erased.erased(connection, since, until)

    def deletion_of(self, sequence: int) -> int | None:
        """See `Answers`."""
        with reading(self.engine) as connection:
            return retention.deletion_of(connection, sequence)

    def history(
        self,
        mapping: str,
        limit: int | None = None,
        before: int | None = None,
        kinds: Collection[str] = ROUTE_KINDS,
    ) -> list[RouteChange]:
        """See `Answers`."""
        with reading(self.engine) as connection:
            return routes.history(connection, mapping, limit, before, kinds)

    def of_commit(self, digits: str, limit: int) -> list[Entry]:
        """The entries that brought a commit, given its first digits, oldest first; at most so many."""
        with reading(self.engine) as connection:
            return listing.entries_of(connection, digits, limit)

    def names_like(self, named: str) -> list[str]:
        """Names of resources that differ little from one that nothing is known of, the most alike first."""
        with reading(self.engine) as connection:
            return routes.names_like(connection, named)

    def blame(self, mapping: str) -> tuple[Blamed, ...]:
        """See `Answers`."""
        with reading(self.engine) as connection:
            return routes.blame(connection, mapping)

    def at(self, moment: datetime | int) -> ServedAt:
        """See `Answers`."""
        with reading(self.engine) as connection:
            return moments.at(connection, moment)

    def version(self, kind: str, namespace: str, name: str, touch: str, moment: datetime) -> ServedVersion | None:
        """See `Answers`."""
        try:
            wanted = ResourceId(Kind(kind), namespace, name)
        except ValueError:
            return None
        with reading(self.engine) as connection:
            return moments.version(connection, wanted, touch, moment)

    def volume(
        self, since: datetime, until: datetime, stretches: int, namespaces: frozenset[str] | None = None
    ) -> Sequence[Volume]:
        """See `Answers`."""
        with reading(self.engine) as connection:
            return volumes.volume(connection, since, until, stretches, namespaces)
