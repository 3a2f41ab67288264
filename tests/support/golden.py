"""Golden cases: what every stage makes of small inputs, kept beside them in tests/golden/CASE/.

====================  =================================================================================
``1-sources/``        the input files, written by people
``1-cluster.yaml``    optional: objects of the cluster beside them, as the API server returns them
``0-before/``         optional: input files of the revision that is served already
``0-cluster.yaml``    optional: objects of the cluster beside those
``case.yaml``         optional: ``sources`` (a folder of the repository instead of ``1-sources``), ``limits``,
                      ``conflicts``, ``precedence``, ``cluster``, ``ambassador_id``, ``machine``, ``sharding``
all others            generated: ``python -m tests.support.golden [CASE…]`` (``make golden``) writes and prunes
====================  =================================================================================

Sources are read as plain folders, so there are no commits, and no file holds an absolute path.
"""

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from reconciler.cli.reading import Reading
from reconciler.cli.render import stage_value
from reconciler.compile import NOTHING, Compiled, Options, compile_routes, plan_change
from reconciler.envoy import RenderOptions, Sharding
from reconciler.merge import ConflictPolicy
from reconciler.model.digest import Json
from reconciler.model.limits import DEFAULT_LIMITS
from reconciler.model.machine import MachineAccess
from reconciler.model.problem import Problem
from reconciler.model.source import Realm, SourceSnapshot
from reconciler.model.text import printable
from reconciler.plan import as_text
from reconciler.resources import load
from reconciler.sources import DirectorySource
from reconciler.sources.cluster import ClusterReading
from tests.support.cluster_objects import with_objects

REPOSITORY = Path(__file__).parents[2]
GOLDEN = REPOSITORY / "tests" / "golden"

SETTINGS = "case.yaml"
SOURCES = "1-sources"
BEFORE = "0-before"
OBJECTS = "1-cluster.yaml"
OBJECTS_BEFORE = "0-cluster.yaml"
_INPUTS = (SETTINGS, SOURCES, BEFORE, OBJECTS, OBJECTS_BEFORE)
_ENVOY = "5-envoy"
_STAGE = re.compile(r"[2-9]-")


@dataclass(frozen=True)
class Case:
    """The inputs of one case; a key of ``case.yaml`` that is none of its fields is an error.

    Attributes:
        sources: folder of the repository that is read instead of ``1-sources``.
        limits: those that differ from the defaults.
        cluster: what is read of the cluster, where that differs from annotations, Ingresses of class ``reconciler`` and
            custom resources.
        machine: what documents may ask of Envoy's machine, where that differs from the defaults.
    """

    sources: str = ""
    limits: dict[str, Any] = field(default_factory=dict)
    conflicts: str = ConflictPolicy.QUARANTINE
    precedence: str = Realm.GIT
    cluster: dict[str, Any] = field(default_factory=dict)
    ambassador_id: str = "default"
    machine: dict[str, Any] = field(default_factory=dict)
    sharding: str = Sharding.NONE

    @classmethod
    def of(cls, folder: Path) -> "Case":
        """The case of a folder."""
        path = folder / SETTINGS
        return cls(**yaml.safe_load(path.read_text())) if path.exists() else cls()

    @property
    def options(self) -> Options:
        """What the stages take from it."""
        return Options(
            ambassador_id=self.ambassador_id,
            limits=replace(DEFAULT_LIMITS, **self.limits, machine=MachineAccess(**self.machine)),
            conflicts=ConflictPolicy(self.conflicts),
            precedence=Realm(self.precedence),
            render=RenderOptions(sharding=Sharding(self.sharding)),
        )

    @property
    def reading(self) -> ClusterReading:
        """What is read of the cluster."""
        everything = ClusterReading(annotations=True, ingresses=True, custom_resources=True)
        return replace(everything, limits=self.options.limits, **self.cluster)


def cases() -> list[str]:
    """The names of all cases."""
    return sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())


@cache
def reading(name: str) -> tuple[Reading, Compiled]:
    """A case as the pipeline reads it, and what was served before."""
    folder = GOLDEN / name
    case = Case.of(folder)
    before = NOTHING
    if (folder / BEFORE).is_dir() or (folder / OBJECTS_BEFORE).exists():
        before = _read(folder / BEFORE, folder / OBJECTS_BEFORE, case, NOTHING).compiled
    sources = REPOSITORY / case.sources if case.sources else folder / SOURCES
    return _read(sources, folder / OBJECTS, case, before), before


