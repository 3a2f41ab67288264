"""What stands in front of every page and answer."""

from collections.abc import Iterator
from dataclasses import replace
from html import unescape

import pytest
from starlette.testclient import TestClient

from reconciler.model.errors import Stalled
from reconciler.web.access import EVERYTHING, Grants, Rules, Scope, Token, digest_of
from reconciler.web.application import application
from reconciler.web.events import Events
from reconciler.web.sessions import Sessions, _seal
from reconciler.web.view import Live
from tests.support.web_world import OPEN, WebWorld

GRANTS = Grants((Token(digest_of("t"), "ann", EVERYTHING), Token(digest_of("s"), "bob", Scope.of(["shop"]))))
RULES = Rules(open=False, local=False)
STATUS = "/api/v1/status"
ANN = {"authorization": "Bearer t"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebWorld]:
    """An empty journal."""
    made = WebWorld.at(tmp_path_factory.mktemp("gate") / "journal.db")
    yield made
    made.journal.close()


@pytest.mark.parametrize("path", ["/decisions", STATUS, "/nothing", "/static/style.css", "/login"])
def test_browsers_are_told_what_to_do_with_every_answer(world: WebWorld, path: str) -> None:
    """Nothing from elsewhere, in nobody's frame, kept nowhere; of refusals, too."""
    for headers in (ANN, {}):
        answer = world.client(RULES, lambda: GRANTS).get(path, headers=headers)
        assert answer.headers["content-security-policy"].startswith("default-src 'none';")
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_can_be_changed(world: WebWorld, method: str) -> None:
    """There is nothing that would."""
    answer = world.client(RULES, lambda: GRANTS).request(method, STATUS, headers=ANN)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_heads_are_those_of_get(world: WebWorld) -> None:
    """Also of what never ends."""
    client = world.client()
    assert client.head(STATUS).headers["content-type"] == "application/json"
    assert client.head("/api/v1/events").headers["content-type"].startswith("text/event-stream")


