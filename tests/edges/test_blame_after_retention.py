"""Who set which field of a route, after retention deleted most of what tells that."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from reconciler.audit import Journal
from reconciler.cli.audit import audit
from reconciler.cli.journal import JOURNAL
from reconciler.cli.stages import stage_options
from reconciler.model.audit import Documents
from reconciler.model.blaming import completed, deleted_before, whole
from reconciler.model.digest import Json, canonical_json
from reconciler.model.happening import Actor
from reconciler.model.provenance import Provenance, Touch
from reconciler.model.question import Blamed
from reconciler.model.resource import Kind, Origin, ResourceId
from reconciler.model.table import EMPTY_TABLE, RouteTable
from reconciler.plan import worded
from reconciler.settings import load
from reconciler.state import recompiled
from tests.support import postgres
from tests.support.journals import NOON, Clock, Shelf, attempt, commit, conclusion
from tests.support.plans import compare

OPTIONS = stage_options(load({}, {}, None))
ANN = Actor("ann", "command line on desk")
API = "shop/api"


@dataclass
class World:
    """A journal of real documents, and what is served."""

    journal: Journal
    table: RouteTable = EMPTY_TABLE
    number: int = 0
    entries: list[int] = field(default_factory=list)

    def apply(self, **routes: dict[str, Json]) -> int:
        """What is served from now on: what each route says beside its path; returns the number of the entry."""
        self.number += 1
        origins = [_document(name, more) for name, more in sorted(routes.items())]
        compiled, _ = recompiled(origins, OPTIONS)
        tried = attempt(self.number, plan=compare(self.table, compiled.table))
        self.table = compiled.table
        entry = self.journal.intend(tried)
        self.journal.conclude(entry, conclusion(tried), Documents.of(origins), compiled.snapshot.digest)
        return entry

    def prune(self) -> None:
        """Deletes all that need not stay."""
        keeping, after, done = self.journal.retention(), 0, False
        while not done:
            step = keeping.step(self.journal.entries()[0].time, ANN, after)
            after, done = step.reached, step.done

    def blame(self, named: str) -> tuple[Blamed, ...]:
        """As verbs and pages tell it."""
        blamed, erased = self.journal.blame(named), self.journal.erased()
        if whole(blamed, erased):
            return blamed
        return completed(blamed, worded(self.table, named), deleted_before(self.journal, blamed, erased))


def _document(name: str, more: dict[str, Json]) -> Origin:
    metadata: Json = {"name": name, "namespace": "shop"}
    spec: Json = {"hostname": "*", "prefix": f"/{name}/", "service": "api:80", **more}
    body: Json = {"apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping", "metadata": metadata, "spec": spec}
    touch = Touch(commit().sha, "Ann <ann@example.com>", NOON)
    place = Provenance(f"routes/{name}.yaml", 1, touch)
    return Origin(ResourceId(Kind.MAPPING, "shop", name), place, canonical_json(body))


def _told(blamed: Sequence[Blamed]) -> dict[str, tuple[str, int | None, str]]:
    return {one.field: (one.value, one.change.entry.sequence if one.change else None, one.unknown) for one in blamed}


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """An empty journal."""
    running = postgres.server() if request.param == "postgresql" else None
    shelf = Shelf(running.url, running.schema()) if running else Shelf(tmp_path / JOURNAL)
    made = World(shelf.open())
    yield made
    made.journal.close()


def test_no_field_is_left_out_when_what_set_it_is_deleted(world: World) -> None:
    """All that is served is told, with the change that set it or the entry that deleted that."""
    world.apply(api={"timeout_ms": 3000})
    before = _told(world.blame(API))
    slower = world.apply(api={"timeout_ms": 5000})
    world.apply(api={"timeout_ms": 5000}, other={})
    world.prune()
    noted = world.journal.entries()[0].sequence
    told = _told(world.blame(API))
    assert list(told) == list(before)
    assert told["timeout"] == ("5000 ms", slower, "")
    gone = f"deleted by retention, entry {noted}"
    assert {name: one for name, one in told.items() if name != "timeout"} == {
        name: (value, None, gone) for name, (value, *_) in before.items() if name != "timeout"
    }
    assert _told(world.blame("api")) == told


def test_a_value_that_is_not_served_any_more_blames_nobody(world: World) -> None:
    """An import stays because of another route: what it said of this one was changed in an entry that is gone."""
    first = world.apply(api={"timeout_ms": 3000}, other={})
    world.apply(api={"timeout_ms": 5000, "precedence": 2}, other={})
    last = world.apply(api={"timeout_ms": 5000, "precedence": 3}, other={})
    world.apply(api={"timeout_ms": 5000, "precedence": 3}, other={}, third={})
    assert _told(world.journal.blame(API))["timeout"][0] == "5000 ms"
    world.prune()
    assert _told(world.journal.blame(API))["timeout"] == ("3000 ms", first, "")
    told = _told(world.blame(API))
    assert (told["timeout"][:2], told["precedence"]) == (("5000 ms", None), ("3", last, ""))
    assert "deleted by retention" in told["timeout"][2]
    assert told["path"][1] == first


def test_what_is_whole_is_not_completed(world: World) -> None:
    """Where nothing is deleted since a route came, the records tell all of it, whatever is served by now."""
    world.apply(api={})
    world.apply(api={"timeout_ms": 5000})
    world.apply(api={"timeout_ms": 5000}, other={})
    world.prune()
    assert whole(world.journal.blame("shop/other"), world.journal.erased())
    assert not whole(world.journal.blame(API), world.journal.erased())
    assert world.blame("shop/none") == ()


def test_what_is_from_before_the_journal_says_so(world: World) -> None:
    """Where nothing was deleted and no record tells of a field, it was there before."""
    world.table = recompiled([_document("api", {})], OPTIONS)[0].table
    slower = world.apply(api={"timeout_ms": 5000})
    told = _told(world.blame(API))
    assert told["timeout"] == ("5000 ms", slower, "")
    assert told["path"][1:] == (None, "before the journal")


def test_the_verbs_say_what_is_deleted(tmp_path: Path) -> None:
    """For people and for programs; the history says that older changes may be missing, and where that is told."""
    world = World(Journal.open(tmp_path / JOURNAL, Clock()))
    world.apply(api={"timeout_ms": 3000})
    slower = world.apply(api={"timeout_ms": 5000})
    world.apply(api={"timeout_ms": 5000}, other={})
    world.prune()
    noted = world.journal.entries()[0].sequence
    world.journal.close()
    _, text, err = _asked(tmp_path, "blame", API)
    assert (f"(deleted by retention, entry {noted})" in text, f"entry {slower}" in text, err) == (True, True, "")
    facts = {one["field"]: one for one in json.loads(_asked(tmp_path, "blame", API, "--output", "json")[1])}
    assert (facts["path"]["entry"], facts["path"]["unknown"]) == (None, f"deleted by retention, entry {noted}")
    assert (facts["timeout"]["entry"]["sequence"], facts["timeout"]["unknown"]) == (slower, "")
    _, _, err = _asked(tmp_path, "history", API)
    assert "older ones may be missing" in err
    assert f"deleted by retention, entry {noted}" in err


def test_what_is_gone_is_not_told_as_served(tmp_path: Path) -> None:
    """Its creation is kept because of another route; what took it away is deleted, and that is said."""
    world = World(Journal.open(tmp_path / JOURNAL, Clock()))
    world.apply(api={}, other={})
    world.apply(other={})
    world.apply(other={}, third={"timeout_ms": 1})
    world.apply(other={}, third={})
    world.prune()
    noted = world.journal.entries()[0].sequence
    world.journal.close()
    _, text, err = _asked(tmp_path, "blame", API)
    assert "path: " in text
    assert (
        err
        == f"note: Mapping shop/api is not served any more; what took it away is deleted by retention, entry {noted}\n"
    )
    assert _asked(tmp_path, "blame", "shop/third")[2] == ""


def _asked(state: Path, *words: str) -> tuple[Any, str, str]:
    done = CliRunner().invoke(audit, [*words, "--state", str(state)], standalone_mode=False)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.return_value, done.stdout, done.stderr
