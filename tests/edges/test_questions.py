"""Every question to the journal, on real databases: each filter finds what it should, and leaves out the rest."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.audit import Journal
from reconciler.audit.record import commit as commit_group
from reconciler.audit.store import history
from reconciler.model.audit import Attempt, Documents
from reconciler.model.decision import Decision
from reconciler.model.digest import Json, digest_bytes
from reconciler.model.entry import UNKNOWN, Answer, Entry, took_effect
from reconciler.model.errors import Stalled
from reconciler.model.happening import Happening
from reconciler.model.plan import Op
from reconciler.model.question import EVERYTHING, Answers, Lack, Query, Window
from reconciler.model.resource import Kind, ResourceId
from reconciler.model.source import Commit, Signature
from reconciler.model.table import EMPTY_TABLE, Forward, RouteTable
from reconciler.plan.fields import normalised
from tests.support import postgres
from tests.support.asked_world import MONDAY, WallClock, fill
from tests.support.journals import SNAPSHOT, Clock, attempt, commit, conclusion, origin
from tests.support.plans import compare, route, table

BERLIN = Window(frozenset(range(5)), time(9), time(17), ZoneInfo("Europe/Berlin"))
Place = Callable[[str], dict[str, Any]]
_NUMBERS = count(1)  # of examples: none finds the routes of another one
NIGHTS = Window(frozenset({4, 5}), time(22), time(6), ZoneInfo("UTC"))


@dataclass(frozen=True, slots=True)
class Asked:
    """A journal full of entries, and all of them."""

    journal: Journal
    entries: list[Entry]

    def found(self, **wanted: Any) -> list[int]:
        """The numbers of the entries that meet a query."""
        return [entry.sequence for entry in self.journal.entries(Query(**wanted))]

    def expected(self, query: Query) -> list[int]:
        """The same by looking at every entry."""
        found = [entry.sequence for entry in self.entries if meets(entry, query)]
        return found if query.limit is None else found[: query.limit]


@pytest.fixture(scope="module", params=["SQLite", "PostgreSQL"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Where a journal of some name is."""
    if request.param == "SQLite":
        directory = tmp_path_factory.mktemp("journals")
        return lambda name: {"place": directory / f"{name}.db"}
    running = postgres.server()
    return lambda name: {"place": running.url, "schema": f"{running.schema()}_{name}"}


@pytest.fixture(scope="module")
def asked(place: Place) -> Iterator[Asked]:
    """A journal with a bit of everything; signatures were checked, for once."""
    clock = WallClock()
    journal = Journal.open(**place("asked"), clock=clock)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(commit_group, "verification", _checked)
        fill(journal, clock)
    yield Asked(journal, journal.entries())
    journal.close()


@pytest.fixture(scope="module")
def growing(place: Place) -> Iterator[tuple[Journal, Clock]]:
    """A journal that examples add to; in the end it is as it was written."""
    clock = Clock()
    journal = Journal.open(**place("growing"), clock=clock)
    yield journal, clock
    found = journal.verify()
    journal.close()
    assert (found.bad, found.finding) == (None, "")


def _checked(of: Commit | None) -> Json:
    """As if SSH signatures had been checked against a list of trusted keys."""
    if of is None or of.signature is Signature.UNKNOWN:
        return UNKNOWN
    return {"signature": str(of.signature), "result": "unsigned" if of.signature is Signature.NONE else "trusted"}


def meets(entry: Entry, query: Query) -> bool:
    """Whether an entry meets a query, by what its records say."""
    concerned = {(item["kind"], item["namespace"], item["name"]) for item in _concerned(entry)}
    brought = [item["after"] for item in _concerned(entry) if item.get("after") and item["before"] is None]
    commits = {entry.commit, *entry.commits, *(place["commit"] for place in brought)}
    people = {entry.author, *entry.authors, *(place["author"] for place in brought)}
    return all(
        (
            not query.mapping or any(_named(query, *one) for one in concerned),
            not query.kind or any(kind == query.kind for kind, _, _ in concerned),
            query.namespaces is None or any(space in query.namespaces for _, space, _ in concerned),
            any(query.author.casefold() in person.casefold() for person in people),
            not query.commit or any(sha.startswith(query.commit) for sha in commits),
            query.since is None or entry.time >= query.since,
            query.until is None or entry.time < query.until,
            not query.happened or bool(query.happened & set(entry.happened)),
            not query.lacking or any(_lacks(entry, lack) for lack in query.lacking),
            _has_effect(entry, query),
            not query.omitting or entry.commits_omitted > 0,
            not query.self_approved or (entry.self_approved and bool(entry.approvers)),
            query.outside is None or not _within(query.outside, entry.time),
            any(query.text.lower() in told.lower() for told in (entry.subject, entry.reason, entry.message)),
            query.before is None or entry.sequence < query.before,
        )
    )


