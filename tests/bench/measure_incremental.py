"""One changed Mapping after another, compiled from what the compile before left: no target, no journal, no Envoy."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.cli.collector import spare_once
from reconciler.cli.sources import git_source
from reconciler.cli.stages import stage_options
from reconciler.compile import Compiled, Options, compile_routes, load_source_files
from reconciler.model.source import SourceSnapshot
from reconciler.recompile import Memory, recompile
from reconciler.resources import LoadedFiles
from reconciler.settings import load
from reconciler.sources import Source
from tests.bench.marks import Moment
from tests.bench.progress import say
from tests.bench.repositories import BenchRepository
from tests.bench.samples import Sample
from tests.bench.ways import Way

_WARM_UP = 2
_MAPPINGS = 10


@dataclass(frozen=True, slots=True)
class Incremental:
    """In seconds; from what the source answers to bytes."""

    mappings: int
    hosts: int
    sharding: str
    wall: Sample
    cpu: Sample


def incremental(repository: BenchRepository, ways: Sequence[Way], changes: int) -> list[Incremental]:
    """The same changes for each way to render.

    Args:
        repository: what ``main`` says is compiled anew first.
        ways: to render.
        changes: how many, each a commit of its own.
    """
    settings = load({"repo": repository.path, "allow_local": "true"}, {}, None)
    base = stage_options(settings)
    with tempfile.TemporaryDirectory() as scratch:
        source = git_source(settings.settings, Path(scratch) / "clone")
        snapshot = source.fetch(None)
        files = load_source_files(snapshot, base, None, {})
        found = []
        for way in ways:
            say(f"{changes} changes, sharding {way.sharding}")
            options = replace(base, render=way.of(base.render))
            run = _Run(source, options, snapshot, files)
            spare_once()()
            times = [run.change(repository, number, f"{way.sharding}-{number}") for number in range(changes + _WARM_UP)]
            found.append(_row(repository, way, times[_WARM_UP:]))
            snapshot, files = run.memory.source, run.memory.files
        source.close()
    return found


def _row(repository: BenchRepository, way: Way, times: Sequence[Moment]) -> Incremental:
    walls, cpus = [time.wall for time in times], [time.cpu for time in times]
    table = repository.table
    return Incremental(table.mappings, table.hosts, way.sharding, Sample.of(walls), Sample.of(cpus))


class _Run:
    """Compiles over and over.

    Args:
        source: of revisions.
        options: of the stages.
        first: the revision that is compiled anew.
        files: what its files hold.
    """

    def __init__(self, source: Source, options: Options, first: SourceSnapshot, files: LoadedFiles) -> None:
        self._source, self._options = source, options
        self._served: Compiled = compile_routes(first, files.whole(), options)
        memory = Memory.of(first, files, self._served, options)
        assert memory, "nothing was compiled"
        self.memory = memory

    def change(self, repository: BenchRepository, number: int, version: str) -> Moment:
        """What a change of one of some Mappings takes, which take turns."""
        numbers = repository.table.plain_numbers(_MAPPINGS)
        (sha,) = repository.prepare([repository.change(numbers[number % len(numbers)], version)])
        repository.advance(sha)
        snapshot = self._source.fetch(self.memory.source.revision)
        began = Moment.now()
        files = load_source_files(snapshot, self._options, self.memory.files, {})
        compiled = recompile(self.memory, snapshot, files, self._options, self._served.resources)
        took = Moment.now() - began
        assert compiled, "everything had to be compiled"
        assert compiled.snapshot.digest != self._served.snapshot.digest, "nothing changed"
        self._served = compiled
        return took