def test_credentials_are_asked_for_by_every_path(world: WebWorld) -> None:
    """Programs get 401 in JSON; people are led to where they can log in; the description is nobody's either."""
    client = world.client(RULES, lambda: GRANTS)
    for path in (STATUS, "/api/v1/openapi.json", "/api/v1/events", "/nothing", "/api/v1/entries"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="reconciler"'), path
    browser = client.get("/decisions", headers={"accept": "text/html"})
    assert (browser.status_code, browser.headers["location"]) == (303, "/login?next=/decisions")
    assert client.get(STATUS, headers={"accept": "text/html"}).status_code == 401


def test_names_of_others_are_refused(world: WebWorld) -> None:
    """A name that somebody lets point to this machine."""
    assert world.client(base="http://evil.example.com").get(STATUS).status_code == 400


def test_what_is_too_long_is_refused(world: WebWorld) -> None:
    """Before anybody looks into it."""
    assert world.client().get("/decisions?q=" + "x" * 9000).status_code == 414


def test_an_access_file_that_can_not_be_used_lets_nobody_in(world: WebWorld) -> None:
    """And says why, without its path."""

    def unusable() -> Grants:
        raise Stalled("AccessFileUnusable", "/etc/secret/path: it is no YAML")

    answer = world.client(RULES, unusable).get(STATUS, headers=ANN)
    assert (answer.status_code, answer.json()) == (503, {"detail": "AccessFileUnusable"})


def test_who_types_a_token_once_is_known_from_then_on(world: WebWorld) -> None:
    """By a cookie that no script and no other site gets, as long as the token is good."""
    grants = [GRANTS]
    client = world.client(RULES, lambda: grants[-1])
    assert client.get("/login").status_code == 200
    answer = client.post("/login", data={"token": "s"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert digest_of("s") not in cookie
    assert client.get(STATUS).status_code == 200
    assert world.accesses[-1].viewer == "bob"
    grants.append(Grants())
    assert client.get(STATUS).status_code == 401


def test_wrong_tokens_begin_nothing_and_keep_nobody_out(world: WebWorld) -> None:
    """Nor do forms of other sites, or those that are too large. Behind a proxy all have one address."""
    client = world.client(RULES, lambda: GRANTS)
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "http://evil.example.com"}, {"origin": "null"}):
        assert client.post("/login", data={"token": "t"}, headers=headers).status_code == 403
    assert client.post("/login", data={"token": "t" * 20_000}).status_code == 401
    assert client.post("/login", content="&a=" * 100).status_code == 401
    for _ in range(30):
        assert client.post("/login", data={"token": "<b>"}).status_code == 401
    assert "reconciler-session" not in client.cookies
    assert client.post("/login", data={"token": "t"}, headers={"origin": "http://localhost"}).status_code == 303


@pytest.mark.parametrize(
    ("wanted", "led"),
    [
        ("/decisions/17?q=a%20b", "/decisions/17?q=a%20b"),
        ("//evil.example.com/", "/"),
        ("/\\evil.example.com", "/"),
        ("https://evil.example.com/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.example.com", "/"),
        ("/logout", "/"),
        ("", "/"),
    ],
)
def test_a_link_from_a_ticket_is_followed_after_the_login(world: WebWorld, wanted: str, led: str) -> None:
    """And none that leads elsewhere."""
    client = world.client(RULES, lambda: GRANTS)
    asked = client.get("/login", params={"next": wanted})
    assert f'name="next" value="{led}"' in asked.text
    assert client.post("/login", data={"token": "t", "next": wanted}).headers["location"] == led


def test_one_link_from_request_to_page(world: WebWorld) -> None:
    """Where somebody was going, with its query, survives the login as a whole."""
    client = world.client(RULES, lambda: GRANTS)
    first = client.get("/decisions?q=a%26b&author=ann", headers={"accept": "text/html"}).headers["location"]
    form = client.get(first).text
    wanted = unescape(form.partition('name="next" value="')[2].partition('"')[0])
    answer = client.post("/login", data={"token": "t", "next": wanted})
    assert answer.headers["location"] == "/decisions?q=a%26b&author=ann"


def test_a_session_is_known_to_every_replica_and_ends(world: WebWorld) -> None:
    """With the time, with its token, and for a browser with a click; the file alone makes none."""
    now = [1_000_000.0]
    one, other = Sessions(lambda: GRANTS, lambda: now[0]), Sessions(lambda: GRANTS, lambda: now[0])
    session = one._made("s")
    assert other.holder(session, GRANTS) == digest_of("s")
    more = Grants((*GRANTS.tokens, Token(digest_of("new"), "eve", EVERYTHING)))
    assert other.holder(session, more) == digest_of("s")
    assert other.holder(session, Grants(GRANTS.tokens[:1])) == ""
    assert [other.holder(text, GRANTS) for text in ("", session[:-4], f"x{session}", "é.é", "x" * 9_000)] == [""] * 5
    forged = _seal(digest_of("s")).encrypt_at_time(digest_of("s").encode(), int(now[0])).decode().rstrip("=")
    assert other.holder(f"{session.partition('.')[0]}.{forged}", GRANTS) != digest_of("s")
    now[0] += 8 * 3600 + 1
    assert other.holder(session, GRANTS) == ""
    client = world.client(RULES, lambda: GRANTS)
    client.post("/login", data={"token": "s"})
    assert client.post("/logout", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert client.get(STATUS).status_code == 200
    assert client.post("/logout").headers["location"] == "/login"
    assert client.get(STATUS).status_code == 401
    assert client.get("/logout").status_code == 405


def test_what_nobody_expected_is_told_to_the_log(world: WebWorld) -> None:
    """Whoever asked learns only that it is our fault; the server itself has nothing to write."""
    error = RuntimeError("secret of the inside")

    def broken() -> Live:
        raise error

    bugs = list[Exception]()
    board = replace(world.board, live=broken)
    app = application(board, Events(world.answers), OPEN, lambda: GRANTS, world.accesses.append, bugs.append)
    answer = TestClient(app, base_url="http://localhost").get(STATUS)
    assert (answer.status_code, bugs) == (500, [error])
    assert "secret" not in answer.text


def test_every_access_is_told_with_who_it_was(world: WebWorld) -> None:
    """Also those that were refused; never a token, and never what was searched for."""
    client = world.client(RULES, lambda: GRANTS)
    world.accesses.clear()
    client.get(f"{STATUS}?token=t&text=password", headers=ANN)
    client.get(STATUS, headers={"authorization": "Bearer wrong"})
    first, second = world.accesses
    assert (first.viewer, first.through, first.path, first.status) == ("ann", "token", STATUS, 200)
    assert (second.viewer, second.status) == ("", 401)
    assert "password" not in repr(world.accesses)
    assert "wrong" not in repr(world.accesses)
