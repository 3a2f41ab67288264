"""Several real controllers on one cluster: one writes, the next one finishes what it began, all serve the same."""

import json
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.audit import Journal
from reconciler.model.audit import Event
from tests.support.command import Controller, Desk
from tests.support.controllers import mapping
from tests.support.journals import Clock
from tests.support.kubernetes import Address, ApiServer, Document, FaultyProxy, User, kubeconfig
from tests.support.ports import reserve_port
from tests.support.repositories import Repository
from tests.support.waiting import eventually

RIGHTS: tuple[Document, ...] = (
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]},
    {
        "apiGroups": [""],
        "resources": ["configmaps"],
        "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"],
    },
)
GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "high-availability.md").read_text()
WRITES = {"create", "update", "patch", "delete"}


@dataclass
class Site:
    """A repository and a cluster with controllers that follow it; each with a state and a user of its own."""

    api: ApiServer
    namespace: str
    repository: Repository
    folder: Path
    stack: ExitStack
    users: dict[str, User] = field(default_factory=dict)

    def start(self, name: str, *more: object, target: str = "", at: Address | None = None) -> Controller:
        """One more controller, or one again."""
        if name not in self.users:
            self.users[name] = self.api.admin.service_account(self.namespace, name)
            self.api.admin.grant(self.users[name], *RIGHTS, namespace=self.namespace)
        desk = self.desk(name)
        desk.root.mkdir(exist_ok=True)
        config = kubeconfig(desk.root / "kubeconfig", at or self.api.address, self.users[name])
        return self.stack.enter_context(
            desk.controller(
                self.repository.path,
                *("--target", target or f"configmap:{self.namespace}/routes", "--interval", "200ms", "--envoy", "off"),
                *("--kubernetes", "kubeconfig", "--kubeconfig", config, "--lease-namespace", self.namespace),
                *("--leader-election", "--lease-duration", "2s", "--lease-renew", "1200ms", "--lease-retry", "200ms"),
                *("--replica", name, "--max-backoff", "500ms", "--log-format", "json", *more),
            )
        )

    def desk(self, name: str) -> Desk:
        """Where a controller works."""
        return Desk(self.folder / name)

    def served(self, name: str) -> str:
        """What a controller's journal says that it serves: the digest of the snapshot."""
        journal = Journal.open(self.desk(name).state / "journal.db", Clock(), read_only=True)
        try:
            return str(journal.served_digest())
        finally:
            journal.close()

    def served_documents(self, name: str) -> str:
        """The documents behind that."""
        journal = Journal.open(self.desk(name).state / "journal.db", Clock(), read_only=True)
        try:
            return " ".join(origin.document.decode() for origin in journal.served().origins)
        finally:
            journal.close()

    def holds_standing(self) -> bool:
        """Whether the leader has told what stands in for others."""
        return self.held("reconciler-standing") is not None

    def events(self, name: str) -> list[Event]:
        """What its journal has."""
        journal = Journal.open(self.desk(name).state / "journal.db", Clock(), read_only=True)
        try:
            assert journal.verify().finding == ""
            return [record.event for record in journal.records()]
        finally:
            journal.close()

    def held(self, name: str = "routes") -> Document | None:
        """A ConfigMap."""
        return self.api.admin.find("ConfigMap", name, self.namespace)

    def holds(self, revision: str, name: str = "routes") -> bool:
        """Whether the ConfigMap is that of a commit."""
        found = self.held(name)
        return found is not None and revision in json.dumps(found["metadata"].get("annotations", {}))

    def writes(self, name: str) -> int:
        """How often a controller wrote to the ConfigMaps of the target, granted or not."""
        events = self.api.events_of(self.users[name])
        return sum(
            e["verb"] in WRITES
            and e["objectRef"]["resource"] == "configmaps"
            and e["objectRef"].get("name", "").startswith("routes")
            for e in events
        )


def election(controller: Controller) -> dict[str, Any]:
    """What a controller says of the election; empty while it says nothing."""
    reply = controller.ask("/readyz")
    found: dict[str, Any] = (json.loads(reply.body) if reply else {}).get("election") or {}
    return found


def leads(controller: Controller) -> bool:
    """Whether a controller says that it leads."""
    return bool(election(controller).get("leading"))


@pytest.fixture
def site(api: ApiServer, namespace: str, tmp_path: Path) -> Iterator[Site]:
    """A repository with one Mapping, and the Lease as the chart makes it."""
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "reconciler"}}
    api.admin.create(lease, namespace)
    repository = Repository.create(tmp_path / "repository")
    repository.commit({"a.yaml": mapping("a", "/one/")}, "One")
    with ExitStack() as stack:
        yield Site(api, namespace, repository, tmp_path, stack)


