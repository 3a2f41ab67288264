"""What stands in front of every page and answer."""

from collections.abc import Iterator

import pytest

from reconciler.model.errors import Stalled
from reconciler.web.access import EVERYTHING, Grants, Rules, Scope, Token, digest_of
from tests.support.web_world import WebWorld

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
    assert (browser.status_code, browser.headers["location"]) == (303, "/login")
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
    assert "SameSite=strict" in cookie
    assert digest_of("s") not in cookie
    assert client.get(STATUS).status_code == 200
    assert world.accesses[-1].viewer == "bob"
    grants.append(Grants())
    assert client.get(STATUS).status_code == 401


def test_wrong_tokens_begin_nothing(world: WebWorld) -> None:
    """Nor do forms of other sites, or those that are too large; who tries very often is made to wait."""
    client = world.client(RULES, lambda: GRANTS)
    assert client.post("/login", data={"token": "t"}, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert client.post("/login", data={"token": "t" * 10_000}).status_code == 401
    assert client.post("/login", content="&a=" * 100).status_code == 401
    for _ in range(18):
        assert client.post("/login", data={"token": "<b>"}).status_code == 401
    assert client.post("/login", data={"token": "t"}).status_code == 429
    assert "reconciler-session" not in client.cookies


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