def _named(query: Query, kind: str, space: str, name: str) -> bool:
    namespace, _, wanted = query.mapping.rpartition("/")
    return name == wanted and (not namespace or space == namespace) and query.kind in ("", kind)


def _has_effect(entry: Entry, query: Query) -> bool:
    """What lacks something or is out of hours counts where it took effect, unless one asks otherwise."""
    asks = query.lacking or query.self_approved or query.outside
    applied = query.applied if query.applied is not None else True if asks else None
    took = _changes(entry) and entry.decision in (None, Decision.APPLIED, Decision.PARTIAL)
    assert took == took_effect(entry)
    if applied is False:
        return entry.decision in (Decision.REFUSED, Decision.ROLLED_BACK, Decision.FAILED, Decision.DRY_RUN)
    return applied is None or took


def _concerned(entry: Entry) -> Iterator[dict[str, Any]]:
    for record in entry.records:
        body: dict[str, Any] = record.body
        yield from body.get("change", {}).get("routes", ())
        yield from body.get("change", {}).get("documents", ())
        yield from body.get("quarantined", ())


def _changes(entry: Entry) -> bool:
    bodies: list[dict[str, Any]] = [record.body for record in entry.records]
    changes = [body["change"] for body in bodies if "change" in body]
    return bool(changes) and changes[-1]["snapshot_before"] != changes[-1]["snapshot_after"]


def _lacks(entry: Entry, lack: Lack) -> bool:
    match lack:
        case Lack.PULL_REQUEST:
            return entry.pull_request in ("", UNKNOWN)
        case Lack.APPROVAL:
            return not entry.approvers or entry.self_approved
        case Lack.SIGNATURE:
            return entry.signed is not Answer.YES
        case Lack.ACKNOWLEDGEMENT:
            return {state for state, _ in entry.acks} != {"Acked"}


def _within(window: Window, at: datetime) -> bool:
    local = at.astimezone(window.zone)
    clock, today = local.time(), local.weekday()
    if window.begin < window.end:
        return today in window.days and window.begin <= clock < window.end
    return ((today - 1) % 7 in window.days and clock < window.end) or (today in window.days and clock >= window.begin)


def test_the_journal_answers_all_that_can_be_asked(asked: Asked) -> None:
    """The door has every method of the protocol; a verb, a page and the API see no more than that."""
    answers: Answers = asked.journal
    assert len(answers.entries()) == len(asked.entries) == 34
    assert [entry.sequence for entry in asked.entries] == sorted(asked.found(), reverse=True)


@pytest.mark.parametrize(
    "wanted",
    [
        {"mapping": "api"},
        {"mapping": "team-a/api"},
        {"mapping": "team-c/bad"},
        {"namespaces": frozenset({"team-a", "team-b"})},
        {"author": "ANN@"},
        {"author": "östEN"},
        {"author": "100%_ \\"},
        {"commit": commit(3).sha[:8]},
        {"commit": commit(1001).sha},
        {"since": MONDAY + timedelta(days=3)},
        {"until": MONDAY + timedelta(days=3)},
        {"since": MONDAY + timedelta(days=1), "until": MONDAY + timedelta(days=2)},
        {"happened": frozenset({Happening.AUDIT_GAP})},
        {"happened": frozenset({Happening.DRIFT_HEALED, Happening.INTERRUPTED})},
        {"happened": frozenset({Happening.SUSPEND})},
        {"lacking": frozenset({Lack.PULL_REQUEST})},
        {"lacking": frozenset({Lack.APPROVAL})},
        {"lacking": frozenset({Lack.SIGNATURE})},
        {"lacking": frozenset({Lack.ACKNOWLEDGEMENT})},
        {"lacking": frozenset({Lack.SIGNATURE, Lack.ACKNOWLEDGEMENT}), "namespaces": frozenset({"team-a"})},
        {"self_approved": True},
        {"applied": False},
        {"applied": True},
        {"lacking": frozenset({Lack.APPROVAL}), "applied": False},
        {"kind": "Host"},
        {"kind": "Host", "mapping": "team-c/web"},
        {"author": "zoe"},
        {"omitting": True},
        {"outside": BERLIN},
        {"outside": NIGHTS},
        {"text": "was full"},
        {"text": "100%_ OF"},
        {"text": "emptytable"},
        {"text": "change 7"},
        {"before": 20},
        {"limit": 3},
        {"author": "bob", "mapping": "api", "limit": 1},
    ],
    ids=" ".join,
)
def test_each_filter_finds_its_entries_and_no_others(asked: Asked, wanted: dict[str, Any]) -> None:
    """What is found is what looking at every record finds; that is something, and not everything."""
    found = asked.found(**wanted)
    assert found == asked.expected(Query(**wanted))
    assert 0 < len(found) < len(asked.entries)


