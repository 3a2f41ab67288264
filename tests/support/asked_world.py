"""A small journal in which every question has something to find and something to leave out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from reconciler.audit import Journal
from reconciler.model.audit import Attempt, Documents
from reconciler.model.decision import Decision, Trigger
from reconciler.model.effect import Ack, AckState, Drift, Evidence
from reconciler.model.happening import Actor, Happening, Note
from reconciler.model.plan import DocumentChange, Op, Plan
from reconciler.model.provenance import Provenance, Touch
from reconciler.model.resource import Kind, ResourceId
from reconciler.model.review import Approval, Review
from reconciler.model.source import Commit, Person, Revision, Signature
from reconciler.model.table import EMPTY_TABLE
from tests.support.journals import ANN, SNAPSHOT, attempt, commit, conclusion, origin
from tests.support.plans import compare, route, table

MONDAY = datetime(2026, 3, 23, 8, 0, tzinfo=UTC)  # the clocks of Europe change on the Sunday after
BOB = Person("Bob 100%_ \\", "bob@example.com")
OESTEN = Person("Östen", "osten@example.com")
ZOE = Person("Zoe", "zoe@example.com")
_NACKED = Ack("xds", "envoy-1", "t", SNAPSHOT, AckState.NACKED, Evidence.STREAM, "bad")
_PENDING = replace(_NACKED, node="envoy-2", state=AckState.PENDING, detail="")
_ELSEWHERE = 7 * 3600 + 17 * 60  # seconds from one entry to the next: all hours of the day, and days of the week


@dataclass(slots=True)
class WallClock:
    """A clock that is set by hand."""

    now: datetime = MONDAY

    def __call__(self) -> datetime:
        """The time it was set to."""
        return self.now


def routes(*names: str) -> Plan:
    """A plan that creates these routes, each ``name`` or ``namespace/name``."""
    made = []
    for text in names:
        namespace, _, name = text.rpartition("/")
        made.append(replace(route(name), id=ResourceId(Kind.MAPPING, namespace or "default", name), name=text))
    return compare(EMPTY_TABLE, table(made))


def review(number: str, *approvers: str, author: str = "") -> Review:
    """What a forge says of a pull request."""
    return Review(number, author=author, approvals=tuple(Approval(name) for name in approvers))


@dataclass(frozen=True, slots=True)
class Scribe:
    """Writes entries, one every seven hours."""

    journal: Journal
    clock: WallClock

    def apply(self, tried: Attempt, **changed: object) -> int:
        """An intent and its result; returns the number of the intent."""
        self.clock.now += timedelta(seconds=_ELSEWHERE)
        number = self.journal.intend(tried)
        self.clock.now += timedelta(seconds=2)
        ended = conclusion(tried, **{"finished_at": self.clock.now, **changed})
        done = ended.decision in (Decision.APPLIED, Decision.PARTIAL)
        documents = Documents.of([origin("api", str(number).encode()), origin("web")]) if done else None
        self.journal.conclude(number, ended, documents, SNAPSHOT if done else None)
        return number

    def decide(self, tried: Attempt, **changed: object) -> int:
        """A decision by itself."""
        self.clock.now += timedelta(seconds=_ELSEWHERE)
        return self.journal.decide(tried, conclusion(tried, **{"finished_at": self.clock.now, "acks": (), **changed}))

    def note(self, told: Note) -> int:
        """Something beside reconciles."""
        self.clock.now += timedelta(seconds=_ELSEWHERE)
        return self.journal.note(told)


def written(number: int, by: Person, signature: Signature = Signature.UNKNOWN) -> Commit:
    """A commit by somebody."""
    return replace(commit(number, author=by), signature=signature)


def of(number: int, by: Person, plan: Plan, signature: Signature = Signature.UNKNOWN, **changed: object) -> Attempt:
    """An attempt to apply a commit."""
    made = written(number, by, signature)
    facts = {"commit": made, "commits_in_range": (made,), "revision": Revision("main", made.sha), "plan": plan}
    return attempt(number, **{**facts, **changed})


def fill(journal: Journal, clock: WallClock, rounds: int = 3) -> None:
    """A bit of everything, so many times, by several people."""
    scribe = Scribe(journal, clock)
    for turn in range(rounds):
        for step, write in enumerate(_STEPS):
            write(scribe, turn * len(_STEPS) + step + 1, (ANN, BOB, OESTEN)[(turn + step) % 3])
    clock.now += timedelta(seconds=_ELSEWHERE)
    journal.intend(of(rounds * len(_STEPS) + 1, ANN, routes("team-b/late")))


def _merged(scribe: Scribe, number: int, by: Person) -> None:
    """As it should be: two commits, reviewed by another, signed, acknowledged."""
    tried = of(number, by, routes("api", "team-a/web"), Signature.SSH, review=review("12", "Eve", author=by.name))
    scribe.apply(replace(tried, commits_in_range=(written(number, by), written(number + 1000, ZOE))))


def _unasked(scribe: Scribe, number: int, by: Person) -> None:
    """No forge was asked."""
    scribe.apply(of(number, by, routes("api"), Signature.NONE), message="Pull 100%_ of the traffic")


def _pushed(scribe: Scribe, number: int, by: Person) -> None:
    """Pushed without a pull request; one Envoy is silent."""
    tried = of(number, by, routes("team-a/api"), Signature.SSH, review=review(""), commits_omitted=3)
    scribe.apply(tried, acks=(replace(_NACKED, state=AckState.ACKED), _PENDING))


def _by_oneself(scribe: Scribe, number: int, by: Person) -> None:
    """Approved by nobody but who wrote it."""
    scribe.apply(of(number, by, routes("team-b/web"), review=review("13", by.name, author=by.name)))


def _refused(scribe: Scribe, number: int, by: Person) -> None:
    scribe.decide(of(number, by, routes("gone")), decision=Decision.REFUSED, reason="EmptyTable")


def _rolled_back(scribe: Scribe, number: int, by: Person) -> None:
    tried = of(number, by, routes("team-a/bad"))
    scribe.apply(tried, decision=Decision.ROLLED_BACK, reason="EnvoyRejected", acks=(_NACKED,))


def _drifted(scribe: Scribe, number: int, by: Person) -> None:
    scribe.apply(of(number, by, routes("api"), trigger=Trigger.DRIFT, drift=(Drift("files", "routes.json"),)))


def _gap(scribe: Scribe, _number: int, _by: Person) -> None:
    scribe.note(Note(Happening.AUDIT_GAP, "the disk was FULL", Actor("root", "kubectl")))


def _suspended(scribe: Scribe, number: int, by: Person) -> None:
    scribe.decide(
        of(number, by, routes()), decision=Decision.UNCHANGED, reason="Suspended", message="suspended by root"
    )


def _held(scribe: Scribe, number: int, by: Person) -> None:
    """Something is served otherwise than it is written."""
    bad = ((ResourceId(Kind.MAPPING, "team-c", "bad"), False),)
    place = Provenance("hosts.yaml", 3, Touch(written(number, by).sha, str(by), MONDAY))
    host = DocumentChange(Op.UPDATE, ResourceId(Kind.HOST, "team-c", "web"), None, place)
    plan = replace(routes("web"), documents=(host,))
    scribe.apply(of(number, by, plan), decision=Decision.PARTIAL, quarantined=bad)


def _interrupted(scribe: Scribe, number: int, by: Person) -> None:
    scribe.clock.now += timedelta(seconds=_ELSEWHERE)
    scribe.journal.interrupt(scribe.journal.intend(of(number, by, routes("web"))))


_Step = Callable[[Scribe, int, Person], None]
_STEPS: tuple[_Step, ...] = (
    _merged,
    _unasked,
    _pushed,
    _by_oneself,
    _refused,
    _rolled_back,
    _drifted,
    _gap,
    _suspended,
    _held,
    _interrupted,
)
