"""Pages tell what is so: what was applied, what is wrong with the journal, who answers; and what fails is a page."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from reconciler.model.audit import AuditRecord, Event
from reconciler.model.decision import Decision
from reconciler.model.digest import Json, digest_bytes
from reconciler.model.entry import Answer, Entry, entry
from reconciler.model.errors import Stalled, Transient
from reconciler.model.health import AnchorHealth, Health
from reconciler.model.leadership import Leadership
from reconciler.model.plan import Op
from reconciler.model.question import JournalState, RouteChange
from reconciler.model.resource import Kind, ResourceId
from reconciler.model.source import Person
from reconciler.web.access import NO_GRANTS, Grants, Rules, Scope, Token, digest_of
from reconciler.web.application import application
from reconciler.web.events import Events
from reconciler.web.pages.views import outcomes, timeline
from reconciler.web.pages.views.decision import decision_page
from reconciler.web.pages.views.one_route import route_page
from reconciler.web.view import Board, Live
from tests.support.journals import NOON
from tests.support.web_world import OPEN, WebWorld, mapping

ANN = Person("Ann", "ann@example.com")
HTML = {"accept": "text/html,application/xhtml+xml"}
TROUBLED = Health(
    journal="disk full",
    unrecorded=2,
    anchors=(AnchorHealth("git:anchors", failure="403"), AnchorHealth("file:/mnt", differs="other root")),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebWorld]:
    """A route, changed and deleted, and others whose names are no names of Kubernetes."""
    made = WebWorld.at(tmp_path_factory.mktemp("truth") / "journal.db")
    odd = {"b.yaml": mapping("shop", '"üml x"', prefix="/odd/", service="odd.shop"), "c.yaml": mapping("_x", "_y")}
    made.apply({"a.yaml": mapping("shop", "item"), **odd}, ANN, "Begin")
    made.apply(odd, ANN, "Delete it")
    yield made
    made.journal.close()


def client(
    world: WebWorld, live: Callable[[Live], Live], rules: Rules = OPEN, grants: Grants = NO_GRANTS
) -> TestClient:
    """A client of a controller that is otherwise."""
    board = replace(world.board, live=lambda: live(world.live()), key="journal+0a0b+KEY")
    app = application(board, Events(world.answers), rules, lambda: grants, world.accesses.append, world.bugs.append)
    return TestClient(app, base_url="http://localhost", follow_redirects=False, raise_server_exceptions=False)


_ROUTES: Json = {"routes": [{"op": "create", "kind": "Mapping", "namespace": "shop", "name": "item"}]}


def ended(event: Event | None, decision: str = "", trigger: str = "NewRevision") -> Entry:
    """An intent to create a route, and how it ended."""
    change: Json = {"counts": {"create": 1}, **_ROUTES} if isinstance(_ROUTES, dict) else {}
    body: dict[str, Json] = {"trigger": trigger, "change": change, "source": {"commit": "c" * 40}}
    if event is Event.DECISION:
        return entry(AuditRecord(1, NOON, event, {**body, "decision": decision}, digest_bytes(b"")), None)
    first = AuditRecord(1, NOON, Event.INTENT, body, digest_bytes(b""))
    if event is None:
        return entry(first, None)
    told: dict[str, Json] = {"change": {"as_planned": True, "counts": {"create": 1}}}
    told |= {"decision": decision} if decision else {}
    return entry(first, AuditRecord(2, NOON, event, told, digest_bytes(b"")))


@pytest.mark.parametrize(
    ("one", "answer", "words", "mark"),
    [
        (ended(Event.RESULT, "Applied"), Answer.YES, "1 route created", "+1"),
        (ended(Event.RESULT, "Partial"), Answer.YES, "1 route created", "+1"),
        (ended(Event.DECISION, "Refused"), Answer.NO, "1 route would have been created, not applied", "(+1)"),
        (ended(Event.RESULT, "RolledBack"), Answer.NO, "1 route would have been created, not applied", "(+1)"),
        (ended(Event.DECISION, "DryRun"), Answer.NO, "1 route would have been created, not applied", "(+1)"),
        (ended(Event.RESULT, "Failed"), Answer.UNKNOWN, "1 route perhaps created, not known", "+1?"),
        (ended(Event.INTERRUPTED), Answer.UNKNOWN, "1 route perhaps created, not known", "+1?"),
        (ended(None), Answer.UNKNOWN, "1 route perhaps created, not known", "+1?"),
    ],
)
def test_only_what_was_applied_is_told_as_done(one: Entry, answer: Answer, words: str, mark: str) -> None:
    """Applied, not applied and not known differ in words and looks, in the timeline, the page and a route's history."""
    assert outcomes.applied(one) is answer
    (count,) = timeline.item(one, NOON).counts
    assert (count.word, count.mark, count.tone == "good") == (words, mark, answer is Answer.YES)
    assert decision_page(one, NOON).applied is answer


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (ended(Event.RESULT, "Applied", "Drift"), "it was put back"),
        (ended(Event.RESULT, "RolledBack", "Drift"), "it was not put back"),
        (ended(Event.DECISION, "Refused", "Drift"), "it was not put back"),
        (ended(Event.INTERRUPTED, "", "Drift"), "whether it was put back is not known"),
        (ended(Event.RESULT, "Failed", "Drift"), "whether it was put back is not known"),
        (ended(None, "", "Drift"), "it is being put back"),
    ],
)
def test_drift_is_told_as_healed_only_where_it_was(one: Entry, words: str) -> None:
    """By how it ended, not by what set it off."""
    assert timeline.title(one) == f"Somebody changed what Envoys hold; {words}"


