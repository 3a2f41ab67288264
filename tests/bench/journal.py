"""What questions cost a journal of a million changes, and what one more record does.

Run as ``python -m tests.bench.journal [CHANGES]`` from the root of the repository; a million changes where it is not
said. It makes the journal in SQLite and copies it to a real PostgreSQL, asks every question some times beside a journal
of 10,000 changes, and prints a table. Takes 3.5 GB for SQLite alone, which it gives back.
"""

import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from zoneinfo import ZoneInfo

from reconciler.audit import Journal
from reconciler.model.audit import Documents
from reconciler.model.happening import Happening
from reconciler.model.question import Lack, Query, Window
from tests.bench.journal_stores import Store, copy, fill
from tests.bench.journal_world import BEGIN, LASTS
from tests.bench.progress import say
from tests.support import postgres
from tests.support.command import PROJECT
from tests.support.journals import attempt, conclusion

_SMALL, _LARGE = 10_000, 1_000_000
_ROUTES = 3_000
_TIMES = 9
_APPENDS = 200
_QUESTION_S, _APPEND_S = 1.0, 0.005  # what must not be exceeded
_HOURS = Window(frozenset(range(5)), clock_time(7), clock_time(19), ZoneInfo("Europe/Berlin"))
_ROUTE = "team-7/route-7"

Question = Callable[[Journal], object]


@dataclass(frozen=True, slots=True)
class Cost:
    """What something took, in seconds.

    Attributes:
        cpu: of this process and of the database's, on average.
        median, worst: on the clock, of the times it was done.
    """

    cpu: float
    median: float
    worst: float


def questions() -> dict[str, Question]:
    """Every question there is, by what it asks."""
    late = BEGIN + LASTS
    month, middle = Query(since=late - timedelta(days=30), limit=50), BEGIN + LASTS / 2

    def asks(**wanted: object) -> Question:
        return lambda journal: journal.entries(Query(limit=50, **wanted))  # type: ignore[arg-type]

    return {
        "the newest 50": asks(),
        "a page in the middle": lambda journal: journal.entries(Query(before=_middle(journal), limit=50)),
        "of 30 days": lambda journal: journal.entries(month),
        "of one day in the middle": asks(since=middle, until=middle + timedelta(days=1)),
        "of one route": asks(mapping=_ROUTE),
        "of one namespace": asks(namespaces=frozenset({"team-7"})),
        "of one author": asks(author="person17@"),
        "of an author who is nobody": asks(author="nobody"),
        "of a commit": lambda journal: journal.entries(Query(commit=journal.entries(Query(limit=1))[0].commit[:9])),
        "drift": asks(happened=frozenset({Happening.DRIFT_FOUND})),
        "applies": asks(happened=frozenset({Happening.APPLY})),
        "an export, of which there was none": asks(happened=frozenset({Happening.EXPORT})),
        "without a pull request": asks(lacking=frozenset({Lack.PULL_REQUEST})),
        "without an approval, of one route": asks(lacking=frozenset({Lack.APPROVAL}), mapping=_ROUTE),
        "without a signature": asks(lacking=frozenset({Lack.SIGNATURE})),
        "not acknowledged": asks(lacking=frozenset({Lack.ACKNOWLEDGEMENT})),
        "self-approved": asks(self_approved=True),
        "out of hours": asks(outside=_HOURS),
        "out of hours, self-approved, of one author": asks(outside=_HOURS, self_approved=True, author="person17@"),
        "a text that is rare": asks(text="number 2999"),
        "a text that is nowhere": asks(text="no such words"),
        "one entry": lambda journal: journal.entry(_middle(journal)),
        "history of a route, 20 changes": lambda journal: journal.history(_ROUTE, 20),
        "blame of a route that changes often": lambda journal: journal.blame("team-1/route-1"),
        "blame of a route that changes seldom": lambda journal: journal.blame(f"team-{2990 % 24}/route-2990"),
        "what was served at the end": lambda journal: journal.at(late + timedelta(days=2)),
        "what was served in the middle": lambda journal: journal.at(middle),
        "what was served at the beginning": lambda journal: journal.at(BEGIN + LASTS / 100),
        "volume of 30 days": lambda journal: journal.volume(late - timedelta(days=30), late, 30),
        "volume of all three years": lambda journal: journal.volume(BEGIN, late, 36),
        "how the journal is": lambda journal: journal.standing(),
    }


def _middle(journal: Journal) -> int:
    return journal.entries(Query(limit=1))[0].sequence // 2


def ask(store: Store) -> dict[str, Cost]:
    """What each question costs, asked again and again; the first time counts, too, for the worst."""
    found: dict[str, Cost] = {}
    journal = store.open(_now, read_only=True)
    for name, question in questions().items():
        took, used = [], _cpu(store)
        for _ in range(_TIMES):
            began = time.perf_counter()
            question(journal)
            took.append(time.perf_counter() - began)
        found[name] = Cost((_cpu(store) - used) / _TIMES, statistics.median(took), max(took))
    journal.close()
    return found


def _cpu(store: Store) -> float:
    """Seconds of CPU that this process has used, and those of the database's server."""
    own = time.process_time()
    return own if store.name == "SQLite" else own + _server_cpu()


