"""Asking many Envoys what they made of it takes no longer than it may, whatever they do."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import PurePath

from reconciler.apply.configmap import EnvoyAdmins, Shape
from reconciler.apply.configmap.admin import Stats, expected
from reconciler.model.effect import AckState
from tests.support.routing import ONE, cluster, snapshot

SHAPE = Shape(PurePath("/m"))
FIRST = snapshot([ONE], cluster("one"))


@contextmanager
def answering(drip_s: float | None = None) -> Iterator[str]:
    """An admin interface that says it took everything; or sends a byte now and then, without end; by its address."""
    stats = [{"name": f"a{one.stat}.version_text", "value": one.version} for one in expected(FIRST, SHAPE)]
    body = json.dumps({"stats": stats}).encode()
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    done = threading.Event()

    def answer(connection: socket.socket) -> None:
        with connection:
            if drip_s is None:
                connection.recv(4096)
                connection.sendall(whole)
                return
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            try:
                while not done.wait(drip_s):
                    connection.sendall(b"x")
            except OSError:
                done.set()

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        threading.Thread(target=accept, daemon=True).start()
        host, port = server.getsockname()
        yield f"{host}:{port}"
        done.set()
        server.shutdown(socket.SHUT_RDWR)


@contextmanager
def silent() -> Iterator[str]:
    """One that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        host, port = server.getsockname()
        yield f"{host}:{port}"


def test_many_silent_envoys_take_no_longer_than_may_be_waited() -> None:
    """Before and after together; one that never ends its answer is no exception, and who answers is heard."""
    with ExitStack() as stack:
        quiet = [stack.enter_context(silent()) for _ in range(70)]  # more than are asked at once
        dripping, good = stack.enter_context(answering(drip_s=0.05)), stack.enter_context(answering())
        admins = EnvoyAdmins("t", [*quiet, dripping, good], 2.0)
        began = time.monotonic()
        before = admins.before()
        acks = admins.acks(FIRST, SHAPE, before)
        assert time.monotonic() - began < 3.5
        states = {node: {ack.state for ack in acks if ack.node == node} for node in (quiet[0], dripping, good)}
    assert states == {quiet[0]: {AckState.PENDING}, dripping: {AckState.PENDING}, good: {AckState.ACKED}}
    assert len({ack.node for ack in acks}) == 72


def test_nothing_of_it_goes_on_afterwards() -> None:
    """Threads end with the time; also that of the one that never ends its answer."""
    before = threading.active_count()
    with answering(drip_s=0.05) as dripping, silent() as quiet:
        EnvoyAdmins("t", [dripping, quiet], 0.4).before()
        asking = [one for one in threading.enumerate() if one.name == "ask-envoys"]
        for one in asking:
            one.join(5)
        assert not any(one.is_alive() for one in asking)
    assert threading.active_count() <= before + 2


def test_all_that_answer_are_heard_at_once() -> None:
    """Who took all of it makes nobody wait."""
    with ExitStack() as stack:
        admins = EnvoyAdmins("t", [stack.enter_context(answering()) for _ in range(8)], 20.0)
        began = time.monotonic()
        before = admins.before()
        acks = admins.acks(FIRST, SHAPE, before)
        assert time.monotonic() - began < 5
    assert {ack.state for ack in acks} == {AckState.ACKED}
    assert all(isinstance(stats, Stats) for stats in before.stats.values())
    assert len(before.stats) == 8
