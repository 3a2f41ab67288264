"""The Lease on a real API server: one leader at a time, whatever happens to it, to the network and to the Lease."""

import base64
import gzip
import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.cluster import Cluster, ClusterSettings, StandingBoard, standing
from reconciler.cluster.candidate import CLOCK, Clock
from reconciler.cluster.lease import Lease, Times
from reconciler.cluster.standing_form import unpack
from reconciler.model.source import Revision
from reconciler.model.standing import Standing
from tests.support.cluster.calls import Document
from tests.support.kubernetes import ADMIN, Address, ApiServer, FaultyProxy, User, kubeconfig
from tests.support.waiting import eventually

TIMES = Times(duration=1.0, renew=0.7, retry=0.12)
RULES = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]}


@dataclass
class Replicas:
    """Candidates for one Lease, and a witness that looks at all of them all the time.

    Attributes:
        overlap: what the witness saw that must never be.
        troubles: what each candidate told, by its name.
        losses: why each ended to lead, by its name.
    """

    namespace: str
    server: Address
    folder: Path
    stack: ExitStack
    leases: dict[str, Lease] = field(default_factory=dict)
    troubles: dict[str, list[str]] = field(default_factory=dict)
    losses: dict[str, list[str]] = field(default_factory=dict)
    overlap: list[str] = field(default_factory=list)
    seen: int = 0
    over: bool = False

    def join(
        self,
        name: str,
        *,
        at: Address | None = None,
        user: User = ADMIN,
        skew: timedelta = timedelta(0),
        times: Times = TIMES,
    ) -> Lease:
        """One more candidate, each with connections of its own."""
        config = kubeconfig(self.folder / f"{name}.json", at or self.server, user)
        settings = ClusterSettings(mode="kubeconfig", kubeconfig=config, request_s=0.5, patience_s=0.5)
        cluster = Cluster(settings)
        self.stack.callback(cluster.close)
        lease = Lease(
            cluster,
            self.namespace,
            "reconciler",
            name,
            times,
            on_lost=self.losses.setdefault(name, []).append,
            on_trouble=self.troubles.setdefault(name, []).append,
            clock=replace(CLOCK, now=lambda: datetime.now(UTC) + skew) if skew else Clock(),
        )
        self.stack.callback(lease.close)
        self.leases = {**self.leases, name: lease}
        lease.start()
        return lease

    def leaders(self) -> list[str]:
        """Who leads. Two only if one led before and after the other was seen to lead."""
        first = [name for name, lease in self.leases.items() if lease.leads()]
        return [name for name in first if self.leases[name].leads()]

    def await_leader(self, *names: str, seconds: float = 10) -> str:
        """Wait until one of some leads; returns which."""
        eventually(lambda: set(self.leaders()) & set(names), seconds=seconds, what=f"one of {names} leads", pause=0.005)
        return (self.leaders() or list(names))[0]

    def watch(self) -> None:
        """What the witness does until it is over."""
        while not self.over:
            leaders = self.leaders()
            self.seen += bool(leaders)
            if len(leaders) > 1:
                self.overlap.append(f"{time.monotonic()}: {leaders}")
            time.sleep(0.001)

    def lease(self, api: ApiServer) -> Document:
        """What the Lease says."""
        found: Document = api.admin.get("Lease", "reconciler", self.namespace)["spec"]
        return found


@pytest.fixture
def replicas(api: ApiServer, namespace: str, tmp_path: Path) -> Iterator[Replicas]:
    """No candidate yet, and a Lease that waits for the first, as the chart has it; at the end: never did two lead."""
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "reconciler"}}
    api.admin.create(lease, namespace)
    with ExitStack() as stack:
        made = Replicas(namespace, api.address, tmp_path, stack)
        witness = threading.Thread(target=made.watch)
        witness.start()
        try:
            yield made
        finally:
            made.over = True
            witness.join()
    assert made.overlap == []
    assert made.seen, "the witness saw a leader at all"