def test_an_old_page_of_a_history_names_nobody_who_deleted(world: WebWorld) -> None:
    """Who deleted a route last is on the newest page; an older deletion is not what took away what is gone now."""
    change = RouteChange(
        ended(Event.RESULT, "Applied"), Op.DELETE, (), None, None, True, ResourceId(Kind.MAPPING, "shop", "item")
    )
    newest = route_page("shop/item", world.live(), (), (change,), NOON)
    assert newest.deleted is not None
    assert route_page("shop/item", world.live(), (), (change,), NOON, 9).deleted is None


def test_an_outage_of_the_journal_is_on_the_pages_and_in_the_api(world: WebWorld) -> None:
    """And the page of the journal does not say that nothing is missing."""
    troubled = client(world, lambda live: replace(live, health=TROUBLED))
    for path in ("/decisions", "/routes", "/envoys", "/problems", "/journal"):
        page = troubled.get(path).text
        for words in ("disk full", "not in the journal yet: 2 records", "git:anchors: 403", "file:/mnt: other root"):
            assert words in page, (path, words)
    assert "everything that was done was recorded" not in troubled.get("/journal").text
    status = troubled.get("/api/v1/status").json()
    assert status["journal"] == {"trouble": "disk full", "unrecorded": 2}
    assert [(one["place"], one["failure"], one["differs"]) for one in status["anchors"]] == [
        ("git:anchors", "403", ""),
        ("file:/mnt", "", "other root"),
    ]
    assert "everything that was done was recorded" in world.client().get("/journal").text


def test_who_sees_some_namespaces_is_told_of_the_outage_and_of_what_is_not_shown(world: WebWorld) -> None:
    """Not in words that may name others; and what is kept from them is not called none."""
    grants = Grants((Token(digest_of("shop"), "bob", Scope.of(["shop"])),))
    narrow = client(world, lambda live: replace(live, health=TROUBLED), Rules(open=False, local=False), grants)
    narrow.headers["authorization"] = "Bearer shop"
    page = narrow.get("/journal").text
    assert "written: somebody has to look" in page
    assert "disk full" not in page
    assert page.count("not shown to you") == 3
    for path, withheld in (("journal", "gaps"), ("status", "repository")):
        assert withheld in narrow.get(f"/api/v1/{path}").json()["withheld"]
    assert "A replica that leads answers" in page


def test_the_key_that_verifies_is_told(world: WebWorld) -> None:
    """By the page and by the API."""
    here = client(world, lambda live: live)
    assert here.get("/api/v1/journal").json()["key"] == "journal+0a0b+KEY"
    assert "journal+0a0b+KEY" in here.get("/journal").text