@pytest.mark.parametrize(
    "wanted",
    [
        {"mapping": "elsewhere/api"},
        {"mapping": "pi"},
        {"namespaces": frozenset()},
        {"namespaces": frozenset({"team"})},
        {"author": "ann%"},
        {"commit": "zz"},
        {"commit": "%"},
        {"commit": "f" * 65},
        {"text": "w_s"},
        {"text": "was%full"},
        {"happened": frozenset({Happening.EXPORT})},
        {"before": 1},
        {"since": MONDAY + timedelta(days=300)},
        {"until": MONDAY},
        {"outside": Window(frozenset(range(7)), time(0), time(0), ZoneInfo("Asia/Kathmandu"))},
    ],
    ids=str,
)
def test_what_nothing_meets_finds_nothing(asked: Asked, wanted: dict[str, Any]) -> None:
    """Wild cards of the database mean nothing; a name is a whole name; no hour is outside of all hours."""
    assert asked.found(**wanted) == []


_MOMENTS = st.integers(-1, 300).map(lambda hours: MONDAY + timedelta(hours=hours, minutes=hours))
_QUERIES = st.builds(
    Query,
    mapping=st.sampled_from(["", "", "", "api", "web", "team-a/api", "team-c/bad", "nothing"]),
    namespaces=st.none() | st.frozensets(st.sampled_from(["default", "team-a", "team-b", "team-c"]), max_size=2),
    author=st.sampled_from(["", "", "ann", "BOB", "ÖSTEN", "%"]),
    commit=st.sampled_from(["", "", "", "1", "2", commit(5).sha[:9]]),
    since=st.none() | _MOMENTS,
    until=st.none() | _MOMENTS,
    happened=st.frozensets(st.sampled_from(Happening), max_size=3),
    lacking=st.frozensets(st.sampled_from(Lack), max_size=2),
    self_approved=st.sampled_from([False, False, False, True]),
    outside=st.none() | st.sampled_from([BERLIN, NIGHTS]),
    applied=st.sampled_from([None, None, None, True, False]),
    kind=st.sampled_from(["", "", "", "Mapping", "Host"]),
    omitting=st.sampled_from([False, False, False, True]),
    text=st.sampled_from(["", "", "", "change 1", "FULL", "%"]),
    before=st.none() | st.integers(1, 70),
    limit=st.none() | st.integers(1, 10),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=_QUERIES)
def test_any_query_finds_what_looking_at_every_entry_finds(asked: Asked, query: Query) -> None:
    """All conditions together, in any mixture."""
    assert asked.found(**{name: getattr(query, name) for name in Query.__slots__}) == asked.expected(query)


def test_page_by_page_is_everything(asked: Asked) -> None:
    """Each page begins below the last entry of the one before; nothing is missing, nothing comes twice."""
    seen: list[int] = []
    while page := asked.found(limit=5, before=seen[-1] if seen else None):
        seen += page
    assert seen == [entry.sequence for entry in asked.entries]


def test_the_volume_of_a_time_is_that_of_its_entries(asked: Asked) -> None:
    """Every entry is in one stretch; routes are counted where they were applied, lead times where they are known."""
    since, until = MONDAY + timedelta(hours=5), MONDAY + timedelta(days=8, hours=3)
    told = asked.journal.volume(since, until, 7)
    width = (until - since) / 7
    for number, volume in enumerate(told):
        begin, end = since + number * width, since + (number + 1) * width
        assert abs((volume.begin - begin).total_seconds()) < 0.01
        within = [entry for entry in asked.entries if begin <= entry.time < end]
        done = [entry for entry in within if entry.decision in (Decision.APPLIED, Decision.PARTIAL)]
        assert volume.changes == sum(entry.creates + entry.updates + entry.deletes for entry in done)
        assert sum(volume.decisions.values()) == sum(len(entry.happened) for entry in within)
        assert list(volume.lead_times_ms) == sorted(e.lead_ms for e in within if e.lead_ms is not None)
    assert sum(volume.changes for volume in told) > 10
    with pytest.raises(ValueError, match="ends after it begins"):
        asked.journal.volume(until, since, 3)


