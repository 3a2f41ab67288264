"""From Git to bytes: everything anew, and after a restart with what the state directory kept."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from reconciler.cli.wiring import git_source, stage_options
from reconciler.compile import compile_routes, load_source_files
from reconciler.settings import load
from tests.bench.marks import Moment, marked_reconcile
from tests.bench.progress import fresh
from tests.bench.repositories import BenchRepository
from tests.bench.samples import Sample
from tests.support.controllers import on_repository


@dataclass(frozen=True, slots=True)
class Cold:
    """Git to a serialised snapshot with nothing kept, in seconds; ``cpu`` is that of the whole, git's included."""

    mappings: int
    hosts: int
    fetch: Sample
    load: Sample
    compile: Sample
    whole: Sample
    cpu: Sample


@dataclass(frozen=True, slots=True)
class Restart:
    """From the start of a controller whose state directory was kept, in seconds.

    Attributes:
        serve: until what was served before can be served again.
        next_change: until the change of one Mapping, committed meanwhile, is compiled.
    """

    mappings: int
    hosts: int
    serve: Sample
    serve_cpu: Sample
    next_change: Sample
    next_cpu: Sample


def cold(repository: BenchRepository, rounds: int) -> Cold:
    """Several times, each in a process of its own with an empty directory."""
    table = repository.table
    text = f"cold compile of {table.mappings} Mappings on {table.hosts} hosts"
    times = [fresh(f"{text}, {number + 1} of {rounds}", _cold_once, repository.path) for number in range(rounds)]
    pieces = zip(*times, strict=True)
    fetch, loaded, compiled, whole = (list(piece) for piece in pieces)
    return Cold(
        table.mappings,
        table.hosts,
        Sample.of([moment.wall for moment in fetch]),
        Sample.of([moment.wall for moment in loaded]),
        Sample.of([moment.wall for moment in compiled]),
        Sample.of([moment.wall for moment in whole]),
        Sample.of([moment.cpu for moment in whole]),
    )


def _cold_once(repository: Path) -> tuple[Moment, Moment, Moment, Moment]:
    settings = load({"repo": repository, "allow_local": "true"}, {}, None)
    options = stage_options(settings)
    with tempfile.TemporaryDirectory() as scratch:
        began = Moment.now()
        source = git_source(settings.settings, Path(scratch) / "clone")
        snapshot = source.fetch(None)
        fetched = Moment.now()
        loaded = load_source_files(snapshot, options, None, {}).whole()
        read = Moment.now()
        compiled = compile_routes(snapshot, loaded, options)
        done = Moment.now()
        source.close()
    assert not compiled.problems, compiled.problems[0]
    return fetched - began, read - fetched, done - read, done - began


def restart(repository: BenchRepository, state: Path, rounds: int) -> Restart:
    """Several times, each in a process of its own on the state directory of the one before.

    Args:
        repository: whose ``main`` is served according to the state directory.
        state: the state directory.
        rounds: how often.
    """
    table = repository.table
    text = f"restart with {table.mappings} Mappings on {table.hosts} hosts"
    number = table.plain_numbers(1)[0]
    commits = repository.prepare([repository.change(number, f"restart-{version}") for version in range(rounds)])
    times = []
    for turn, sha in enumerate(commits, start=1):
        repository.advance(sha)
        times.append(fresh(f"{text}, {turn} of {rounds}", _restart_once, repository.path, state))
    serve, following = [serve for serve, _ in times], [following for _, following in times]
    return Restart(
        table.mappings,
        table.hosts,
        Sample.of([moment.wall for moment in serve]),
        Sample.of([moment.cpu for moment in serve]),
        Sample.of([moment.wall for moment in following]),
        Sample.of([moment.cpu for moment in following]),
    )


def _restart_once(repository: Path, state: Path) -> tuple[Moment, Moment]:
    began = Moment.now()
    with on_repository(repository, state, "xds") as loop:
        served = Moment.now()
        assert loop.edges.targets[0].observe() is not None, "nothing was restored"
        marks = marked_reconcile(loop)
    return served - began, marks.of["compiled"] - began