def _read(folder: Path, objects: Path, case: Case, before: Compiled) -> Reading:
    options = case.options
    source = SourceSnapshot(None, None, ())
    if folder.is_dir() or not objects.exists():
        source = DirectorySource(folder, options.limits).fetch(None)
    if objects.exists():
        source = with_objects(source, objects, case.reading)
    loaded = load(source.files, limits=options.limits, ambassador_id=options.ambassador_id)
    return Reading(source, loaded, compile_routes(source, loaded, options, before.resources))


def generated(name: str) -> dict[str, str]:
    """The text of every generated file of a case, by its path in the case."""
    return {path: make(name) for path, make in FILES.items()}


def _stage(stage: str) -> Callable[[str], str]:
    def make(name: str) -> str:
        return _yaml(stage_value(reading(name)[0], stage, Options()))

    return make


def _table(name: str) -> str:
    """The table as printed, but virtual hosts only name their rules: each stands once, under ``routes``."""
    table = stage_value(reading(name)[0], "table", Options())
    for listener in _items(table, "listeners"):
        for virtual_host in _items(listener, "virtual_hosts"):
            names = [route["name"] for route in _items(virtual_host, "routes")]
            virtual_host |= {"routes": names}
    return _yaml(table)


def _items(value: Json, key: str) -> list[dict[str, Json]]:
    """The mappings in a list that is left out when it is empty."""
    assert isinstance(value, dict)
    items = value.get(key, [])
    assert isinstance(items, list)
    return [item for item in items if isinstance(item, dict)]


def _envoy(message: str) -> Callable[[str], str]:
    def make(name: str) -> str:
        resources = stage_value(reading(name)[0], "envoy", Options())
        assert isinstance(resources, dict)
        return _yaml(resources[message])

    return make


def _routes(name: str) -> str:
    """Route configurations, or the scopes that hold them where they are divided."""
    resources = stage_value(reading(name)[0], "envoy", Options())
    assert isinstance(resources, dict)
    return _yaml(resources["ScopedRouteConfiguration"] or resources["RouteConfiguration"])


def _plan(name: str) -> str:
    after, before = reading(name)
    return as_text(plan_change(before, after.compiled, Case.of(GOLDEN / name).options, None), colour=False)


def _problems(name: str) -> str:
    compiled = reading(name)[0].compiled
    lines = [line for problem in compiled.problems for line in _lines(problem)] or ["no problems"]
    for identity, older in compiled.quarantined:
        lines.append(f"quarantined: {identity}, {'its last good version is served' if older else 'not served'}")
    return "\n".join(lines) + "\n"


def _lines(problem: Problem) -> Sequence[str]:
    return [printable(str(problem)), *(f"    see also: {printable(str(place))}" for place in problem.related)]


class _Dumper(yaml.SafeDumper):
    """Writes equal values out instead of pointing at the first."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def _yaml(value: Json) -> str:
    """Block style with the innermost values on one line, so that a case can be read at a glance."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=160, default_flow_style=None)


FILES: dict[str, Callable[[str], str]] = {
    "2-resources.yaml": _stage("resources"),
    "3-merged.yaml": _stage("merged"),
    "4-table.yaml": _table,
    f"{_ENVOY}/clusters.yaml": _envoy("Cluster"),
    f"{_ENVOY}/listeners.yaml": _envoy("Listener"),
    f"{_ENVOY}/routes.yaml": _routes,
    "6-plan.txt": _plan,
    "7-problems.txt": _problems,
}


def strangers(name: str) -> list[Path]:
    """What lies in a case and is neither an input nor generated."""
    folder = GOLDEN / name
    known = {folder / path for path in FILES} | {folder / _ENVOY}
    inputs = {folder / path for path in _INPUTS}
    return [path for path in sorted(folder.rglob("*")) if not {path, *path.parents} & inputs and path not in known]


def write(names: Sequence[str]) -> None:
    """Regenerate cases and remove what is stale.

    Args:
        names: of the cases.

    Raises:
        SystemExit: a file lies in a case that no generator can have written; nothing of that case is touched.
    """
    for name in names:
        folder = GOLDEN / name
        stale = strangers(name)
        for path in stale:
            if not _STAGE.match(path.relative_to(folder).parts[0]):
                raise SystemExit(f"{path} is no input and no stage: move it below {SOURCES}/, or remove it")
        for path in reversed(stale):  # contents before their folder
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        if not any((folder / path).exists() for path in _INPUTS):
            _remove_generated(folder)
            continue
        for relative, text in generated(name).items():
            path = folder / relative
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)


def _remove_generated(folder: Path) -> None:
    """A case whose inputs are gone is gone."""
    for relative in FILES:
        (folder / relative).unlink(missing_ok=True)
    if (folder / _ENVOY).is_dir():
        (folder / _ENVOY).rmdir()
    folder.rmdir()


if __name__ == "__main__":
    write(sys.argv[1:] or cases())
