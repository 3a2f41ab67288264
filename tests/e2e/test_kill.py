"""kill -9 at random points of a controller's life: what is served and what the journal says agree afterwards."""

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.apply import FilesTarget
from reconciler.audit import Journal
from reconciler.model.audit import Event
from tests.support.command import Controller, Desk
from tests.support.controllers import mapping
from tests.support.envoys import only_port, running_envoy
from tests.support.http import get
from tests.support.journals import Clock
from tests.support.ports import reserve_port
from tests.support.repositories import Repository
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually

KILLS = int(os.environ.get("KILLS", "12"))  # of each target; more where one has the time
ROUTES = 4


@dataclass(slots=True)
class Stage:
    """A repository whose commits are followed by controllers that are killed.

    Attributes:
        serves: whether the target holds these rewrites, by route.
        moves: how many of ten commits also move a route to another service.
        rewrites, services: what HEAD says of each route.
        seen: sequence and hash of every record that was ever read.
        ends: what the kills hit.
    """

    desk: Desk
    repository: Repository
    flags: tuple[str, ...]
    upstreams: tuple[str, ...]
    serves: Callable[[dict[str, str]], bool]
    moves: int
    chance: random.Random
    rewrites: dict[str, str] = field(default_factory=dict)
    services: dict[str, str] = field(default_factory=dict)
    seen: list[tuple[int, str]] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    start_takes: float = 1.5
    change_takes: float = 0.3

    def commit(self, number: int) -> str:
        """Change one route."""
        name = f"r{self.chance.randrange(ROUTES)}" if self.rewrites else ""
        for route in [name] if name else [f"r{i}" for i in range(ROUTES)]:
            self.rewrites[route] = f"/{number}/"
            if route not in self.services or self.chance.randrange(10) < self.moves:
                self.services[route] = self.chance.choice(self.upstreams)
        return self.repository.commit(
            {
                f"{route}.yaml": mapping(route, f"/{route}/", service=self.services[route], rewrite=rewrite)
                for route, rewrite in self.rewrites.items()
            },
            f"Commit {number}",
        )

    def kill_at_start(self) -> None:
        """Start a controller and kill it somewhere before or in its first reconcile."""
        with self.desk.controller(self.repository.path, *self.flags) as controller:
            time.sleep(self.chance.uniform(0.2, 1.1) * self.start_takes)
            controller.process.kill()

    def kill_in_a_change(self, number: int, *, at_the_intent: bool) -> None:
        """Start a controller, see all agree, commit, and kill it somewhere in the reconcile of that commit."""
        began = time.monotonic()
        with self.desk.controller(self.repository.path, *self.flags) as controller:
            self.agree(controller)
            self.start_takes = (self.start_takes + time.monotonic() - began) / 2
            before = self.wal.stat().st_mtime_ns
            self.commit(number)
            if at_the_intent:
                eventually(lambda: self.wal.stat().st_mtime_ns != before, what="the intent", pause=0.0005)
                time.sleep(self.chance.choice((0.0, 0.005, 0.02)) * self.chance.random())
            else:
                time.sleep(self.chance.uniform(0, 1.3) * self.change_takes)
            controller.process.kill()
            controller.process.wait()
            recorded = any(line["revision"].endswith(self.repository.head) for line in controller.decisions())
            self.ends["after the result" if recorded else "before the result"] += 1

    @property
    def wal(self) -> Path:
        """Where SQLite writes first."""
        return self.desk.state / "journal.db-wal"

    def agree(self, controller: Controller) -> None:
        """Wait until HEAD is served by what a controller says; then target, journal and HEAD must be of one mind."""
        eventually(lambda: self.settled(controller), seconds=40, what=f"HEAD in {controller.log}")
        eventually(lambda: self.serves(self.rewrites), seconds=30, what="the target to hold HEAD")
        journal = Journal.open(self.desk.state / "journal.db", Clock(), read_only=True)
        try:
            assert journal.verify().finding == ""
            assert journal.unfinished() is None
            served = journal.served()
            assert served.revision is not None
            assert served.revision.sha == self.repository.head
            documents = {origin.id.name: json.loads(origin.document) for origin in served.origins}
            assert {name: document["spec"]["rewrite"] for name, document in documents.items()} == self.rewrites
            records = list(journal.records())
        finally:
            journal.close()
        now = [(record.sequence, str(record.hash)) for record in records]
        assert now[: len(self.seen)] == self.seen, "records that were once there are there for ever"
        self.seen = now
        self.ends["in an apply"] = sum(record.event is Event.INTERRUPTED for record in records)

    def settled(self, controller: Controller) -> bool:
        """Whether the controller says that HEAD is served."""
        assert controller.process.poll() is None, controller.text
        return any(self.is_head(line) for line in controller.decisions())

    def is_head(self, line: dict[str, Any]) -> bool:
        """Whether a log line says that HEAD is served."""
        return line["decision"] in ("Applied", "Unchanged") and line["revision"].endswith(self.repository.head)

    def measure(self, number: int) -> None:
        """See how long a change takes here, from the commit to its log line."""
        with self.desk.controller(self.repository.path, *self.flags) as controller:
            self.agree(controller)
            self.commit(number)
            began = time.monotonic()
            self.agree(controller)
            self.change_takes = time.monotonic() - began
            assert controller.end() == 0

    def play(self) -> None:
        """All kills, then one calm life in which everything must agree."""
        self.commit(0)
        self.kill_at_start()
        self.kill_at_start()
        self.measure(1)
        for number in range(2, KILLS):
            match number % 5:
                case 0 | 3:
                    self.commit(number)
                    self.kill_at_start()
                case 1:
                    self.kill_in_a_change(number, at_the_intent=False)
                case _:
                    self.kill_in_a_change(number, at_the_intent=True)
        with self.desk.controller(self.repository.path, *self.flags) as controller:
            self.agree(controller)
            assert controller.end() == 0
        print(
            f"\n{dict(self.ends)}, {len(self.seen)} records, start {self.start_takes:.2f} s, {self.change_takes:.2f} s"
        )
        assert self.ends["in an apply"] >= KILLS // 10, "the kills must hit what this is about"
        assert self.ends["before the result"] >= KILLS // 10