def test_what_is_under_way_is_told(asked: Asked) -> None:
    """Between an intent and its result Envoys may have held either; an interrupted one is over once that is known."""
    applied = next(entry for entry in reversed(asked.entries) if entry.decision is Decision.APPLIED)
    assert asked.journal.at(applied.time + timedelta(seconds=1)).under_way == applied.sequence
    assert asked.journal.at(applied.time + timedelta(seconds=2)).under_way is None
    assert asked.journal.at(applied.sequence).under_way is None
    late = asked.entries[0]
    assert (late.decision, asked.journal.at(late.time).under_way) == (None, late.sequence)
    with pytest.raises(Stalled, match="no entry 9999"):
        asked.journal.at(9999)


def test_before_the_first_apply_nothing_was_served(asked: Asked) -> None:
    """Nothing is claimed, and nothing proven."""
    found = asked.journal.at(MONDAY - timedelta(days=1))
    assert (found.entry, found.origins, found.proven, found.under_way) == (None, (), False, None)


_WORLDS = st.dictionaries(st.sampled_from("abcdefg"), st.integers(0, 3), max_size=6)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(worlds=st.lists(_WORLDS, min_size=1, max_size=7), shortest=st.integers(1, 6))
def test_what_was_served_at_any_moment_is_what_was_applied_then(
    growing: tuple[Journal, Clock], worlds: list[dict[str, int]], shortest: int
) -> None:
    """However documents come, change and go, and eras end: after any entry, and at any time, the very same are told."""
    (journal, clock), example = growing, next(_NUMBERS)
    states = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(history, "_SHORTEST", shortest)
        for number, world in enumerate(worlds, start=1):
            tried = attempt(number)
            intent = journal.intend(tried)
            named = {f"{name}{example}": version for name, version in sorted(world.items())}
            origins = tuple(origin(name, f'{{"v":{version}}}'.encode()) for name, version in named.items())
            digest = digest_bytes(str(number).encode())
            journal.conclude(intent, conclusion(tried), Documents.of(origins), digest)
            states.append((intent, clock.now, origins, digest, tried.revision))
    for intent, at, origins, digest, revision in states:
        for found in (journal.at(intent), journal.at(at)):
            assert (found.origins, found.snapshot, found.revision, found.proven) == (origins, digest, revision, True)
            assert (found.since, found.entry and found.entry.sequence) == (at, intent)
        for name, version in ((one.id.name, one.document) for one in origins[:2]):
            told = journal.version("Mapping", "default", name, "9999999", at)
            assert told is not None
            assert told.came.time <= at
            brought = [then for number, _, then, *_ in states if number == told.came.sequence]
            assert version in {one.document for then in brought for one in then}
    assert [journal.at(at).until for _, at, *_ in states] == [at for _, at, *_ in states[1:]] + [None]


_STEPS = st.tuples(
    st.dictionaries(st.sampled_from("abc"), st.tuples(st.integers(1, 3), st.sampled_from(["/", "/x"])), max_size=3),
    st.sampled_from([Decision.APPLIED, Decision.APPLIED, Decision.REFUSED, Decision.ROLLED_BACK]),
)


@settings(max_examples=7, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEPS, min_size=1, max_size=7))
def test_each_field_is_blamed_on_the_change_that_set_it(growing: tuple[Journal, Clock], steps: list[Any]) -> None:
    """As replaying every applied change tells it; what was refused or rolled back sets nothing."""
    (journal, _), example = growing, next(_NUMBERS)
    served: RouteTable = EMPTY_TABLE
    told: dict[str, dict[str, tuple[str, int]]] = {}
    touched: dict[str, list[tuple[int, Op, bool]]] = {}
    for number, (wanted, decision) in enumerate(steps, start=1):
        after = _table({f"{name}{example}": facts for name, facts in wanted.items()})
        plan = compare(served, after)
        entry = _recorded(journal, attempt(number, plan=plan), decision)
        applied = decision is Decision.APPLIED
        for change in plan.changes:
            touched.setdefault(change.id.name, []).insert(0, (entry, change.op, applied))
            if applied and change.op is not Op.DELETE:
                fields = told.setdefault(change.id.name, {}) if change.op is Op.UPDATE else {}
                fields |= {one.field: (one.after, entry) for one in change.fields}
                told[change.id.name] = {name: value for name, value in fields.items() if value[0]}
        served = after if applied else served
    for name, changes in touched.items():
        assert [(one.entry.sequence, one.op, one.applied) for one in journal.history(name)] == changes
        assert len(journal.history(name, 1)) == 1
        assert len(journal.history(name, before=changes[0][0])) == len(changes) - 1
        if changes[0][2] and changes[0][1] is Op.DELETE:
            continue
        blamed = journal.blame(f"default/{name}")
        assert {one.field: (one.value, one.change and one.change.entry.sequence) for one in blamed} == told.get(
            name, {}
        )
        assert {one.id for one in blamed} <= {ResourceId(Kind.MAPPING, "default", name)}
    for its, facts in normalised(served).items():
        assert {one.field: one.value for one in journal.blame(its.name)} == facts


