"""What the log shows, and what can be searched in it, by who may see one namespace."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.model.audit import AuditRecord, Event
from reconciler.model.digest import Json, digest_bytes
from reconciler.model.entry import Answer, Entry, entry
from reconciler.model.question import Lack, Query
from reconciler.model.source import Person
from reconciler.web.access import EVERYTHING, Grants, Rules, Scope, Token, digest_of
from reconciler.web.desk import Desk
from reconciler.web.narrow import narrowed_entry
from reconciler.web.pages.views import timeline
from reconciler.web.pages.views.decision import decision_page
from tests.support.journals import NOON
from tests.support.web_world import WebWorld, mapping

SHOP = Scope.of(["shop"])
ANN, BEA = Person("Ann", "ann@example.com"), Person("Bea", "bea@example.com")
RULES = Rules(open=False, local=False)
GRANTS = Grants((Token(digest_of("shop"), "bob", SHOP), Token(digest_of("all"), "ann", EVERYTHING)))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebWorld]:
    """One change of theirs alone (2), one of others (4), one of both (6), one of theirs again (8), ten of others."""
    made = WebWorld.at(tmp_path_factory.mktemp("log") / "journal.db")
    item, other = mapping("shop", "item"), mapping("other", "pay")
    made.apply({"a.yaml": item}, ANN, "Begin")
    made.apply({"a.yaml": item, "b.yaml": other}, BEA, "Others")
    both = {"a.yaml": mapping("shop", "item", prefix="/thing/"), "b.yaml": mapping("other", "pay", prefix="/p/")}
    made.apply(both, BEA, "Both at once")
    both |= {"c.yaml": mapping("shop", "cart")}
    made.apply(both, ANN, "A cart")
    for number in range(10):
        made.apply(both | {"b.yaml": mapping("other", "pay", prefix=f"/{number}/")}, BEA, "Others again")
    yield made
    made.journal.close()


def desk(world: WebWorld, scope: Scope = SHOP) -> Desk:
    """What answers somebody who may see so much."""
    return Desk(world.board, scope)


def numbers(world: WebWorld, query: Query) -> list[int]:
    """What is found, newest first."""
    return [one.sequence for one in desk(world).page(query).entries]


def test_a_change_applied_as_planned_shows_its_routes(world: WebWorld) -> None:
    """The result does not tell them again: those of the intent hold, in counts, on the page, and as applied."""
    seen = desk(world).entry(6)
    assert seen is not None
    page = decision_page(seen, NOON)
    assert [(one.namespace, one.name) for one in page.routes] == [("shop", "item")]
    assert (seen.creates, seen.updates, page.applied) == (0, 1, Answer.YES)


def test_withheld_is_not_told_as_unknown_or_none(world: WebWorld) -> None:
    """A third state: people, signature and source of an entry that is about others, too, are not shown to them."""
    seen = desk(world).entry(6)
    assert seen is not None
    assert {"people", "verification", "effect", "source.repository"} <= set(seen.withheld)
    item, page = timeline.item(seen, NOON), decision_page(seen, NOON)
    assert (item.unknown, item.chips, bool(item.hidden)) == ("", (), True)
    told = {one.name: one.value for one in (*page.people, *page.verification, *page.source)}
    assert {told[name] for name in ("Everybody behind it", "Signature", "Repository", "Parents")} == {
        "not shown to you"
    }
    own = desk(world).entry(8)
    assert own is not None
    people = {one.name: one.value for one in decision_page(own, NOON).people}
    assert (people["Author"], people["Pull request"], people["Merged by"]) == (
        "Ann <ann@example.com>",
        "unknown",
        "not shown to you",
    )


def test_what_is_not_shown_can_t_be_searched(world: WebWorld) -> None:
    """Neither by what is found, nor by where the next page begins."""
    # Who wrote what is shown of an entry is shown, too; not who else brought any of it.
    assert numbers(world, Query(author="BEA")) == [6]
    assert numbers(world, Query(text="both")) == []
    assert numbers(world, Query(mapping="pay")) == []
    assert numbers(world, Query(author="ann")) == [8, 2]
    for asked in (Query(author="bea"), Query(text="both"), Query(mapping="pay"), Query(lacking=frozenset(Lack))):
        for limit in (1, 2, 3):
            page = desk(world).page(replace(asked, limit=limit))
            assert page.next in (None, *(one.sequence for one in page.entries))
    # What is missing of it is told of what is shown alone.
    assert numbers(world, Query(lacking=frozenset({Lack.APPROVAL}))) == [8]
    assert numbers(world, Query(self_approved=True)) == []


def test_kinds_and_effects_of_others_can_t_be_searched(tmp_path: Path) -> None:
    """A kind is looked for in what is shown, and that something was applied is told of their own changes alone."""
    world = WebWorld.at(tmp_path / "journal.db")
    module = "apiVersion: getambassador.io/v3alpha1\nkind: Module\nmetadata: {name: ambassador, namespace: other}\n"
    world.apply({"a.yaml": mapping("shop", "item"), "m.yaml": f"{module}spec: {{config: {{}}}}\n"}, ANN, "Both")
    every = desk(world, EVERYTHING)
    assert [one.sequence for one in every.page(Query(kind="Module")).entries] == [2]
    assert numbers(world, Query(kind="Module")) == []
    for asked in (Query(kind="Mapping"), Query(applied=True), Query(kind="Mapping", mapping="item")):
        assert numbers(world, asked) == [2], asked
    assert numbers(world, Query(kind="Module", mapping="item")) == numbers(world, Query(applied=False)) == []
    world.journal.close()


def test_pages_of_a_narrow_log_follow_each_other(world: WebWorld) -> None:
    """Each entry once, and no page behind the last."""
    found, before = [], None
    while True:
        page = desk(world).page(Query(limit=1, before=before))
        found += [one.sequence for one in page.entries]
        before = page.next
        if before is None:
            break
    assert found == [8, 6, 2]


def test_of_a_commit_the_entry_that_may_be_seen_is_found(tmp_path: Path) -> None:
    """One of others about the same commit does not hide it; the numbers of others are nobody's commits."""
    world = WebWorld.at(tmp_path / "journal.db")
    world.apply({"b.yaml": mapping("other", "pay")}, ANN, "Theirs")
    sha = world.revision.sha if world.revision else ""
    world.number -= 1  # the same commit again
    world.apply({"a.yaml": mapping("shop", "item"), "b.yaml": mapping("other", "pay")}, ANN, "Ours")
    every, seen = desk(world, EVERYTHING).entry(sha[:12]), desk(world).entry(sha[:12])
    assert every is not None
    assert seen is not None
    assert (every.sequence, seen.sequence) == (2, 4)
    assert desk(world).entry("2") is None
    world.journal.close()


