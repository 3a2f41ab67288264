"""The election's law: whatever is late, lost or frozen, no two replicas lead at one moment."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from reconciler.cluster import Cluster, Conflict, ObjectType
from reconciler.cluster.candidate import Candidate, Clock, Times
from reconciler.cluster.door import Body
from reconciler.model.errors import ReconcileError, Transient

TIMES = Times(duration=15, renew=10, retry=2)
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class World:
    """One Lease, and the time all share; nothing moves by itself."""

    time: float = 1000.0
    lease: Body | None = None
    version: int = 0
    writes: list[Body] = field(default_factory=list)

    def store(self, body: Body) -> Body:
        """Make a body the Lease, as a new version."""
        self.version += 1
        metadata = {**body["metadata"], "resourceVersion": str(self.version)}  # type: ignore[dict-item]
        self.lease = {**body, "metadata": metadata}
        self.writes.append(self.lease)
        return self.lease


@dataclass
class Network(Cluster):
    """One replica's way to the Lease. Each request takes the next of ``faults``: its delays, and what gets lost.

    Attributes:
        faults: per request: seconds before and after the server handles it, and whether request or reply is lost.
        meanwhile: called while something is under way.
    """

    world: World
    faults: list[tuple[float, float, str]] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    def _ask(self, answer: Callable[[], Body | None]) -> Body | None:
        before, after, lost = self.faults.pop(0) if self.faults else (0.0, 0.0, "")
        self._pass(before)
        if lost == "request":
            raise Transient("ClusterUnreachable", "lost")
        try:
            found = answer()
        finally:
            self._pass(after)
        if lost == "reply":
            raise Transient("ClusterUnreachable", "lost")
        return found

    def _pass(self, seconds: float) -> None:
        for _ in range(2):
            self.world.time += seconds / 2
            self.meanwhile()

    def get(self, kind: ObjectType, namespace: str, name: str) -> Body | None:  # noqa: ARG002
        """The Lease."""
        return self._ask(lambda: self.world.lease)

    def create(self, kind: ObjectType, body: Body) -> Body:  # noqa: ARG002
        """Make it, unless it is there."""

        def made() -> Body:
            if self.world.lease is not None:
                raise Conflict("Conflict", "exists")
            return self.world.store(body)

        return self._ask(made) or {}

    def replace(self, kind: ObjectType, body: Body) -> Body:  # noqa: ARG002
        """Write it, if it is still that version."""

        def replaced() -> Body:
            if self.world.lease is None or self.world.lease["metadata"] != body["metadata"]:
                raise Conflict("Conflict", "another version")
            return self.world.store(body)

        return self._ask(replaced) or {}


def candidate(world: World, name: str, *, skew: timedelta = timedelta(0), boot: float = 0.0) -> Candidate:
    """A replica whose time of day is off by ``skew`` and whose machine was booted at ``boot``."""
    clock = Clock(lambda: world.time - boot, lambda: EPOCH + timedelta(seconds=world.time) + skew)
    return Candidate(Network(world), "default", "reconciler", name, TIMES, clock)


def network(one: Candidate) -> Network:
    """The way of a candidate to the Lease."""
    found = one._cluster
    assert isinstance(found, Network)
    return found


FAULTS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.0, 1.0, 4.0, 9.0, 30.0]),
        st.sampled_from([0.0, 0.0, 1.0, 4.0, 9.0, 30.0]),
        st.sampled_from(["", "", "", "request", "reply"]),
    ),
    max_size=3,
)
Step: TypeAlias = tuple[str, int, float, list[tuple[float, float, str]], list[int]]

STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(
        st.sampled_from(["attempt"] * 8 + ["release", "delete", "annotate"]),
        st.integers(0, 2),
        st.sampled_from([0.0, 0.1, 2.0, 5.0, 9.9, 10.0, 14.9, 15.0, 31.0]),
        FAULTS,
        st.lists(st.integers(0, 2), max_size=4),
    ),
    max_size=40,
)


@dataclass
class Race:
    """Three replicas on skewed clocks, each of which may ask while another one's request is under way."""

    world: World = field(default_factory=World)
    replicas: list[Candidate] = field(default_factory=list)
    busy: set[int] = field(default_factory=set)
    led: bool = False

    def __post_init__(self) -> None:
        """Three replicas, booted at different times."""
        for i, skew in enumerate((timedelta(hours=1), timedelta(0), timedelta(hours=-1))):
            self.replicas.append(candidate(self.world, f"r{i}", skew=skew, boot=300.0 * i))

    def check(self) -> None:
        """The law."""
        leaders = [replica.identity for replica in self.replicas if replica.leads()]
        self.led |= bool(leaders)
        assert len(leaders) <= 1, leaders

    def attempt(self, number: int, others: list[int]) -> None:
        """One replica asks; the ``others``, one after the other, while it waits."""
        if number in self.busy:
            return

        def meanwhile() -> None:
            self.check()
            if others:
                self.attempt(others.pop(), others)

        self.busy.add(number)
        network(self.replicas[number]).meanwhile = meanwhile
        with suppress(ReconcileError):
            self.replicas[number].attempt()
        self.busy.discard(number)
        self.check()

    def edit(self, what: str) -> None:
        """Somebody writes to the Lease, or deletes it; of one that came and went unseen nobody can know."""
        if what == "annotate" and self.world.lease is not None:
            self.world.store(self.world.lease)
        elif what == "delete" and all(replica.holder for replica in self.replicas):
            self.world.lease = None


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_never_two_lead_at_one_moment(steps: list[Step]) -> None:
    """With delays anywhere, lost requests and replies, skewed clocks, and the Lease deleted or edited meanwhile."""
    race = Race()
    for what, number, pause, faults, others in steps:
        race.world.time += pause
        race.check()
        network(race.replicas[number]).faults = list(faults)
        if what == "attempt":
            race.attempt(number, list(others))
        elif what == "release":
            with suppress(ReconcileError):
                race.replicas[number].release()
        else:
            race.edit(what)
        race.check()
    event("somebody led" if race.led else "nobody led")


