"""Attempts, conclusions and journals for tests."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reconciler.audit import Journal
from reconciler.model.audit import Attempt, Conclusion, Documents
from reconciler.model.decision import Decision, Trigger
from reconciler.model.digest import Digest, digest_bytes
from reconciler.model.effect import Ack, AckState, Evidence
from reconciler.model.plan import Plan
from reconciler.model.provenance import Provenance, Touch
from reconciler.model.resource import Kind, Origin, ResourceId
from reconciler.model.source import Commit, Person, Revision
from reconciler.model.table import EMPTY_TABLE
from tests.support.plans import compare, route, table

NOON = datetime(2026, 5, 6, 12, 0, 0, tzinfo=UTC)
ANN = Person("Ann", "ann@example.com")
SNAPSHOT = digest_bytes(b"snapshot")


class Clock:
    """A clock that moves a second each time it is asked."""

    def __init__(self, start: datetime = NOON) -> None:
        self.now = start

    def __call__(self) -> datetime:
        """The next second."""
        self.now += timedelta(seconds=1)
        return self.now


def commit(number: int = 1, **changed: Any) -> Commit:
    """A commit by Ann, a minute before noon."""
    plain = Commit(
        sha=f"{number:040x}"[::-1],
        tree="7" * 40,
        parents=("8" * 40,),
        author=ANN,
        authored_at=NOON - timedelta(minutes=2),
        committer=Person("Forge", "noreply@example.com"),
        committed_at=NOON - timedelta(minutes=1),
        subject=f"Change {number}",
        trailers=(("Signed-off-by", "Ann <ann@example.com>"),),
    )
    return replace(plain, **changed)


def plan(*names: str) -> Plan:
    """A plan that creates these routes."""
    return compare(EMPTY_TABLE, table([route(name) for name in names]))


def attempt(number: int = 1, *names: str, **changed: Any) -> Attempt:
    """An attempt to apply commit ``number``, which creates these routes (or ``api``)."""
    made = commit(number)
    plain = Attempt(
        trigger=Trigger.NEW_REVISION,
        started_at=NOON,
        fetched_at=NOON + timedelta(milliseconds=250),
        repository="https://git.example.com/team/routes.git",
        revision=Revision("main", made.sha),
        previous=None,
        commit=made,
        commits_in_range=(made,),
        fast_forward=None,
        plan=plan(*(names or ("api",))),
        config_digest=digest_bytes(b"config"),
        tool_version="1.2.3",
    )
    return replace(plain, **changed)


def conclusion(of: Attempt, **changed: Any) -> Conclusion:
    """A good end of an attempt, acknowledged by one Envoy."""
    plain = Conclusion(
        decision=Decision.APPLIED,
        reason="",
        message="",
        finished_at=NOON + timedelta(milliseconds=900),
        plan=of.plan,
        acks=(Ack("xds", "envoy-1", "type.googleapis.com/x", SNAPSHOT, AckState.ACKED, Evidence.STREAM),),
        problems=(),
        quarantined=(),
        served=of.revision,
        written_at=NOON + timedelta(milliseconds=400),
    )
    return replace(plain, **changed)


def origin(name: str, document: bytes = b"{}", line: int = 1) -> Origin:
    """A served Mapping document."""
    touch = Touch("9" * 40, "Ann <ann@example.com>", NOON)
    return Origin(ResourceId(Kind.MAPPING, "default", name), Provenance(f"routes/{name}.yaml", line, touch), document)


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where a journal of a test is: a file, or a schema of a PostgreSQL database."""

    place: Path | str
    schema: str = "reconciler"

    def open(self, **options: Any) -> Journal:
        """The journal, which is made where there is none."""
        return Journal.open(self.place, Clock(), schema=self.schema, **options)


def journal(where: Path | Shelf) -> Journal:
    """A journal at a path, or on a shelf, opened for writing."""
    return where.open() if isinstance(where, Shelf) else Journal.open(where, Clock())


def apply(into: Journal, number: int, origins: Sequence[Origin] = (), digest: Digest = SNAPSHOT) -> tuple[int, int]:
    """Records one whole apply; returns the sequences of intent and result."""
    tried = attempt(number)
    sequence = into.intend(tried)
    return sequence, into.conclude(sequence, conclusion(tried), Documents.of(origins), digest)


def filled(path: Path) -> None:
    """A closed journal with a bit of everything: applies, a rollback, a decision, an interruption, served documents."""
    into = journal(path)
    for number in (1, 2, 3):
        apply(into, number, [origin("api", f'{{"n":{number}}}'.encode()), origin("other"), origin(f"only-{number}")])
    refused = attempt(4, "a", "b")
    into.decide(refused, conclusion(refused, decision=Decision.REFUSED, reason="EmptyTable", acks=()))
    rolled_back = attempt(5)
    into.conclude(into.intend(rolled_back), conclusion(rolled_back, decision=Decision.ROLLED_BACK), None, None)
    into.interrupt(into.intend(attempt(6)))
    into.intend(attempt(7))
    into.close()
