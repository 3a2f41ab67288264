"""Pages on a real socket: streams of new entries, an end that waits for nobody, and whose word is taken."""

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any, cast

import pytest

from reconciler.audit.store import database
from reconciler.model.errors import Stalled, Transient
from reconciler.model.happening import Happening, Note
from reconciler.model.question import Answers
from reconciler.model.source import Person
from reconciler.web import WebServer
from reconciler.web.access import EVERYTHING, NO_GRANTS, Grants, Rules, Scope, Token, digest_of
from reconciler.web.application import application
from reconciler.web.events import Events
from reconciler.web.gate import Gate
from reconciler.web.view import Live
from tests.support import journals
from tests.support.waiting import eventually
from tests.support.web_world import OPEN, WebWorld, mapping

ANN = Person("Ann", "ann@example.com")
Connect = Callable[[int], http.client.HTTPConnection]


@contextmanager
def serving(
    world: WebWorld, rules: Rules = OPEN, grants: Callable[[], Grants] = lambda: NO_GRANTS
) -> Iterator[tuple[WebServer, Events]]:
    """The application on a free port; closed when left, if it is not."""
    events = Events(world.answers, look_s=30, beat_s=0.2)
    app = application(world.board, events, rules, grants, world.accesses.append, world.bugs.append)
    names = {"purpose": "pages", "setting": "pages-address"}
    server = WebServer("127.0.0.1:0", app, **names, connections=16, patience_s=0.3, ending=events.close)
    try:
        yield server, events
    finally:
        server.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[WebWorld]:
    """One change."""
    made = WebWorld.at(tmp_path / "journal.db")
    made.apply({"a.yaml": mapping("shop", "item")}, ANN, "Begin")
    yield made
    made.journal.close()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes connections to a port, and closes them in the end."""
    with ExitStack() as stack:

        def one(port: int) -> http.client.HTTPConnection:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            stack.callback(connection.close)
            return connection

        yield one


def listening(
    connection: http.client.HTTPConnection, last: int | None = None, token: str = ""
) -> http.client.HTTPResponse:
    """A stream of events that has begun."""
    after = {} if last is None else {"Last-Event-ID": str(last)}
    connection.request("GET", "/api/v1/events", headers=after | ({"Authorization": f"Bearer {token}"} if token else {}))
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    return answer


def event(stream: http.client.HTTPResponse) -> dict[str, object]:
    """The entry of the next event, past heartbeats."""
    while line := stream.readline():
        if line.startswith(b"data: "):
            found: dict[str, object] = json.loads(line.removeprefix(b"data: "))
            return found
    raise AssertionError("the stream has ended")


def test_new_entries_come_by_themselves(world: WebWorld, connect: Connect) -> None:
    """As soon as they are written; who comes back is told what was missed, and heartbeats go on in between."""
    with serving(world) as (server, events):
        stream = listening(connect(server.port))
        assert stream.readline().startswith(b"retry: ")
        eventually(lambda: stream.readline() == b":\n", what="a heartbeat")
        number = world.apply({"a.yaml": mapping("shop", "item", prefix="/x/")}, ANN, "Move it")
        events.ring()
        assert event(stream)["number"] == number
        assert event(listening(connect(server.port), last=3))["subject"] == "Move it"


def test_it_ends_within_a_second_with_streams_open(world: WebWorld, connect: Connect) -> None:
    """Who listens, and who sends half a request, holds up nobody."""
    with serving(world) as (server, events):
        streams = [listening(connect(server.port)) for _ in range(3)]
        half = connect(server.port)
        half.connect()
        assert half.sock is not None
        half.sock.sendall(b"GET / HTTP/1.1\r\nHost: loc")
        eventually(lambda: events.open == 3)
        begun = time.monotonic()
        server.close()
        assert time.monotonic() - begun < 2.5
        assert all(stream.read().endswith(b"\n\n") for stream in streams)
        with pytest.raises(OSError, match="refused"):
            connect(server.port).connect()


def test_who_never_ends_a_request_is_not_waited_for(world: WebWorld, connect: Connect) -> None:
    """Neither for the first nor for the next one; a stream goes on meanwhile."""
    with serving(world) as (server, events):
        stream = listening(connect(server.port))
        first, next_one = connect(server.port), connect(server.port)
        next_one.request("GET", "/api/v1/status")
        assert next_one.getresponse().read()
        first.connect()
        for connection in (first, next_one):
            assert connection.sock is not None
            connection.sock.sendall(b"GET / HTTP/1.1\r\nHost: loc")
            assert connection.sock.recv(1) == b""
        assert events.open == 1
        assert stream.readline()


def test_there_are_so_many_streams_and_no_more(world: WebWorld, connect: Connect) -> None:
    """More connections than there may be are turned away, and come in once others have left."""
    with serving(world) as (server, events):
        connections = [connect(server.port) for _ in range(15)]
        for connection in connections:
            listening(connection)

        def status() -> int:
            connection = connect(server.port)
            connection.request("GET", "/api/v1/status", headers={"Connection": "close"})
            return connection.getresponse().status

        eventually(lambda: events.open == 15)
        assert status() == 503
        for connection in connections:
            connection.close()
        eventually(lambda: status() == 200, what="room again")


def test_a_proxy_is_known_by_its_address(world: WebWorld, connect: Connect) -> None:
    """By that of the connection; what a client writes about itself counts for nothing."""
    grants = Grants(groups={"team": Scope.of(["shop"])})
    headers = {"X-Forwarded-User": "ann", "X-Forwarded-Groups": "team", "X-Forwarded-For": "127.0.0.1"}
    for network, expected in (("127.0.0.1/32", 200), ("127.0.0.2/32", 401)):
        rules = Rules(open=False, local=True, peers=(ip_network(network),))
        with serving(world, rules, lambda: grants) as (server, _):
            connection = connect(server.port)
            connection.request("GET", "/api/v1/routes", headers=headers)
            assert connection.getresponse().status == expected


def test_looking_for_what_is_new_reads_nothing_else(world: WebWorld) -> None:
    """With nobody writing one look is one row; an entry is told again with its result, also over one in between."""
    read = list[str]()

    class Counted:
        """The journal, with what was asked of it."""

        def __getattr__(self, name: str) -> Any:
            read.append(name)
            return getattr(world.answers, name)

    async def told() -> None:
        events = Events(cast("Answers", Counted()), look_s=30, beat_s=30)
        stream = events.listen(None)
        assert await anext(stream) is None
        read.clear()
        assert not await events._look()
        assert read == ["entry"]
        attempt = journals.attempt(7)
        first = world.journal.intend(attempt)
        assert await events._look()
        world.journal.note(Note(Happening.EXPORT, "given out"))
        world.journal.conclude(first, journals.conclusion(attempt), None, None)
        assert await events._look()
        assert "entries" not in read
        found = [one.records[-1].sequence for one in events._newest]
        assert found == [first - 1, first + 1, first + 2]
        events.close()
        await stream.aclose()

    asyncio.run(told())


def test_a_stream_ends_with_the_right_to_it(world: WebWorld, connect: Connect) -> None:
    """Once a token is taken back, or may see something else, nothing more is told; others listen on."""
    ann, bob = Token(digest_of("a"), "ann", EVERYTHING), Token(digest_of("b"), "bob", Scope.of(["shop"]))
    cat = Token(digest_of("c"), "cat", EVERYTHING)
    grants = [Grants((ann, bob, cat))]
    with serving(world, Rules(open=False, local=True), lambda: grants[-1]) as (server, events):
        one, two, three = (listening(connect(server.port), token=token) for token in "abc")
        grants.append(Grants((replace(bob, scope=Scope.of(["cart"])), cat)))
        number = world.apply({"a.yaml": mapping("shop", "item", prefix="/x/")}, ANN, "Move it")
        events.ring()
        assert b"data" not in one.read()
        assert b"data" not in two.read()
        assert event(three)["number"] == number
        eventually(lambda: events.open == 1)


def test_one_viewer_leaves_room_for_others(world: WebWorld, connect: Connect) -> None:
    """Of many windows of one only some are live."""
    grants = Grants(tuple(Token(digest_of(name), name, EVERYTHING) for name in "ab"))
    with serving(world, Rules(open=False, local=True), lambda: grants) as (server, _):
        for _ in range(8):
            listening(connect(server.port), token="a")
        ninth = connect(server.port)
        ninth.request("GET", "/api/v1/events", headers={"Authorization": "Bearer a"})
        assert ninth.getresponse().status == 503
        listening(connect(server.port), token="b")


def test_a_question_that_takes_too_long_is_broken_off(world: WebWorld, tmp_path: Path) -> None:
    """As trouble that passes; the next one is answered."""
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    place = database.connect(tmp_path / "journal.db", read_only=True, schema="", longest_s=0.05)
    with pytest.raises(Transient, match="interrupted"), database.reading(place.reader) as connection:
        connection.exec_driver_sql(endless)
    with database.reading(place.reader) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM records").scalar_one() > 0
    place.close()


def test_what_takes_too_long_counts_until_it_ends(world: WebWorld, connect: Connect) -> None:
    """Who asks is told, and no more threads are begun than there may be, however many ask."""
    free, begun = threading.Event(), list[int]()

    def slow() -> Live:
        begun.append(1)
        assert free.wait(10)
        return world.live()

    board = replace(world.board, live=slow)
    app = application(board, Events(world.answers), OPEN, lambda: NO_GRANTS, world.accesses.append, world.bugs.append)
    assert isinstance(app, Gate)
    app.longest_s, app.at_work = 0.1, asyncio.Semaphore(2)
    server = WebServer("127.0.0.1:0", app, purpose="pages", setting="pages-address")

    def status() -> int:
        connection = connect(server.port)
        connection.request("GET", "/api/v1/status")
        return connection.getresponse().status

    try:
        assert [status() for _ in range(4)] == [503] * 4
        assert len(begun) == 2
        free.set()
        app.longest_s = 10
        assert status() == 200
    finally:
        free.set()
        server.close()
    assert not world.bugs


def test_an_address_that_is_taken_is_told(world: WebWorld) -> None:
    """With the setting that moves it."""
    with serving(world) as (server, _), pytest.raises(Stalled, match="for pages") as caught:
        WebServer(f"127.0.0.1:{server.port}", lambda *_: None, purpose="pages", setting="pages-address")  # type: ignore[arg-type]
    assert "--pages-address" in caught.value.hint
    assert not [thread for thread in threading.enumerate() if thread.name == "web"]