@pytest.mark.timeout(300)
def test_killed_with_a_file_target(desk: Desk) -> None:
    """Many kills: the files read back hold what the journal says, which is HEAD; no record is ever lost."""
    addresses = ("127.0.0.1:1", "127.0.0.1:2")

    def serves(_rewrites: dict[str, str]) -> bool:
        journal = Journal.open(desk.state / "journal.db", Clock(), read_only=True)
        try:
            return FilesTarget(desk.out).observe() == journal.served().digest
        finally:
            journal.close()

    flags = ("--target", f"files:{desk.out}", "--interval", "50ms")
    repository = Repository.create(desk.root / "repository")
    Stage(desk, repository, flags, addresses, serves, moves=1, chance=random.Random(11)).play()
    assert [path.name for path in desk.out.iterdir() if path.name.startswith(".")] == [], "nothing half written is left"


@pytest.mark.timeout(300)
def test_killed_while_an_envoy_follows(desk: Desk) -> None:
    """Many kills: the Envoy that stays answers as the journal says, which is HEAD; no record is ever lost."""
    xds = f"127.0.0.1:{reserve_port()}"
    target = ("--target", "xds", "--xds-address", xds, "--listen", "127.0.0.1:0", "--access-log", "")
    printed = desk.run("render", "--stage", "bootstrap", *target, "--output", "json")
    repository = Repository.create(desk.root / "repository")
    with (
        Upstream("one") as one,
        Upstream("two") as two,
        running_envoy(printed.out, desk.root, wait=False) as envoy,
    ):

        def serves(rewrites: dict[str, str]) -> bool:
            port = only_port(envoy)
            if not port:
                return False
            replies = {route: get(port, f"/{route}/") for route in rewrites}
            return {r: reply.seen["path"] for r, reply in replies.items() if reply.status == 200} == rewrites

        flags = (*target, "--interval", "50ms")
        addresses = (one.address, two.address)
        Stage(desk, repository, flags, addresses, serves, moves=5, chance=random.Random(12)).play()
