"""Commit after commit under load: every one is served and recorded, and no request notices."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

import pytest

from tests.support.command import Desk
from tests.support.controllers import mapping
from tests.support.envoys import only_port, running_envoy, serves
from tests.support.http import ask
from tests.support.ports import reserve_port
from tests.support.repositories import Repository
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually

COMMITS = 80
CLIENTS = 3
UNAFFECTED = ("/steady-0/", "/steady-1/", "/steady-2/")


@dataclass(slots=True)
class Client:
    """A thread that asks for the unaffected routes on one connection until it is told to stop."""

    port: int
    path: str
    answered: int = 0
    failures: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.connect()
        try:
            while not self.stopping.wait(0.005):
                reply = ask(connection, f"{self.path}x")
                if reply.status != 200 or reply.seen["path"] != "/x":
                    self.failures.append(f"{reply.status}: {reply.body!r}")
                if connection.sock is None:
                    self.failures.append("the connection was closed")
                    return
                self.answered += 1
        except (OSError, HTTPException) as error:
            self.failures.append(repr(error))
        finally:
            connection.close()


@contextmanager
def clients(port: int) -> Iterator[list[Client]]:
    """One client for each unaffected route."""
    working = [Client(port, path) for path in UNAFFECTED]
    threads = [threading.Thread(target=client.run) for client in working]
    for thread in threads:
        thread.start()
    try:
        yield working
    finally:
        for client in working:
            client.stopping.set()
        for thread in threads:
            thread.join()


def await_path(connection: HTTPConnection, path: str) -> None:
    """Wait until the changed route rewrites to a path."""
    eventually(lambda: ask(connection, "/changed/").seen["path"] == path, what=f"the commit of {path}")


@pytest.mark.timeout(240)
def test_commit_after_commit_under_load(desk: Desk) -> None:
    """Each commit is served before the next; none is lost in the journal, which verifies; no request fails."""
    repository = Repository.create(desk.root / "repository")
    xds = f"127.0.0.1:{reserve_port()}"
    flags = ("--target", "xds", "--xds-address", xds, "--listen", "127.0.0.1:0", "--access-log", "")
    printed = desk.run("render", "--stage", "bootstrap", *flags, "--output", "json")
    shas: list[str] = []
    with Upstream("up") as upstream, running_envoy(printed.out, desk.root, wait=False) as envoy:
        steady = {
            f"{path.strip('/')}.yaml": mapping(path.strip("/"), path, service=upstream.address) for path in UNAFFECTED
        }
        repository.commit({**steady, "changed.yaml": mapping("changed", "/changed/", service=upstream.address)})
        with desk.controller(repository.path, *flags, "--interval", "50ms") as controller:
            eventually(lambda: serves(envoy, "/changed/"), seconds=30, what="Envoy to find the controller")
            port = only_port(envoy)
            changed = HTTPConnection("127.0.0.1", port, timeout=20)
            with clients(port) as working:
                for number in range(COMMITS):
                    after = f"/{number}/"
                    document = mapping("changed", "/changed/", service=upstream.address, rewrite=after)
                    shas.append(repository.commit({"changed.yaml": document}, f"Commit {number}"))
                    await_path(changed, after)
                controller.await_decision("Applied", shas[-1])
            changed.close()
            assert [failure for client in working for failure in client.failures] == []
            assert min(client.answered for client in working) > COMMITS
            assert controller.end() == 0
    listed = desk.run("audit", "log", "--limit", 1000, "--state", desk.state, "--output", "json").value
    entries = [entry for entry in listed if entry.get("decision")]
    notes = len(listed) - len(entries)
    applied = [entry for entry in reversed(entries) if entry["decision"] == "Applied"]
    assert len(applied) == len(entries) == COMMITS + 1
    assert [entry["commit"] for entry in applied[1:]] == shas
    assert {state for entry in applied[1:] for state, _ in entry["acks"]} == {"Acked"}
    verified = desk.run("audit", "verify", "--state", desk.state)
    assert verified.code == 0, verified.text
    assert f"{2 * (COMMITS + 1) + notes + 1} records verify" in verified.out
