"""What stands for placeholders, and one stream that is sent it."""

import pytest
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from hypothesis import given
from hypothesis import strategies as st

from reconciler.apply import XdsTarget
from reconciler.apply.xds.live import LiveResources
from reconciler.apply.xds.memory import Memory
from reconciler.apply.xds.session import Protocol, Session
from reconciler.apply.xds.state import Request, Verdict
from reconciler.model.effect import AckState
from reconciler.model.snapshot import Snapshot, TypeUrl, XdsResource
from tests.support.xds_model import cluster, endpoints, snapshot

CDS, EDS = TypeUrl.CLUSTER, TypeUrl.ENDPOINT


def placeholder(name: str) -> XdsResource:
    """A name and nothing else."""
    return XdsResource.of(name, ClusterLoadAssignment(cluster_name=name).SerializeToString(deterministic=True))


def naming(*names: str) -> Snapshot:
    """A snapshot whose endpoints are live."""
    return snapshot([cluster(name) for name in names], assignments=[placeholder(name) for name in names])


def repeated(protocol: Protocol) -> tuple[str, ...]:
    """What an answer names: all names in state of the world, only new ones in delta."""
    return ("a",) if protocol is Protocol.SOTW else ()


class Kept:
    """A store of endpoints, and what it asked for."""

    def __init__(self) -> None:
        self.asked: list[frozenset[str]] = []
        self.changes: list[int] = []
        self.live = LiveResources(lambda: self.changes.append(1))
        self.live.own(EDS, self.asked.append)

    def put(self, **resources: XdsResource | None) -> None:
        """What stands for names."""
        self.live.put(EDS, resources)


def test_placeholders_are_filled_and_the_snapshot_stays_what_it_was() -> None:
    """Known ones are sent, absent and unknown ones are not; what is no placeholder stays."""
    kept = Kept()
    mixed = snapshot([], assignments=[placeholder("a"), placeholder("b"), placeholder("c"), endpoints("d")])
    kept.live.prepare(mixed)
    kept.put(a=endpoints("a", 2), b=None)
    served = kept.live.fill(mixed)
    assert kept.asked == [frozenset("abc")]
    assert set(served.sets[EDS].resources) == {"a", "d"}
    assert (served.absent[EDS], served.unknown[EDS]) == (frozenset("b"), frozenset("c"))
    assert served.snapshot is mixed
    assert served.snapshot.digest == mixed.digest


def test_nothing_is_told_twice_and_nothing_is_kept_that_nobody_names() -> None:
    """The same again is no change; a name that a later snapshot lacks is asked for anew when it comes back."""
    kept = Kept()
    kept.live.prepare(naming("a", "b"))
    kept.put(a=endpoints("a"))
    kept.put(a=endpoints("a"))
    assert kept.changes == [1]
    kept.live.prepare(naming("b"))
    kept.live.prepare(naming("a", "b"))
    assert kept.live.fill(naming("a", "b")).unknown[EDS] == frozenset("ab")
    assert kept.asked == [frozenset("ab"), frozenset("b"), frozenset("ab")]


_NAMES = "abcd"
_STEPS = st.lists(
    st.tuples(st.sampled_from(_NAMES), st.sampled_from([None, 1, 2]))  # what stands for a name
    | st.sets(st.sampled_from(_NAMES)),  # a snapshot with these names
    max_size=12,
)


@given(_STEPS)
def test_filled_at_the_cost_of_a_change_is_filled_from_nothing(steps: list[tuple[str, int | None] | set[str]]) -> None:
    """Whatever comes between: names that come and go, and what stands for them."""
    kept = Kept()
    desired, stands = naming(), dict[str, XdsResource | None]()
    for step in steps:
        if isinstance(step, set):
            desired = naming(*step)
            kept.live.prepare(desired)
            stands = {name: one for name, one in stands.items() if name in step}
        else:
            name, version = step
            stands[name] = None if version is None else endpoints(name, version)
            kept.put(**{name: stands[name]})
        cold = Kept()
        cold.put(**stands)
        assert kept.live.fill(desired) == cold.live.fill(desired)


def test_what_nobody_owns_is_sent_as_it_is() -> None:
    """Without a watcher a snapshot with an empty assignment means just that."""
    served = LiveResources(lambda: None).fill(naming("a"))
    assert served.sets == naming("a").sets


@pytest.mark.parametrize("protocol", Protocol)
def test_unknown_makes_wait_and_keeps_and_known_is_sent(protocol: Protocol) -> None:
    """A client that asks for what nobody knows yet hears nothing until somebody does, and of each change after that."""
    kept, again = Kept(), repeated(protocol)
    desired = naming("a")
    stream = Session(protocol, Memory(), kept.live.fill(desired))
    stream.receive(Request(CDS))
    (clusters,) = stream.pushes()
    stream.receive(Request(EDS, names=("a",)))
    assert stream.pushes() == ()
    kept.put(a=endpoints("a", 1))
    stream.refresh(kept.live.fill(desired))
    (first,) = stream.pushes()
    assert [one.digest for one in first.resources] == [endpoints("a", 1).digest]
    stream.receive(Request(EDS, first.nonce, names=again))
    stream.receive(Request(CDS, clusters.nonce))
    assert stream.pushes() == ()
    assert stream.settled
    kept.put(a=endpoints("a", 2))
    stream.refresh(kept.live.fill(desired))
    (second,) = stream.pushes()
    assert [one.digest for one in second.resources] == [endpoints("a", 2).digest]
    # The next is on its way, and says nothing about the snapshot.
    assert stream.settled
    assert all(standing is None or standing.state is AckState.ACKED for standing in map(stream.standing, TypeUrl))


