"""From Git to bytes, everything anew."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from reconciler.cli.sources import git_source
from reconciler.cli.stages import stage_options
from reconciler.compile import compile_routes, load_source_files
from reconciler.settings import load
from tests.bench.marks import Moment
from tests.bench.progress import fresh
from tests.bench.repositories import BenchRepository
from tests.bench.samples import Sample


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


def cold(repository: BenchRepository, rounds: int) -> Cold:
    """Several times, each in a process of its own with an empty directory."""
    table = repository.table
    times = [fresh(_cold_once, repository.path) for _ in range(rounds)]
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