@pytest.mark.parametrize(
    ("election", "words"),
    [
        (Leadership(True, "r-0", "r-0", ""), "Replica <bdi>r-0</bdi> answers, with its own journal, and leads."),
        (Leadership(False, "r-1", "r-0", ""), "and follows <bdi>r-0</bdi>."),
        (Leadership(False, "r-1", "", ""), "and follows; nobody leads now."),
        (None, "<p>Times are UTC."),
    ],
)
def test_every_page_says_which_replica_answers(world: WebWorld, election: Leadership | None, words: str) -> None:
    """Each has a journal of its own, so that two may list different entries."""
    here = client(world, lambda live: replace(live, election=election))
    for path in ("/decisions", "/routes", "/nothing", "/decisions/999"):
        assert words in " ".join(here.get(path, headers=HTML).text.split()), path


@pytest.mark.parametrize(
    "path",
    [
        "/decisions?until=0001-01-02",
        "/decisions?until=0001-01-02T00:00:00Z&since=0001-01-01",
        "/decisions?since=2026-05-06T12:00:00.000100Z&until=2026-05-06T12:00:00.000900Z",
        "/decisions?since=9999-12-31T23:59:59.990Z&until=9999-12-31T23:59:59.999Z",
        "/decisions?since=now&until=7d",
    ],
)
def test_times_at_the_ends_of_the_calendar_have_no_chart(world: WebWorld, path: str) -> None:
    """The log is shown all the same; the API says what is wrong with them."""
    here = world.client()
    assert here.get(path).status_code == 200
    since = path.replace("/decisions?", "/api/v1/volume?stretches=400&")
    assert here.get(since).status_code in (200, 422)


def test_names_that_the_product_takes_can_be_asked_for(world: WebWorld) -> None:
    """Documents may have more than Kubernetes would; what no document can have is refused."""
    here = world.client()
    assert here.get("/api/v1/routes/shop/üml x").json()["rules"]
    assert here.get("/api/v1/routes/_x/_y").json()["rules"]
    assert here.get("/routes/shop/üml x").status_code == 200
    assert here.get("/api/v1/routes/shop/a%07").status_code == 422


class Broken:
    """A journal that can't be read."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def standing(self) -> JournalState:
        """Never."""
        raise self._error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Stalled("JournalDamaged", "record 3 of /secret", ""), "JournalDamaged"),
        (Transient("JournalBusy", "a lock on /secret"), "Ask again"),
    ],
)
def test_a_journal_that_can_t_be_read_is_a_page_for_people(world: WebWorld, error: Exception, words: str) -> None:
    """And JSON for programs; neither tells more than the reason."""
    board = Board(Broken(error), world.live, world.board.match, world.board.worded)  # type: ignore[arg-type]  # only what fails is asked
    app = application(board, Events(world.answers), OPEN, lambda: NO_GRANTS, world.accesses.append, world.bugs.append)
    here = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
    page = here.get("/journal", headers=HTML)
    assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert words in page.text
    assert "/secret" not in page.text
    assert "retry-after" in page.headers or isinstance(error, Stalled)
    for path, accept in (("/journal", "*/*"), ("/api/v1/journal", HTML["accept"])):
        assert here.get(path, headers={"accept": accept}).json() == {"detail": getattr(error, "reason", "")}


def test_what_is_not_there_is_a_page_for_people(world: WebWorld) -> None:
    """With the way back; programs get JSON."""
    here = world.client()
    page = here.get("/no/such/page", headers=HTML)
    assert page.status_code == 404
    assert 'href="/decisions"' in page.text
    assert here.get("/no/such/page").json() == {"detail": "Not Found"}
    assert here.get("/api/v1/nothing", headers=HTML).json() == {"detail": "Not Found"}


def test_charts_say_that_they_are_of_everything(world: WebWorld) -> None:
    """Where filters leave something out of the log below them."""
    here = world.client()
    times = "since=2026-05-06T11:00:00Z&until=2026-05-06T13:00:00Z"
    assert "not only of what the filters leave" in here.get(f"/decisions?q=begin&{times}").text
    assert "not only of what the filters leave" not in here.get(f"/decisions?{times}").text
    assert Decision.APPLIED in here.get(f"/decisions?{times}").text