@pytest.mark.parametrize("protocol", Protocol)
def test_a_refusal_of_live_resources_is_nobody_s_fault(protocol: Protocol) -> None:
    """It neither stops what else there is to send nor counts against the snapshot; the next is sent."""
    kept, again = Kept(), repeated(protocol)
    desired = naming("a")
    kept.put(a=endpoints("a", 1))
    stream = Session(protocol, Memory(), kept.live.fill(desired))
    stream.receive(Request(CDS))
    (clusters,) = stream.pushes()
    stream.receive(Request(EDS, names=("a",)))
    (first,) = stream.pushes()
    assert stream.receive(Request(EDS, first.nonce, "no", names=again)) is Verdict.NACK
    stream.receive(Request(CDS, clusters.nonce))
    assert stream.pushes() == ()
    assert (stream.refused, stream.excused(EDS), stream.settled) == (False, True, True)
    kept.put(a=endpoints("a", 2))
    stream.refresh(kept.live.fill(desired))
    (second,) = stream.pushes()
    stream.receive(Request(EDS, second.nonce, names=again))
    assert not stream.excused(EDS)


def test_a_delta_client_hears_of_what_is_absent_and_keeps_what_it_holds() -> None:
    """Who waits is told that there is nothing; who has something, such as since before a restart, keeps it."""
    kept = Kept()
    desired = naming("a", "b")
    kept.put(a=None, b=None)
    stream = Session(Protocol.DELTA, Memory(), kept.live.fill(desired))
    stream.receive(Request(CDS))
    stream.pushes()
    stream.receive(Request(EDS, names=("a", "b"), versions=(("b", str(endpoints("b").digest)),)))
    (push,) = stream.pushes()
    assert (push.resources, push.removed) == ((), ("a",))


def test_a_bug_of_who_fills_placeholders_keeps_nothing_from_being_served() -> None:
    """It is told; the others are asked all the same, and the snapshot is served."""
    bugs: list[Exception] = []
    asked: list[frozenset[str]] = []

    def failing(_names: frozenset[str]) -> None:
        raise KeyError("x")

    target = XdsTarget("127.0.0.1:0", on_bug=bugs.append)
    try:
        target.live.own(EDS, failing)
        target.live.own(TypeUrl.SECRET, asked.append)
        target.serve(naming("a"))
        assert target.observe() == naming("a").digest
        target.apply(naming("b"))
        assert target.observe() == naming("b").digest
    finally:
        target.close()
    assert [type(bug) for bug in bugs] == [KeyError, KeyError]
    assert asked == [frozenset(), frozenset()]


@pytest.mark.parametrize("protocol", Protocol)
def test_who_refuses_a_snapshot_goes_on_with_endpoints_that_are_true(protocol: Protocol) -> None:
    """Those that the snapshot drops, too, for as long as the client has them; not a moment longer is it asked for."""
    kept, again = Kept(), repeated(protocol)
    before, after = naming("a", "b"), naming("b")
    kept.live.prepare(before)
    kept.put(a=endpoints("a", 1), b=endpoints("b", 1))
    stream = Session(protocol, Memory(), kept.live.fill(before))
    stream.receive(Request(CDS))
    (clusters,) = stream.pushes()
    stream.receive(Request(EDS, names=("a", "b")))
    (first,) = stream.pushes()
    stream.receive(Request(EDS, first.nonce, names=("a", "b") if again else ()))
    stream.receive(Request(CDS, clusters.nonce))
    assert stream.pushes() == ()

    leaving = kept.live.leaving(after)
    assert leaving == {EDS: frozenset("a")}
    assert stream.holds(EDS, leaving[EDS]) == frozenset("a")
    kept.live.prepare(after, leaving)
    assert kept.asked[-1] == frozenset("ab")
    changed = snapshot([cluster("b", 2)], assignments=[placeholder("b")])
    stream.aim(kept.live.fill(changed))
    pushed = {push.type_url: push.nonce for push in stream.pushes()}
    assert stream.receive(Request(CDS, pushed[CDS], "no")) is Verdict.NACK
    stream.receive(Request(EDS, pushed[EDS], names=("a", "b") if again else ()))
    kept.put(a=endpoints("a", 2))
    stream.refresh(kept.live.fill(changed))
    (second,) = stream.pushes()
    assert second.type_url is EDS
    assert endpoints("a", 2).digest in [one.digest for one in second.resources]
    # What it makes of them is held against no snapshot.
    stream.receive(Request(EDS, second.nonce, "no", names=("a", "b") if again else ()))
    assert stream.excused(EDS)

    kept.live.prepare(changed)
    assert kept.asked[-1] == frozenset("b")
    assert not kept.live.fill(changed).leaving


def test_what_is_dropped_is_watched_until_envoys_have_dropped_it() -> None:
    """Nobody is connected who could have it: it is asked for no longer."""
    kept: list[frozenset[str]] = []
    target = XdsTarget("127.0.0.1:0")
    try:
        target.live.own(EDS, kept.append)
        target.apply(naming("a", "b"))
        target.apply(naming("b"))
    finally:
        target.close()
    assert kept == [frozenset("ab"), frozenset("b")]