def test_of_two_that_want_it_at_once_one_gets_it_and_its_clean_end_hands_over(
    api: ApiServer, replicas: Replicas
) -> None:
    """The other one gets it within the retry time, not after the duration; the Lease tells who and how often."""
    slow = replace(TIMES, duration=20.0, renew=10.0)
    pair = {name: replicas.join(name, times=slow) for name in ("a", "b")}
    first = replicas.await_leader("a", "b")
    second = "b" if first == "a" else "a"
    spec = replicas.lease(api)
    assert (spec["holderIdentity"], spec["leaseDurationSeconds"]) == (first, 20)
    eventually(lambda: pair[second].holder == first)
    ended = time.monotonic()
    pair[first].close()
    replicas.await_leader(second)
    assert time.monotonic() - ended < slow.duration / 4
    after = replicas.lease(api)
    assert after["holderIdentity"] == second
    assert after["leaseTransitions"] == spec.get("leaseTransitions", 0) + 1
    assert datetime.fromisoformat(after["acquireTime"]) >= datetime.fromisoformat(spec["acquireTime"])


@pytest.mark.parametrize("hours", [1, -1])
def test_nobody_compares_times_of_day(api: ApiServer, replicas: Replicas, hours: int) -> None:
    """A leader whose clock is an hour off is neither deposed for it nor waited for; only its silence counts."""
    old = replicas.join("old", skew=timedelta(hours=hours))
    replicas.await_leader("old")
    replicas.join("new")
    renewals = set()
    for _ in range(3):
        before = replicas.lease(api)["renewTime"]
        eventually(lambda: replicas.lease(api)["renewTime"] != before)  # noqa: B023 - asked at once
        renewals.add(replicas.lease(api)["holderIdentity"])
    written = datetime.fromisoformat(replicas.lease(api)["renewTime"]) - datetime.now(UTC)
    assert abs(written - timedelta(hours=hours)) < timedelta(minutes=5)
    assert renewals == {"old"}
    freeze(old)
    replicas.await_leader("new", seconds=TIMES.duration * 5)


def test_a_leader_cut_off_stops_by_itself_before_another_begins(replicas: Replicas, faulty: FaultyProxy) -> None:
    """Its requests hang, as in a network that is divided: its own clock ends it."""
    lost = replicas.join("lost", at=faulty.address)
    replicas.await_leader("lost")
    replicas.join("other")
    eventually(lambda: replicas.leases["other"].holder == "lost")
    faulty.hang(times=1000)
    eventually(lambda: not lost.leads(), seconds=5, pause=0.001)
    stopped = time.monotonic()
    assert replicas.leaders() == []
    replicas.await_leader("other")
    assert time.monotonic() - stopped > (TIMES.duration - TIMES.renew) / 3, "there is a margin between them"
    faulty.heal()
    eventually(lambda: lost.holder == "other")
    assert replicas.losses["lost"]
    assert replicas.leaders() == ["other"]


def test_a_deleted_lease_has_one_leader_again(api: ApiServer, replicas: Replicas) -> None:
    """Whoever led makes it anew and goes on; nobody who sees that it is gone takes what may not be free."""
    replicas.join("a")
    replicas.await_leader("a")
    replicas.join("b")
    eventually(lambda: replicas.leases["b"].holder == "a")
    uid = api.admin.get("Lease", "reconciler", replicas.namespace)["metadata"]["uid"]
    api.admin.delete("Lease", "reconciler", replicas.namespace)
    replicas.join("newcomer")

    def again() -> bool:
        found = api.admin.find("Lease", "reconciler", replicas.namespace)
        return found is not None and found["metadata"]["uid"] != uid

    eventually(again)
    replicas.await_leader("a", "b", "newcomer")


def test_a_lease_that_nobody_made_is_made(api: ApiServer, replicas: Replicas) -> None:
    """Without a chart, too; only after the duration, since it may have been deleted under somebody's feet."""
    api.admin.delete("Lease", "reconciler", replicas.namespace)
    began = time.monotonic()
    replicas.join("a")
    replicas.await_leader("a")
    assert time.monotonic() - began >= TIMES.duration
    assert replicas.lease(api)["leaseTransitions"] == 0


def test_a_leader_that_may_not_renew_any_more_stops_and_says_why(api: ApiServer, replicas: Replicas) -> None:
    """Its rights are taken away: another one takes over, and it comes back when it may again."""
    user = api.admin.service_account(replicas.namespace, "a")
    api.admin.grant(user, RULES, namespace=replicas.namespace)
    lease = replicas.join("a", user=user)
    replicas.await_leader("a")
    replicas.join("b")
    eventually(lambda: replicas.leases["b"].holder == "a")
    for binding in api.admin.list("RoleBinding", replicas.namespace):
        api.admin.delete("RoleBinding", binding["metadata"]["name"], replicas.namespace)
    replicas.await_leader("b")
    assert not lease.leads()
    assert "leases" in lease.failure
    assert user.name in lease.failure or "forbidden" in lease.failure
    api.admin.grant(user, RULES, namespace=replicas.namespace)
    eventually(lambda: not lease.failure)
    assert replicas.troubles["a"][-1] == "", "that it is well again is told, too"
    replicas.leases["b"].close()
    replicas.await_leader("a")