def test_a_leader_that_says_nothing_is_replaced_after_the_duration_and_not_before() -> None:
    """The duration counts from when its last sign was seen, by the own clock alone."""
    world = World()
    old, new = candidate(world, "old", skew=timedelta(hours=1)), candidate(world, "new", skew=timedelta(hours=-1))
    world.store({"metadata": {}, "spec": {}})
    old.attempt()
    assert old.leads()
    new.attempt()
    assert (new.leads(), new.holder) == (False, "old")
    world.time += TIMES.duration - 0.1
    new.attempt()
    assert not new.leads()
    assert not old.leads(), "it has stopped by itself"
    world.time += 0.1
    new.attempt()
    assert new.leads()


def test_what_is_given_back_is_taken_at_once() -> None:
    """A clean end costs nobody the duration; who led before is counted."""
    world = World()
    old, new = candidate(world, "old"), candidate(world, "new")
    world.store({"metadata": {}, "spec": {}})
    old.attempt()
    new.attempt()
    old.release()
    assert not old.leads()
    new.attempt()
    assert new.leads()
    assert world.lease is not None
    assert world.lease["spec"] == {
        "holderIdentity": "new",
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-01-01T00:16:40.000000Z",
        "renewTime": "2026-01-01T00:16:40.000000Z",
        "leaseTransitions": 1,
    }


def test_a_lost_reply_to_a_renewal_costs_nothing() -> None:
    """What is in the Lease is ours, though we did not learn that we wrote it."""
    world = World()
    one = candidate(world, "one")
    world.store({"metadata": {}, "spec": {}})
    one.attempt()
    for _ in range(20):
        world.time += TIMES.retry
        network(one).faults = [(0.0, 0.0, "reply")]
        with pytest.raises(Transient):
            one.attempt()
        one.attempt()
        assert one.leads()
    assert world.lease is not None
    assert world.lease["spec"]["leaseTransitions"] == 0  # type: ignore[call-overload,index]


def test_one_who_is_new_waits_where_somebody_may_lead_without_a_lease() -> None:
    """The Lease is gone: whoever led goes on and makes it again, and all others wait for the duration."""
    world = World()
    old, new = candidate(world, "old"), candidate(world, "new")
    world.store({"metadata": {}, "spec": {}})
    old.attempt()
    world.lease = None
    new.attempt()
    assert not new.leads()
    old.attempt()
    assert old.leads()
    new.attempt()
    assert new.holder == "old"


def test_one_who_lost_the_lease_to_another_stops_at_once() -> None:
    """Somebody gave the Lease to another one by hand: its own time is not waited for."""
    world = World()
    one = candidate(world, "one")
    world.store({"metadata": {}, "spec": {}})
    one.attempt()
    assert world.lease is not None
    world.store({**world.lease, "spec": {**world.lease["spec"], "holderIdentity": "two"}})  # type: ignore[dict-item]
    one.attempt()
    assert not one.leads()
    assert one.holder == "two"


def test_a_longer_duration_of_the_holder_is_respected() -> None:
    """Replicas may be set otherwise while settings roll out."""
    world = World()
    one = candidate(world, "one")
    world.store({"metadata": {}, "spec": {"holderIdentity": "two", "leaseDurationSeconds": 60}})
    one.attempt()
    world.time += 59
    one.attempt()
    assert not one.leads()
    world.time += 1
    one.attempt()
    assert one.leads()


def test_no_duration_in_the_lease_keeps_everybody_from_leading() -> None:
    """One edit by hand names decades, and the holder is nobody: a few of our own durations are waited for."""
    world = World()
    one = candidate(world, "one")
    world.store({"metadata": {}, "spec": {"holderIdentity": "nobody", "leaseDurationSeconds": 2**31 - 1}})
    one.attempt()
    world.time += 5 * TIMES.duration - 1
    one.attempt()
    assert not one.leads()
    world.time += 1
    one.attempt()
    assert one.leads()


def test_the_lease_is_never_written_so_that_the_server_refuses_it() -> None:
    """One edit of the count to the largest number there is would keep everybody from leading."""
    world = World()
    one = candidate(world, "one")
    world.store({"metadata": {}, "spec": {"leaseTransitions": 2**31 - 1}})
    one.attempt()
    assert world.lease is not None
    assert world.lease["spec"]["leaseTransitions"] == 2**31 - 1  # type: ignore[call-overload,index]