def test_changes_of_one_namespace_are_counted_by_the_journal(world: WebWorld) -> None:
    """As many as its entries show, however many others there are."""
    since, until = NOON, NOON + timedelta(hours=1)
    (every,) = desk(world, EVERYTHING).volume(since, until, 1)
    (ours,) = desk(world).volume(since, until, 1)
    shown = desk(world).page(Query()).entries
    assert ours.changes == sum(one.creates + one.updates + one.deletes for one in shown) == 3
    assert ours.decisions == {"apply": 3}
    assert every.changes > ours.changes


def made(change: Mapping[str, Json], **source: Json) -> Entry:
    """A decision of one record."""
    body: dict[str, Json] = {
        "trigger": "NewRevision",
        "decision": "Applied",
        "change": dict(change),
        "source": {"subject": "Words", **source},
        "people": {"author": {"name": "Ann", "email": "ann@example.com"}},
    }
    return entry(AuditRecord(2, NOON, Event.DECISION, body, digest_bytes(b"")), None)


_OURS: Json = {"op": "update", "kind": "Mapping", "namespace": "shop", "name": "item", "risks": ["auth-bypassed"]}


@pytest.mark.parametrize(
    ("change", "source", "subject"),
    [
        ({"routes": [_OURS]}, {}, "Words"),
        ({"routes": [_OURS]}, {"commits": [{"commit": "a"}], "objects": [{"object": "k8s:shop/x"}]}, ""),
        ({"routes": [_OURS]}, {"commits": [{"commit": "a"}]}, "Words"),
        ({"routes": [_OURS]}, {"commits": [{"commit": "a"}, {"commit": "b"}]}, ""),
        ({"routes": [_OURS], "edge": [{"op": "update", "subject": "auth"}]}, {}, ""),
        ({"routes": [_OURS], "hosts": [{"op": "update"}]}, {}, ""),
    ],
)
def test_words_are_shown_where_they_can_be_about_nobody_else(
    change: dict[str, Json], source: dict[str, Json], subject: str
) -> None:
    """Not of several commits, nor where what is everybody's changed, nor what is not known to be theirs."""
    seen = narrowed_entry(made(change, **source), SHOP)
    assert seen is not None
    assert (seen.subject, seen.author) == (subject, "Ann <ann@example.com>" if subject else "")


def test_risks_of_one_s_own_routes_are_shown() -> None:
    """What deserves a second look does so for them, too."""
    seen = narrowed_entry(made({"routes": [_OURS]}), SHOP)
    assert seen is not None
    assert decision_page(seen, NOON).risks == ("shop/item: auth bypassed",)


def test_an_empty_page_of_the_log_leads_on(world: WebWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where not all was looked at, it does not say that there is nothing."""
    monkeypatch.setattr("reconciler.web.desk._ROUNDS", 1)
    monkeypatch.setattr("reconciler.web.pages.views.filters.PAGE", 1)
    client = world.client(RULES, lambda: GRANTS)
    page = client.get("/decisions?q=a+cart&before=8", headers={"authorization": "Bearer shop"}).text
    assert "Nothing in the journal is like that" not in page
    assert 'href="/decisions?q=a+cart&amp;before=2"' in page
    assert (
        "Nothing in the journal is like that"
        in client.get("/decisions?q=nowhere", headers={"authorization": "Bearer all"}).text
    )


def test_who_brought_what_was_served_is_not_called_unknown(world: WebWorld) -> None:
    """It is known, and not shown where that entry is about others alone; so is when Envoy last said no to others."""
    client = world.client(RULES, lambda: GRANTS)
    for path in ("/at?time=now", "/compare?from=2&to=now"):
        page = client.get(path, headers={"authorization": "Bearer shop"}).text
        assert "not shown to you" in page, path
        assert "nothing had been applied" not in page, path
    assert "Never to what concerns you" in client.get("/envoys", headers={"authorization": "Bearer shop"}).text
