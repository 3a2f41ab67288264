"""From a line that a real Envoy wrote to commit, author and entry: after changes, a rollback and a deletion."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any

import pytest

from reconciler.apply import XdsTarget
from reconciler.apply.envoy_process import EnvoyProcess
from reconciler.envoy import xds_bootstrap
from reconciler.loop import Loop
from reconciler.model.decision import Decision
from tests.support.command import Desk
from tests.support.controllers import mapping, on_repository, reconcile
from tests.support.envoys import envoy_path
from tests.support.http import get
from tests.support.ports import reserve_port
from tests.support.repositories import ANN, BOB, Repository
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually

CEE = "Cee Committer <cee@example.com>"
HOSTS = """\
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: shop}
spec: {hostname: shop.test, requestPolicy: {insecure: {action: Redirect}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: open}
spec: {hostname: open.test, requestPolicy: {insecure: {action: Route}}}
"""


def split(name: str, weight: int | None = None) -> str:
    """A Mapping of the canary group."""
    more = {"weight": weight} if weight else {}
    return mapping(name, "/canary/", **more)


def forward(name: str, port: int) -> str:
    """A TCPMapping."""
    return (
        f"apiVersion: getambassador.io/v3alpha1\nkind: TCPMapping\nmetadata: {{name: {name}}}\n"
        f"spec: {{port: {port}, service: 'tcp-{name}:6379'}}\n"
    )


class _Greeting(StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"hello " + self.rfile.readline())


@dataclass
class World:
    """A controller on a repository, an Envoy that it serves, and what each request must lead to, by path."""

    desk: Desk
    repository: Repository
    loop: Loop
    envoy: EnvoyProcess
    port: int
    expected: dict[str, tuple[str, str, int]] = field(default_factory=dict)

    def commit(self, author: str, decision: Decision = Decision.APPLIED, **files: str | None) -> tuple[str, int]:
        """Commits and reconciles; the commit, and the number of the entry."""
        sha = self.repository.commit({f"{name}.yaml": text for name, text in files.items()}, author=author)
        outcome = reconcile(self.loop, decision)
        newest = self.loop.edges.journal.entry(outcome.sequence or 0)
        assert newest is not None
        return sha, newest.sequence

    def ask(self, path: str, mapping: str, by: tuple[str, int], host: str = "open.test") -> None:
        """A request that this version must serve."""
        eventually(lambda: get(self.port, path, headers={"host": host}).status, what=path)
        self.expected[path] = (mapping, *by)

    def lines(self) -> list[str]:
        """What Envoy has written so far."""
        return self.envoy.access_log_path.read_text().splitlines()

    def logged(self, *words: str) -> None:
        """Waits for lines with these words: Envoy writes in batches."""
        eventually(
            lambda: all(any(word in line for line in self.lines()) for word in words), what=f"{words} in the log"
        )

    def trace(self, *arguments: object, lines: list[str] | None = None) -> list[dict[str, Any]]:
        """What the command says of them, line by line."""
        log = self.desk.root / "envoy.log"
        log.write_text("\n".join(lines if lines is not None else self.lines()) + "\n")
        done = self.desk.run("audit", "trace", log, "--state", self.desk.state, "--output", "json", *arguments)
        return [json.loads(line) for line in done.out.splitlines()]


@contextmanager
def world(directory: Path, form: str) -> Iterator[World]:
    """Everything runs, and serves one Mapping."""
    desk, repository = Desk(directory), Repository.create(directory / "repository")
    port = reserve_port()
    with ThreadingTCPServer(("127.0.0.1", 0), _Greeting) as server, Upstream("all") as upstream:
        Thread(target=server.serve_forever, daemon=True).start()
        greeting = f"127.0.0.1:{server.server_address[1]}"
        addresses = (f"*={upstream.address}", f"tcp-red:6379={greeting}", f"tcp-blue:6379={greeting}")
        settings = {
            "listen": f"127.0.0.1:{port}",
            "access_log": "/dev/stdout",
            "access_log_format": form,
            "service_address": addresses,
        }
        with on_repository(repository.path, desk.state, "xds", **settings) as loop:
            (target,) = loop.edges.targets
            assert isinstance(target, XdsTarget)
            envoy = EnvoyProcess(envoy_path(), xds_bootstrap(f"127.0.0.1:{target.port}"), directory / "envoy")
            try:
                envoy.start(wait=False)
                eventually(lambda: bool(target.nodes()), what="Envoy to connect")
                yield World(desk, repository, loop, envoy, port)
            finally:
                envoy.stop()
        server.shutdown()


@pytest.mark.parametrize("form", ["text", "json"])
def test_every_line_leads_to_commit_author_and_entry(form: str, tmp_path: Path) -> None:
    """Of several authors' changes, a canary, redirects, connections, a rollback and a Mapping that is gone."""
    tcp = reserve_port()
    with world(tmp_path, form) as running:
        first = running.commit(ANN, hosts=HOSTS, item=mapping("item", "/item/"), moved=mapping("moved", "/moved/"))
        running.ask("/item/1", "default/item", first)
        second = running.commit(BOB, item=mapping("item", "/item/", timeout_ms=5000), red=forward("red", tcp))
        running.ask("/item/2", "default/item", second)
        running.ask("/moved/1", "default/moved", first)
        third = running.commit(
            CEE,
            canary=f"{split('old')}---\n{split('new', 50)}",
            away=mapping("away", "/away/", host_redirect="true", path_redirect="/there"),
        )
        running.ask("/away/1", "default/away", third)
        for number in range(8):
            running.ask(f"/canary/{number}", "default/", third)
        eventually(lambda: _greeted(tcp), what="the greeting")
        # Nothing is served from a table that is refused, and what was served before goes on.
        running.commit(BOB, Decision.REFUSED, item=None, moved=None, away=None, canary=None, red=None, hosts=None)
        running.ask("/item/3", "default/item", second)
        running.repository.git("revert", "--no-edit", "HEAD")
        reverted = running.repository.head
        back = running.commit(ANN, item=mapping("item", "/item/"), away=None)
        running.ask("/item/4", "default/item", back)
        running.ask("/moved/2", "default/moved", (reverted, back[1]))
        _check(running, second)


def _check(running: World, connection: tuple[str, int]) -> None:
    get(running.port, "/nobody", headers={"host": "open.test"})
    assert get(running.port, "/item/9", headers={"host": "shop.test"}).status == 301
    running.logged(*running.expected, "/nobody", "/item/9", "default/red")
    told = running.trace()
    by_path = {one.get("path"): one for one in told}
    for path, (name, sha, entry) in running.expected.items():
        found = by_path[path]
        assert found["mapping"].startswith(name), found
        assert (found["commit"], found["entry"], found["by"]) == (sha, entry, "commit"), found
    assert by_path["/item/1"]["author"] == ANN
    assert by_path["/item/3"]["author"] == BOB
    assert by_path["/away/1"]["source_line"] == 1
    assert {by_path[f"/canary/{number}"]["mapping"] for number in range(8)} <= {"default/old", "default/new"}
    assert by_path["/nobody"]["unserved"] == "no Mapping takes this request"
    redirected = by_path["/item/9"]
    assert redirected["unserved"].startswith("sent to https by a Host")
    assert [host["mapping"] for host in redirected["hosts"]] == ["default/shop"]
    (tcp,) = [one for one in told if one.get("protocol") == "TCP" and "mapping" in one]
    assert (tcp["kind"], tcp["mapping"], tcp["commit"], tcp["entry"]) == ("TCPMapping", "default/red", *connection)
    assert not [one for one in told if "lost" in one or "unread" in one]


def _greeted(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as plain:
            plain.sendall(b"you\n")
            return plain.makefile("rb").readline() == b"hello you\n"
    except OSError:
        return False