def _recorded(journal: Journal, tried: Attempt, decision: Decision) -> int:
    """Writes how an attempt ended; returns the number of its entry."""
    ended = conclusion(tried, decision=decision)
    if decision is Decision.REFUSED:
        return journal.decide(tried, ended)
    entry = journal.intend(tried)
    done = decision is Decision.APPLIED
    journal.conclude(entry, ended, Documents.of([]) if done else None, SNAPSHOT if done else None)
    return entry


def test_a_route_that_is_gone_is_told_as_it_was_last(growing: tuple[Journal, Clock]) -> None:
    """Its fields, each with the change that set it, not the one that removed it; made anew, nothing of that is left."""
    journal, _ = growing
    first, second = _table({"gone": (1, "/")}), _table({"gone": (2, "/")})
    made = _recorded(journal, attempt(1, plan=compare(EMPTY_TABLE, first)), Decision.APPLIED)
    slower = _recorded(journal, attempt(2, plan=compare(first, second)), Decision.APPLIED)
    _recorded(journal, attempt(3, plan=compare(second, EMPTY_TABLE)), Decision.APPLIED)
    told = {one.field: (one.value, one.change and one.change.entry.sequence) for one in journal.blame("gone")}
    assert (told["timeout"], told["rewrite"]) == (("2 ms", slower), ("/", made))
    again = _recorded(journal, attempt(4, plan=compare(EMPTY_TABLE, first)), Decision.APPLIED)
    assert {one.change and one.change.entry.sequence for one in journal.blame("default/gone")} == {again}
    assert journal.history("gone")[1].fields[0].before == "*"


def _table(wanted: dict[str, tuple[int, str]]) -> RouteTable:
    made = []
    for name, (timeout, rewrite) in sorted(wanted.items()):
        made.append(route(name, action=Forward("httpbin", prefix_rewrite=rewrite, timeout_ms=timeout)))
    return table(made)


def test_who_asks_for_nothing_in_particular_gets_everything(asked: Asked, tmp_path: Path) -> None:
    """The empty query; also of a journal in which nothing has happened yet."""
    assert asked.journal.entries(EVERYTHING) == asked.entries
    empty = Journal.open(tmp_path / "empty.db", lambda: datetime.now(UTC))
    assert [entry for entry in empty.entries(Query(outside=BERLIN)) if entry.trigger] == []
    assert empty.blame("api") == ()
    assert empty.history("api") == []
    assert empty.version("Mapping", "default", "api", "1", MONDAY) is None
    assert empty.version("NoKind", "default", "api", "1", MONDAY) is None
    assert empty.at(MONDAY).revision is None
    empty.close()


def test_commits_and_names_lead_to_what_is_known(asked: Asked) -> None:
    """Which entries brought a commit, the first that applied it, names like one, and any kind of document."""
    journal, sha = asked.journal, commit(1001).sha
    (brought,) = journal.asked.of_commit(sha[:9].upper(), 5)
    assert journal.entry(sha[:9]) == brought == journal.entry(2)
    oldest = asked.expected(Query(commit="3f2a9c1"))[:-4:-1]
    assert [entry.sequence for entry in journal.asked.of_commit("3f2a9c1", 3)] == oldest
    assert journal.asked.names_like("team-a/appi")[0] == "team-a/api"
    assert journal.asked.names_like("team-a/api") == []
    hosts = journal.history("web", kinds=["Host"])
    assert {(one.id.kind, one.op, one.fields, one.applied) for one in hosts} == {(Kind.HOST, Op.UPDATE, (), True)}
    assert {one.id.kind for one in journal.history("web", kinds=())} == {Kind.HOST, Kind.MAPPING}
    assert {one.id.kind for one in journal.history("web")} == {Kind.MAPPING}