def _server_cpu() -> float:
    """What the processes of the server have used; the nanoseconds of proc(5)'s schedstat."""
    (found,) = postgres.server().ask(
        "SELECT coalesce(sum(split_part(pg_read_file('/proc/' || pid || '/schedstat'), ' ', 1)::bigint), 0)"
        " FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    return int(str(found[0])) / 1e9


def append(store: Store) -> dict[str, list[float]]:
    """What the two records of an apply of one route cost each, on disk when the call returns: seconds, one by one."""
    journal = store.open(_now)
    origins = {origin.id: origin for origin in journal.served().origins}
    intents, results, token, name = [], [], object(), min(origins)
    for number in range(_APPENDS + 1):
        tried = attempt(number, "route-7")
        began = time.perf_counter()
        sequence = journal.intend(tried)
        intended = time.perf_counter()
        changed = replace(origins[name], document=f'{{"n":{number}}}'.encode())
        origins[name] = changed
        before, token = token, object()
        documents = Documents(origins.values, token, before if number else None, {name: changed})
        journal.conclude(sequence, conclusion(tried), documents, None)
        concluded = time.perf_counter()
        if number:  # the first one reads what is served
            intents.append(intended - began)
            results.append(concluded - intended)
    journal.close()
    return {"an intent": intents, "its result": results}


def _now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def stores(changes: int) -> Iterator[tuple[dict[str, tuple[Store, Store]], dict[str, object]]]:
    """By database a small journal and a large one; and facts about them. Gone in the end."""
    folder = Path(tempfile.mkdtemp(prefix="bench-journal-"))
    try:
        server = postgres.server()
        for setting in ("fsync", "full_page_writes"):
            server.ask(f"ALTER SYSTEM SET {setting} = on")
        server.ask("ALTER SYSTEM SET shared_buffers = '128MB'")  # PostgreSQL's own default
        server.stop()
        server.start()
        made: dict[str, tuple[Store, Store]] = {}
        facts: dict[str, object] = {}
        files = Store("SQLite", folder / "small.db"), Store("SQLite", folder / "large.db")
        for store, many in zip(files, (_SMALL, changes), strict=True):
            began = time.perf_counter()
            world = fill(store, many, min(_ROUTES, many // 5))
            size = Path(str(store.place)).stat().st_size
            facts[f"{many} changes"] = {
                "entries": world.applies,
                "records": world.sequence,
                "megabytes": round(size / 1e6),
                "made_s": round(time.perf_counter() - began),
            }
            say(f"a journal of {world.changes} changes, {world.sequence} records, {size / 1e6:.0f} MB")
        made["SQLite"] = files
        tables = Store("PostgreSQL", server.url, "small"), Store("PostgreSQL", server.url, "large")
        for source, target in zip(files, tables, strict=True):
            copy(source, target)
            say(f"copied to PostgreSQL: {target.namespace}")
        made["PostgreSQL"] = tables
        yield made, facts
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(changes: str = str(_LARGE)) -> None:
    """Measure and print; leave the figures in ``build/bench/journal.json``."""
    with stores(int(changes)) as (made, facts):
        asked = {name: tuple(map(ask, pair)) for name, pair in made.items()}
        say("asked; now records are added")
        appended = {name: tuple(map(append, pair)) for name, pair in made.items()}
    print(questions_table(asked))
    print(appends_table(appended))
    print(json.dumps(facts))
    directory = PROJECT / "build" / "bench"
    directory.mkdir(parents=True, exist_ok=True)
    kept = {
        "facts": facts,
        "questions": {name: [{q: asdict(c) for q, c in each.items()} for each in pair] for name, pair in asked.items()},
        "appends": appended,
    }
    (directory / "journal.json").write_text(json.dumps(kept, indent=1) + "\n")
    worst = max(cost.median for _, large in asked.values() for cost in large.values())
    slow = max(_share(times, 0.99) for _, large in appended.values() for times in large.values())
    print(f"journal: worst_question_ms={worst * 1e3:.0f} append_p99_ms={slow * 1e3:.1f}")


def questions_table(asked: dict[str, tuple[dict[str, Cost], ...]]) -> str:
    """Milliseconds for the large journal, and what the CPU is over that of the small one."""
    lines = ["| question | " + " | ".join(f"{name}: CPU, ms | clock, ms | CPU over 10,000" for name in asked) + " |"]
    lines.append("| --- |" + " ---: | ---: | ---: |" * len(asked))
    for question in questions():
        cells = []
        for small, large in asked.values():
            cost = large[question]
            ratio = cost.cpu / max(small[question].cpu, 1e-4)
            mark = " **!**" if cost.median > _QUESTION_S else ""
            cells.append(f"{cost.cpu * 1e3:.1f} | {cost.median * 1e3:.0f}{mark} | {ratio:.1f}")
        lines.append(f"| {question} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def appends_table(appended: dict[str, tuple[dict[str, list[float]], ...]]) -> str:
    """Milliseconds: half of them take no longer, and 99 of 100."""
    lines = ["| record | database | p50, ms | p99, ms | p50 over 10,000 |", "| --- | --- | ---: | ---: | ---: |"]
    for name, (small, large) in appended.items():
        for record, times in large.items():
            median, slow = statistics.median(times), _share(times, 0.99)
            mark = " **!**" if slow > _APPEND_S else ""
            ratio = median / statistics.median(small[record])
            lines.append(f"| {record} | {name} | {median * 1e3:.2f} | {slow * 1e3:.2f}{mark} | {ratio:.1f} |")
    return "\n".join(lines) + "\n"


def _share(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, round(len(times) * share))]


if __name__ == "__main__":
    main(*sys.argv[1:])
