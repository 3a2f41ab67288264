"""Pages and API tell every field of a route, also where retention deleted what set it."""

from collections.abc import Iterator
from html import unescape

import pytest

from reconciler.model.happening import Actor
from reconciler.model.source import Person
from reconciler.web.access import Scope
from reconciler.web.desk import Desk
from tests.support.web_world import WebWorld, mapping

ANN = Person("Ann", "ann@example.com")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebWorld]:
    """A route comes, gets a timeout, another comes; then all goes that need not stay."""
    made = WebWorld.at(tmp_path_factory.mktemp("pruned") / "journal.db")
    item, slow = mapping("shop", "item"), mapping("shop", "item", more=", timeout_ms: 9000")
    made.apply({"a.yaml": item}, ANN, "Begin")
    made.apply({"a.yaml": slow}, ANN, "Slower")
    made.apply({"a.yaml": slow, "b.yaml": mapping("shop", "cart")}, ANN, "Another")
    made.journal.retention().step(made.journal.entries()[0].time, Actor("ann", "desk"), 0)
    yield made
    made.journal.close()


def test_the_page_and_the_api_say_what_is_deleted(world: WebWorld) -> None:
    """Each field that is served, with who set it or why nobody knows."""
    gone = f"deleted by retention, entry {world.journal.entries()[0].sequence}"
    whole = world.client().get("/api/v1/routes/shop/item").json()
    told = {one["field"]: (one["change"] is not None, one["unknown"]) for one in whole["blame"]}
    assert (told["timeout"], told["path"], told["host"]) == ((True, ""), (False, gone), (False, gone))
    page = unescape(world.client().get("/routes/shop/item", headers={"accept": "text/html"}).text)
    assert page.count(gone) >= len(told) - 1


def test_who_sees_a_part_does_not_learn_which_entry_deleted_it(world: WebWorld) -> None:
    """Only that it was deleted: whom else that entry is about is not theirs to know."""
    blamed = Desk(world.board, Scope(frozenset({"shop"}))).blame("shop", "item")
    assert {one.blamed.unknown for one in blamed} == {"", "deleted by retention"}