def test_an_api_server_that_restarts_costs_at_most_the_lead(api: ApiServer, replicas: Replicas) -> None:
    """While nobody can renew nobody leads for long; afterwards exactly one does."""
    replicas.join("a")
    replicas.join("b")
    replicas.await_leader("a", "b")
    api.freeze()
    try:
        eventually(lambda: not replicas.leaders(), seconds=5)
    finally:
        api.thaw()
    replicas.await_leader("a", "b")


def test_what_stands_is_told_by_the_leader_alone_and_not_before_it_heard_what_stood(
    api: ApiServer, namespace: str, tmp_path: Path
) -> None:
    """A new leader takes over what stood; what somebody else wrote there is told as trouble, and mended by a leader."""
    first, second = (Standing(Revision("main", str(number) * 40)) for number in (1, 2))
    leading, changes, troubles = set(), list[str](), list[str]()
    with ExitStack() as stack:
        settings = ClusterSettings(mode="kubeconfig", kubeconfig=api.kubeconfig(tmp_path / "kubeconfig"))

        def board(name: str) -> StandingBoard:
            cluster = Cluster(settings)
            stack.callback(cluster.close)
            made = StandingBoard(
                cluster,
                namespace,
                "edge-standing",
                lambda: name in leading,
                on_change=lambda: changes.append(name),
                on_trouble=troubles.append,
                pause=0.05,
            )
            stack.callback(made.close)
            return made

        one, two = board("one"), board("two")
        leading.add("one")
        one.offer(first)
        assert one.published() is None, "it has not heard yet what stood"
        one.start()
        two.start()
        assert one.wait(10)
        two.offer(second)
        one.offer(first)
        eventually(lambda: two.published() == first)
        assert changes == ["two"], "a leader learns nothing from itself"
        leading.clear()
        leading.add("two")
        assert two.published() == first, "what stood is for a new leader to take over"
        two.offer(second)
        eventually(lambda: one.published() == second)
        assert two.published() is None
        api.admin.patch("ConfigMap", "edge-standing", {"binaryData": {"standing.json.gz": "AAAA"}}, namespace)
        eventually(lambda: one.published() == second and "" in troubles[1:])
        assert "edge-standing" in troubles[0]
        leading.clear()
        api.admin.patch("ConfigMap", "edge-standing", {"binaryData": None}, namespace)
        eventually(lambda: one.published() is None)
        one.offer(first)
        two.offer(first)
    assert "binaryData" not in api.admin.get("ConfigMap", "edge-standing", namespace)


def test_a_word_that_somebody_spoilt_is_read_once_and_told_once(
    api: ApiServer, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may write the ConfigMap can neither stop a replica with it nor keep it busy."""
    row = {"kind": "Host", "namespace": "a", "name": "a", "path": "\ud800", "line": 1, "document": "{}"}
    content = {"revision": "main@sha1:" + "0" * 40, "documents": [row]}
    packed = base64.b64encode(gzip.compress(json.dumps(content).encode())).decode()
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "edge-standing", "namespace": namespace}}
    api.admin.create(body | {"binaryData": {"standing.json.gz": packed}})
    reads, looks, troubles = list[int](), list[int](), list[str]()

    def counted(packed: bytes) -> Standing:
        reads.append(1)
        return unpack(packed)

    def follows() -> bool:
        looks.append(1)
        return False

    monkeypatch.setattr(standing, "unpack", counted)
    with ExitStack() as stack:
        settings = ClusterSettings(mode="kubeconfig", kubeconfig=api.kubeconfig(tmp_path / "kubeconfig"))
        cluster = Cluster(settings)
        stack.callback(cluster.close)
        board = StandingBoard(
            cluster,
            namespace,
            "edge-standing",
            follows,
            on_change=lambda: None,
            on_trouble=troubles.append,
            pause=0.05,
        )
        stack.callback(board.close)
        board.start()
        eventually(lambda: len(looks) > 5)
        assert board.published() is None
    assert (len(reads), len(troubles)) == (1, 1)


def freeze(lease: Lease) -> None:
    """Let a candidate do nothing more, as a frozen process would: neither renew nor give back."""
    lease._stopping.set()
    lease._thread.join()