def test_a_leader_killed_between_two_writes_is_succeeded_and_its_late_write_changes_nothing(
    site: Site, faulty: FaultyProxy
) -> None:
    """The content is written, the pointer hangs: the next leader writes it; what arrives late then is refused."""
    rotating = ("--configmap-names", "rotating")
    first = site.start("first", *rotating, at=faulty.address)
    eventually(lambda: leads(first) and site.holds(site.repository.head), seconds=30, what=first.text)
    second = site.start("second", *rotating)
    eventually(second.decisions, seconds=30, what=second.text)
    assert second.decisions()[0]["reason"] == "NotLeading"
    content, pointer = faulty.hang("patch", "configmaps"), faulty.hang("patch", "configmaps")
    head = site.repository.commit({"a.yaml": mapping("a", "/two/")}, "Two")
    faulty.forget()
    eventually(lambda: faulty.count("patch", "configmaps") == 1)
    content.set()
    eventually(lambda: faulty.count("patch", "configmaps") == 2)
    assert not site.holds(head), "half of it is written"
    first.process.kill()
    first.process.wait()
    eventually(lambda: site.holds(head), seconds=15, what=second.text)
    assert second.await_decision("Applied", head)["trigger"] == "Leading"
    assert site.events("second")[-2:] == [Event.INTENT, Event.RESULT]
    before = site.held()
    pointer.set()
    refused = lambda: [e for e in site.api.events_of(site.users["first"]) if e["responseStatus"]["code"] == 409]  # noqa: E731
    eventually(refused, what="the late write arrives")
    assert site.held() == before
    assert second.process.poll() is None


def test_a_frozen_leader_that_wakes_up_writes_nothing_and_gets_the_lease_back_from_a_clean_end(site: Site) -> None:
    """Another one writes meanwhile. It serves on as a follower, is ready, and leads again when the other one ends."""
    first = site.start("first")
    eventually(lambda: leads(first) and site.holds(site.repository.head), seconds=30, what=first.text)
    second = site.start("second")
    eventually(lambda: second.decisions() and not leads(second), seconds=30, what=second.text)
    ready = second.ask("/readyz")
    assert ready is not None
    assert ready.status == 200, "who follows is ready"
    first.process.send_signal(signal.SIGSTOP)
    head = site.repository.commit({"a.yaml": mapping("a", "/two/")}, "Two")
    eventually(lambda: site.holds(head), seconds=15, what=second.text)
    written = site.writes("first")
    first.process.send_signal(signal.SIGCONT)
    eventually(lambda: election(first).get("leading") is False, what=first.text)
    eventually(lambda: first.await_decision("Unchanged", head)["reason"] == "NotLeading")
    metrics = first.ask("/metrics")
    assert metrics is not None
    assert b"reconciler_leading 0.0" in metrics.body
    assert site.writes("first") == written, first.text
    assert "no longer leading" in first.text
    assert second.end() == 0
    eventually(lambda: leads(first), seconds=1.5, what=first.text)
    third = site.repository.commit({"a.yaml": mapping("a", "/three/")}, "Three")
    eventually(lambda: site.holds(third), what=first.text)


def test_whoever_missed_a_commit_serves_what_the_leader_serves(site: Site) -> None:
    """A broken file's last good version is the leader's: for one that slept, for a new one, and after all are gone."""

    def start(name: str) -> Controller:
        return site.start(name, "--xds-address", f"127.0.0.1:{reserve_port()}", target="xds")

    first = start("first")
    eventually(lambda: leads(first), seconds=30, what=first.text)
    first.await_decision("Applied")
    broken = site.repository.commit({"a.yaml": "a: [\n", "b.yaml": mapping("b", "/b/")}, "Break a")
    first.await_decision("Partial", broken)
    eventually(site.holds_standing, what="the leader's word")
    second = start("second")
    second.await_decision("Partial", broken)
    eventually(lambda: site.served("second") == site.served("first"), what=second.text)
    assert "/one/" in site.served_documents("second")
    second.process.send_signal(signal.SIGSTOP)
    first.await_decision("Applied", site.repository.commit({"a.yaml": mapping("a", "/better/")}, "Mend a"))
    again = site.repository.commit({"a.yaml": "a: [\n"}, "Break a again")
    first.await_decision("Partial", again)
    second.process.send_signal(signal.SIGCONT)
    eventually(lambda: site.served("second") == site.served("first"), what=second.text)
    assert "/better/" in site.served_documents("second")
    assert not leads(second)
    for gone in (first, second):
        gone.process.kill()
        gone.process.wait()
    third = start("third")
    eventually(lambda: leads(third), seconds=30, what=third.text)
    assert "/better/" in site.served_documents("third"), "the word outlives all who knew it"
    site.api.freeze()
    try:
        eventually(lambda: not leads(third))
        third.await_decision("Applied", site.repository.commit({"a.yaml": mapping("a", "/alone/")}, "Alone"))
        assert "/alone/" in site.served_documents("third"), "no commit waits for the API server"
    finally:
        site.api.thaw()
    eventually(lambda: leads(third), what=third.text)


def test_the_commands_of_the_guide_run(site: Site) -> None:
    """They show who leads, and where it is told what stands; what the guide shows of ``/readyz`` is what is there."""
    controller = site.start("first", "--lease-name", "edge")
    eventually(lambda: leads(controller), seconds=30, what=controller.text)
    eventually(lambda: site.held("edge-standing"), what=controller.text)
    shown = []
    for command in re.findall(r"^kubectl .*$", GUIDE, re.MULTILINE):
        real = shlex.split(command.replace("--namespace reconciler", f"--namespace {site.namespace}"))
        environment = {"KUBECONFIG": str(site.desk("first").root / "kubeconfig"), "PATH": os.environ["PATH"]}
        done = subprocess.run(real, env=environment, capture_output=True, text=True, timeout=30, check=True)
        shown.append(done.stdout)
    told = election(controller)
    assert shown[0] == told["leader"] == told["replica"]
    assert "edge-standing" in shown[1]
    (example,) = re.findall(r'^{"election": .*$', GUIDE, re.MULTILINE)
    assert json.loads(example)["election"].keys() == told.keys()
