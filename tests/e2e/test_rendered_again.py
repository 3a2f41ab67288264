"""What was served is rendered again from the journal alone, by another process, to the digest that was recorded."""

import json
import shutil
from dataclasses import replace

import pytest

from reconciler.audit import Journal
from reconciler.cli.audit.rendering import render_again
from reconciler.cli.clock import now
from reconciler.cli.journal import JOURNAL
from reconciler.model.decision import Decision
from reconciler.model.errors import Stalled
from reconciler.model.happening import Happening
from reconciler.model.question import Query
from tests.support.command import Desk
from tests.support.controllers import mapping, on_repository, reconcile
from tests.support.repositories import Repository

SETTINGS: tuple[dict[str, object], ...] = (
    {"listen": "127.0.0.1:18081", "access_log": "/var/log/envoy.log", "interval": "1m30s"},
    {"listen": "127.0.0.1:18082", "access_log": "/var/log/envoy.log", "access_log_format": "json"},
    {"listen": "127.0.0.1:18082", "routing": "list", "sharding": "hosts", "service_address": ("*=127.0.0.1:9",)},
)
APPLIED = Query(happened=frozenset({Happening.APPLY}))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Three revisions, each applied by a controller with other settings; the repository is gone."""
    made = Desk(tmp_path_factory.mktemp("again"))
    repository = Repository.create(made.root / "repository")
    for number, settings in enumerate(SETTINGS):
        repository.commit(
            {"a.yaml": mapping("a", f"/a{number}/"), f"{number}.yaml": mapping(f"m{number}", f"/{number}/")}
        )
        with on_repository(repository.path, made.state, f"files:{made.out}", **settings) as loop:
            reconcile(loop, Decision.APPLIED)
    shutil.rmtree(repository.path)
    shutil.rmtree(made.state / "clone")
    return made


@pytest.fixture(scope="module")
def journal(desk: Desk) -> Journal:
    """The journal they wrote, to read."""
    return Journal.open(desk.state / JOURNAL, now, read_only=True)


def applied(journal: Journal) -> list[int]:
    """The entries of these revisions, oldest first."""
    return sorted(entry.sequence for entry in journal.entries(APPLIED))


def test_each_revision_is_rendered_again_as_it_was_set_then(journal: Journal) -> None:
    """To the last byte: the digest is the recorded one."""
    found = [journal.at(entry) for entry in applied(journal)]
    again = [render_again(one) for one in found]
    assert [one.differs for one in again] == ["", "", ""]
    assert [one.compiled.snapshot.digest for one in again] == [one.snapshot for one in found]
    assert len({one.snapshot for one in found}) == len(SETTINGS)


def test_the_command_prints_what_envoy_was_sent(desk: Desk, journal: Journal) -> None:
    """In a process of its own: as JSON, and what was recorded is said."""
    entry = applied(journal)[1]
    done = desk.run("audit", "at", entry, "--render", "--state", desk.state, "--output", "json")
    assert done.code == 0, done.text
    assert f"rendered again to {journal.at(entry).snapshot}, as recorded" in done.err
    listener = json.dumps(done.value)
    assert '"/a1/"' in listener
    assert "json_format" in listener or "jsonFormat" in listener


def test_what_can_not_be_rendered_again_is_said(journal: Journal) -> None:
    """Settings of another version, settings that were not recorded, another version's rendering."""
    found = journal.at(applied(journal)[0])
    with pytest.raises(Stalled, match="no setting colour"):
        render_again(replace(found, settings={**found.settings, "colour": "red"}))
    with pytest.raises(Stalled, match="were not recorded"):
        render_again(replace(found, settings={}))
    with pytest.raises(Stalled, match="did not keep the documents"):
        render_again(replace(found, origins=(), proven=False))
    other = {**found.settings, "listen": "127.0.0.1:1"}
    assert "new in this program" in render_again(replace(found, settings=other)).differs
    assert "version 0.0.1 rendered it" in render_again(replace(found, settings=other, tool_version="0.0.1")).differs
