"""A time of which retention deleted something is never told as one in which nothing happened."""

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reconciler.cli.journal import JOURNAL
from reconciler.cli.main import cli
from reconciler.model.happening import Actor
from reconciler.model.retention import Erased
from reconciler.model.source import Person
from reconciler.web.access import Scope
from reconciler.web.desk import Desk
from tests.support import export_checks as checks
from tests.support.journals import NOON
from tests.support.web_world import WebWorld, mapping

BEFORE = "2026-05-06T12:01:00Z"
WORDS = "6 records of this time (numbers 2 to 7) were deleted by retention, entry 12"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> WebWorld:
    """Five changes by Ann, of which retention deleted the first four."""
    made = WebWorld.at(tmp_path_factory.mktemp("erased") / JOURNAL)
    for number in range(4):
        made.apply({"a.yaml": mapping("shop", "item", prefix=f"/{number}/")}, Person("Ann", "ann@example.com"), "Old")
    made.journal._hand.clock.now = NOON + timedelta(hours=1)  # type: ignore[attr-defined]
    made.apply({"a.yaml": mapping("shop", "item")}, Person("Ann", "ann@example.com"), "New")
    made.journal.retention().step(NOON + timedelta(minutes=30), Actor("", "retention"))
    return made


def run(world: WebWorld, *words: str) -> Result:
    """A verb of the journal."""
    state = str(Path(world.journal.standing().place).parent)
    return CliRunner().invoke(cli, ["audit", *words, "--state", state], standalone_mode=False)


def test_the_journal_says_how_much_is_gone(world: WebWorld) -> None:
    """In all, and of a time, also where that cuts through what was deleted."""
    journal = world.journal
    times = {record.sequence: record.time for record in journal.records()}
    assert journal.erased() == Erased(6, 2, 7, (12,))
    assert journal.erased(since=times[4]) == Erased(4, 4, 7, (12,))
    assert journal.erased(since=times[3], until=times[5]) == Erased(2, 3, 4, (12,))
    assert journal.erased(since=times[8]) is None
    assert journal.erased(until=times[2]) is None
    assert [journal.deletion_of(number) for number in (1, 2, 7, 8)] == [None, 12, 12, None]


def test_verbs_say_so(world: WebWorld) -> None:
    """The log on its last page; an export of one such entry; one entry."""
    assert WORDS in run(world, "log").stderr
    assert WORDS not in run(world, "log", "--limit", "1").stderr
    assert WORDS not in run(world, "log", "--since", BEFORE).stderr
    assert "entry 2 is deleted by retention, entry 12" in run(world, "show", "2").stderr
    given = run(world, "export", "--output", "csv", "--entry", "2")
    assert "entry 2 is deleted by retention, entry 12" in str(given.exception)


@pytest.mark.parametrize("output", ["csv", "cloudevents", "ocsf", "markdown", "html"])
def test_no_export_gives_an_all_clear(world: WebWorld, output: str, tmp_path: Path) -> None:
    """Of a time that is gone each format says that it is, and stays what others take for one."""
    to = tmp_path / "given"
    given = run(world, "export", "--output", output, "--to", str(to), "--until", "2026-05-06T12:00:05Z")
    told = to.read_bytes().decode()
    assert "of this time" in given.stderr
    assert "deleted by retention, entry 12" in told
    assert "None:" not in told
    match output:
        case "csv":
            (row,) = checks.table(told)
            assert (row["op"], row["applied"], row["entry"]) == ("erased", "unknown", "12")
        case "cloudevents":
            (event,) = checks.cloudevents(told)
            assert event["type"] == "dev.reconciler.journal.erased"
        case "ocsf":
            assert [event["type_uid"] for event in checks.ocsf(told)] == [100802]
        case _:
            assert "No change is here that could be examined" in told


def test_pages_and_api_say_so(world: WebWorld) -> None:
    """To everybody that something is gone; how much and which only to who may see everything."""
    client = world.client()
    page = client.get("/decisions")
    assert WORDS in page.text
    gone = client.get("/decisions/2")
    assert (gone.status_code, "deleted by retention, see decision 12" in gone.text) == (410, True)
    assert client.get("/decisions/999").status_code == 404
    assert WORDS in client.get("/routes/shop/item").text
    assert WORDS in client.get("/routes/shop/never").text
    assert client.get("/api/v1/entries/3").status_code == 410
    told = client.get("/api/v1/entries").json()["erased"]
    assert (told["records"], told["first"], told["last"], told["by"]) == (6, 2, 7, [12])
    assert client.get(f"/api/v1/entries?since={BEFORE}").json()["erased"] is None
    narrow = Desk(world.board, Scope(frozenset({"shop"})))
    assert narrow.erased() == Erased()
    assert narrow.deletion_of(2) is None


def test_what_was_deleted_is_no_tampering_and_is_not_compared(world: WebWorld) -> None:
    """By its time, as the verb has it: neither page nor API takes it for nothing."""
    client = world.client()
    moment, later = "2026-05-06T12:00:06Z", "2026-05-06T13:30:00Z"
    past = client.get(f"/at?time={moment}").text
    assert "deleted by retention" in past
    assert "not what was recorded" not in past
    told = client.get(f"/api/v1/at?time={moment}").json()
    assert (told["deleted"], told["proven"], told["found"]) == (12, False, 0)
    compared = client.get(f"/compare?from={moment}&to={later}")
    assert (compared.status_code, "Nothing can be compared" in compared.text) == (409, True)
    assert "what was served then was deleted by retention, entry 12" in compared.text
    assert "Created" not in compared.text
    refused = client.get(f"/api/v1/diff?from={moment}&to={later}")
    assert (refused.status_code, refused.json()["detail"][:32]) == (409, "what was served then was deleted")
    assert client.get(f"/compare?from={later}&to={later}").status_code == 200
