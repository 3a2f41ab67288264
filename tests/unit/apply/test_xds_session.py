"""One stream, message by message: the rules of the protocol, each alone."""

from collections.abc import Iterable

import pytest

from reconciler.apply.xds.memory import Memory
from reconciler.apply.xds.session import Protocol, Session, Standing
from reconciler.apply.xds.state import Push, Request, Verdict
from reconciler.model.effect import AckState
from reconciler.model.snapshot import ResourceSet, Snapshot, TypeUrl, XdsResource
from tests.support.xds_model import ModelEnvoy, cluster, endpoints, listener, routes, snapshot

CDS, EDS, LDS, RDS = TypeUrl.CLUSTER, TypeUrl.ENDPOINT, TypeUrl.LISTENER, TypeUrl.ROUTE
A, B, C = cluster("a"), cluster("b"), cluster("c")


def clusters(*resources: XdsResource) -> Snapshot:
    """A snapshot of clusters alone."""
    return snapshot(resources)


def session(protocol: Protocol, desired: Snapshot | None, memory: Memory | None = None) -> Session:
    """A new stream."""
    return Session(protocol, memory or Memory(), desired)


def ask(on: Session, request: Request) -> tuple[Push, ...]:
    """What the server answers to one request."""
    on.receive(request)
    return on.pushes()


def ack(on: Session, push: Push, names: Iterable[str] = ()) -> tuple[Push, ...]:
    """What follows an acknowledgement."""
    return ask(on, Request(push.type_url, push.nonce, names=tuple(names), version=push.version))


def names(push: Push) -> list[str]:
    """The names of a push, in order."""
    return [resource.name for resource in push.resources]


def state_of(on: Session, type_url: TypeUrl) -> AckState | None:
    """How the client stands to a type."""
    standing = on.standing(type_url)
    return None if standing is None else standing.state


@pytest.mark.parametrize("protocol", Protocol)
def test_nothing_is_said_before_there_is_a_snapshot(protocol: Protocol) -> None:
    """A server that doesn't know yet what to serve leaves the Envoy as it is, and answers once it knows."""
    stream = session(protocol, None)
    assert ask(stream, Request(CDS)) == ()
    assert stream.standing(CDS) is None
    stream.aim(clusters(A))
    assert [names(push) for push in stream.pushes()] == [["a"]]


@pytest.mark.parametrize("protocol", Protocol)
def test_an_empty_type_is_answered_too(protocol: Protocol) -> None:
    """A starting Envoy waits for its first answer, so that even nothing must be said."""
    stream = session(protocol, snapshot())
    (push,) = ask(stream, Request(CDS))
    assert push.resources == ()
    assert ack(stream, push) == ()
    assert state_of(stream, CDS) is AckState.ACKED


@pytest.mark.parametrize("protocol", Protocol)
def test_legacy_wildcard_ends_with_the_first_name(protocol: Protocol) -> None:
    """An empty list means everything only until a name was given on the stream."""
    stream = session(protocol, clusters(A, B))
    (push,) = ask(stream, Request(CDS))
    assert names(push) == ["a", "b"]
    if protocol is Protocol.SOTW:
        (push,) = ack(stream, push, ["a"])
        assert names(push) == ["a"]
        ack(stream, push, [])
    else:
        (again,) = ask(stream, Request(CDS, push.nonce, names=("a",)))
        assert names(again) == ["a"]
        ask(stream, Request(CDS, again.nonce, dropped=("*", "a")))
    stream.aim(clusters(cluster("a", 2), cluster("b", 2)))
    assert stream.pushes() == ()


@pytest.mark.parametrize("protocol", Protocol)
def test_star_is_a_wildcard(protocol: Protocol) -> None:
    """``*`` asks for everything, now and later."""
    stream = session(protocol, clusters(A))
    (push,) = ask(stream, Request(CDS, names=("*",)))
    assert names(push) == ["a"]
    assert ack(stream, push, ["*"] if protocol is Protocol.SOTW else []) == ()
    stream.aim(clusters(A, B))
    (push,) = stream.pushes()
    assert names(push) == (["a", "b"] if protocol is Protocol.SOTW else ["b"])


@pytest.mark.parametrize("protocol", Protocol)
def test_an_empty_request_for_routes_asks_for_nothing(protocol: Protocol) -> None:
    """Only clusters and listeners know a wildcard."""
    stream = session(protocol, snapshot(route_configurations=[routes("r")]))
    assert ask(stream, Request(RDS)) == ()


@pytest.mark.parametrize("protocol", Protocol)
def test_one_response_in_flight_per_type(protocol: Protocol) -> None:
    """Until an answer comes nothing more is sent of that type; then only the newest."""
    stream = session(protocol, clusters(A))
    (push,) = ask(stream, Request(CDS))
    stream.aim(clusters(A, B))
    assert stream.pushes() == ()
    stream.aim(clusters(A, C))
    (push,) = ack(stream, push)
    assert "c" in names(push)
    assert "b" not in names(push)


def test_sotw_ignores_a_stale_nonce() -> None:
    """A request that answers an older response says nothing about the newer, not even what it names."""
    stream = session(Protocol.SOTW, clusters(A))
    (first,) = ask(stream, Request(CDS))
    ack(stream, first)
    stream.aim(clusters(A, B))
    (second,) = stream.pushes()
    assert stream.receive(Request(CDS, first.nonce, names=("a",))) is Verdict.NONE
    assert state_of(stream, CDS) is AckState.PENDING
    assert stream.receive(Request(CDS, second.nonce)) is Verdict.ACK
    assert state_of(stream, CDS) is AckState.ACKED


def test_delta_honours_a_subscription_under_a_stale_nonce() -> None:
    """In delta the nonce only pairs answers with responses; the names count in any case."""
    stream = session(Protocol.DELTA, snapshot(route_configurations=[routes("r"), routes("s")]))
    (push,) = ask(stream, Request(RDS, names=("r",)))
    ack(stream, push)
    (push,) = ask(stream, Request(RDS, "stale", names=("s",)))
    assert names(push) == ["s"]


@pytest.mark.parametrize("protocol", Protocol)
def test_a_refusal_of_one_change_leaves_the_old_in_place(protocol: Protocol) -> None:
    """Rolling back after a refusal of a single change needs no message: the Envoy still holds the old."""
    old, new = snapshot([A], [], [routes("r")]), snapshot([A], [], [routes("r", version=2)])
    stream = session(protocol, old)
    (push,) = ask(stream, Request(RDS, names=("r",)))
    named = ("r",) if protocol is Protocol.SOTW else ()
    ack(stream, push, named)
    stream.aim(new)
    (push,) = stream.pushes()
    assert stream.receive(Request(RDS, push.nonce, "no such regex", named)) is Verdict.NACK
    assert stream.pushes() == ()
    standing = stream.standing(RDS)
    assert standing is not None
    assert (standing.state, standing.detail) == (AckState.NACKED, "no such regex")
    assert stream.settled
    stream.aim(old)
    assert stream.pushes() == ()
    assert state_of(stream, RDS) is AckState.ACKED


@pytest.mark.parametrize("protocol", Protocol)
def test_a_refusal_of_many_changes_makes_the_next_push_complete(protocol: Protocol) -> None:
    """Envoy applies the good clusters of a push it refuses: all that changed goes out again, or is taken back."""
    stream = session(protocol, clusters(A, B))
    (push,) = ask(stream, Request(CDS))
    ack(stream, push)
    stream.aim(clusters(A, cluster("b", 2), C))
    (push,) = stream.pushes()
    stream.receive(Request(CDS, push.nonce, "bad"))
    stream.aim(clusters(A, B))
    (push,) = stream.pushes()
    if protocol is Protocol.SOTW:
        assert names(push) == ["a", "b"]
    else:
        assert (names(push), push.removed) == (["b"], ("c",))
    assert ack(stream, push) == ()
    assert state_of(stream, CDS) is AckState.ACKED


@pytest.mark.parametrize("protocol", Protocol)
def test_refused_content_is_not_sent_again_by_itself_but_when_applied_again(protocol: Protocol) -> None:
    """No loop of push and refusal; yet applying the same again tries again."""
    stream = session(protocol, clusters(A, B))
    (push,) = ask(stream, Request(CDS))
    assert ask(stream, Request(CDS, push.nonce, "bad")) == ()
    stream.aim(clusters(A, B))
    assert len(stream.pushes()) == 1


@pytest.mark.parametrize("protocol", Protocol)
def test_a_refusal_of_something_older_does_not_stop_the_newer(protocol: Protocol) -> None:
    """When the answer to a superseded push comes late, the newer snapshot goes its way."""
    stream = session(protocol, clusters(A))
    (push,) = ask(stream, Request(CDS))
    stream.aim(clusters(B))
    (push,) = ask(stream, Request(CDS, push.nonce, "bad"))
    assert "b" in names(push)
    ack(stream, push)
    assert state_of(stream, CDS) is AckState.ACKED


def test_sotw_leaves_what_a_returning_client_may_route_by() -> None:
    """A version that is remembered tells what is held: it stays while listeners and routes are unknown."""
    memory, before = Memory(), clusters(A)
    memory.remember(CDS, before[CDS])
    stream = session(Protocol.SOTW, clusters(B), memory)
    (push,) = ask(stream, Request(CDS, version=before[CDS].version))
    assert names(push) == ["a", "b"]


def test_sotw_sends_the_state_once_per_stream() -> None:
    """Even to a client that accepted just that: it may hold the good half of what it refused since."""
    memory, desired = Memory(), clusters(A)
    memory.remember(CDS, desired[CDS])
    stream = session(Protocol.SOTW, desired, memory)
    (push,) = ask(stream, Request(CDS, version=desired[CDS].version))
    assert names(push) == ["a"]
    ack(stream, push)
    assert state_of(stream, CDS) is AckState.ACKED


def test_sotw_answers_an_unknown_version_in_full() -> None:
    """A version nobody remembers says nothing."""
    stream = session(Protocol.SOTW, clusters(A))
    (push,) = ask(stream, Request(CDS, version="sha256:else"))
    assert names(push) == ["a"]


def test_sotw_sends_named_resources_once_per_stream() -> None:
    """Under names a version can't prove that the client still has them all, so they come again."""
    desired = snapshot(route_configurations=[routes("r")])
    stream = session(Protocol.SOTW, desired)
    (push,) = ask(stream, Request(RDS, names=("r",), version=desired[RDS].version))
    assert names(push) == ["r"]


def test_sotw_sends_routes_only_when_named_ones_change() -> None:
    """A change of what a client didn't name is not its business."""
    stream = session(Protocol.SOTW, snapshot(route_configurations=[routes("r"), routes("s")]))
    (push,) = ask(stream, Request(RDS, names=("r",)))
    ack(stream, push, ["r"])
    stream.aim(snapshot(route_configurations=[routes("r"), routes("s", version=2)]))
    assert stream.pushes() == ()
    assert state_of(stream, RDS) is AckState.ACKED


def test_sotw_lets_wait_for_a_name_until_it_exists() -> None:
    """There is no way to say that a route configuration doesn't exist; it comes when it does."""
    stream = session(Protocol.SOTW, snapshot())
    assert ask(stream, Request(RDS, names=("r",))) == ()
    stream.aim(snapshot(route_configurations=[routes("r")]))
    (push,) = stream.pushes()
    assert names(push) == ["r"]


@pytest.mark.parametrize("protocol", Protocol)
def test_endpoints_go_with_a_changed_cluster(protocol: Protocol) -> None:
    """Envoy warms a changed cluster when its endpoints come once more, before it says anything on the cluster."""
    assignments = [endpoints("a"), endpoints("b")]
    stream = session(protocol, snapshot([A, B], assignments=assignments))
    (push,) = ask(stream, Request(CDS))
    (push,) = (*ask(stream, Request(EDS, names=("a", "b"))), *ack(stream, push))
    ack(stream, push, ["a", "b"] if protocol is Protocol.SOTW else [])
    assert state_of(stream, EDS) is AckState.ACKED
    stream.aim(snapshot([cluster("a", 2), B], assignments=assignments))
    changed, warming = stream.pushes()
    assert (changed.type_url, warming.type_url) == (CDS, EDS)
    assert names(warming) == (["a", "b"] if protocol is Protocol.SOTW else ["a"])


@pytest.mark.parametrize("protocol", Protocol)
def test_endpoints_of_a_new_cluster_come_while_it_is_in_flight(protocol: Protocol) -> None:
    """A client that asks for them before it acknowledges the cluster is not kept waiting for that."""
    stream = session(protocol, snapshot([A], assignments=[endpoints("a")]))
    ask(stream, Request(CDS))
    (push,) = ask(stream, Request(EDS, names=("a",)))
    assert names(push) == ["a"]


def test_delta_resumes_by_the_versions_a_client_claims() -> None:
    """What the client holds isn't sent; what it lacks is, and what it shouldn't hold is removed last."""
    stream = session(Protocol.DELTA, clusters(A, B))
    claims = (("a", A.digest), ("old", "sha256:old"))
    (push,) = ask(stream, Request(CDS, versions=claims))
    assert (names(push), push.removed) == (["b"], ())
    assert ack(stream, push) == ()
    (push,) = ask(stream, Request(LDS))
    (push,) = ack(stream, push)
    assert (push.type_url, names(push), push.removed) == (CDS, [], ("old",))


def test_delta_resends_nothing_to_a_client_that_has_all() -> None:
    """After a restart of the server nothing goes over the wire, and the client counts as acknowledged."""
    desired = snapshot([A], [], [routes("r")])
    stream = session(Protocol.DELTA, desired)
    assert ask(stream, Request(CDS, versions=(("a", A.digest),))) == ()
    assert ask(stream, Request(RDS, names=("r",), versions=(("r", desired[RDS].resources["r"].digest),))) == ()
    assert [state_of(stream, t) for t in (CDS, RDS)] == [AckState.ACKED] * 2


def test_delta_says_what_does_not_exist_and_sends_it_when_it_does() -> None:
    """A name without a resource is answered as removed, once."""
    stream = session(Protocol.DELTA, snapshot())
    (push,) = ask(stream, Request(RDS, names=("r",)))
    assert (names(push), push.removed) == ([], ("r",))
    assert ack(stream, push) == ()
    stream.aim(snapshot(route_configurations=[routes("r")]))
    (push,) = stream.pushes()
    assert names(push) == ["r"]


def test_delta_resends_what_is_asked_for_again() -> None:
    """A client that names a resource again may have lost it."""
    stream = session(Protocol.DELTA, snapshot(route_configurations=[routes("r")]))
    (push,) = ask(stream, Request(RDS, names=("r",)))
    ack(stream, push)
    (push,) = ask(stream, Request(RDS, names=("r",)))
    assert names(push) == ["r"]


def test_delta_unsubscribed_names_are_left_alone() -> None:
    """What a client let go of is neither updated nor removed."""
    stream = session(Protocol.DELTA, snapshot(route_configurations=[routes("r")]))
    (push,) = ask(stream, Request(RDS, names=("r",)))
    ack(stream, push)
    assert ask(stream, Request(RDS, dropped=("r", "phantom"))) == ()
    stream.aim(snapshot())
    assert stream.pushes() == ()


def test_delta_answers_a_name_given_up_under_a_wildcard() -> None:
    """The client can't know whether the wildcard still covers it, so it is told."""
    stream = session(Protocol.DELTA, clusters(A))
    (push,) = ask(stream, Request(CDS, names=("*", "a", "x")))
    assert (names(push), push.removed) == (["a"], ("x",))
    ack(stream, push)
    (push,) = ask(stream, Request(CDS, dropped=("a", "x")))
    assert (names(push), push.removed) == (["a"], ("x",))


def test_delta_keeps_but_cannot_send_what_it_knows_by_a_claim_only() -> None:
    """Asked for an old resource whose body a restarted server doesn't have, it says removed, never an empty body."""
    stream = session(Protocol.DELTA, snapshot())
    ask(stream, Request(CDS, versions=(("old", "sha256:old"),)))
    (push,) = ask(stream, Request(CDS, names=("old",)))
    assert (names(push), push.removed) == ([], ("old",))


@pytest.mark.parametrize("protocol", Protocol)
def test_clusters_then_listeners_then_routes_then_removals(protocol: Protocol) -> None:
    """The order of one apply: made first, switched in the middle, broken last."""
    envoy = ModelEnvoy(protocol)
    envoy.aim(snapshot([A, B], [listener("l", 1, "r"), listener("m", 2, "s")], [routes("r", ["a"]), routes("s")]))
    envoy.settle()
    before = len(envoy.received)
    envoy.aim(
        snapshot([A, C], [listener("l", 1, "r", 2), listener("n", 3, "t")], [routes("r", ["c"], 2), routes("t", ["c"])])
    )
    envoy.settle()
    order = [push.type_url for push in envoy.received[before:]]
    assert [t for i, t in enumerate(order) if i == 0 or order[i - 1] is not t][-3:] == [RDS, LDS, CDS]
    assert order.index(CDS) < order.index(LDS) < order.index(RDS)
    assert envoy.names()["CLUSTER"].keys() == {"a", "c"}
    assert envoy.session.settled


@pytest.mark.parametrize("protocol", Protocol)
def test_a_listener_in_the_way_leaves_with_the_push_that_takes_its_port(protocol: Protocol) -> None:
    """Two names on one port are refused by Envoy, so a renamed listener can't overlap with itself."""
    envoy = ModelEnvoy(protocol)
    envoy.aim(snapshot([], [listener("old", 1, "r"), listener("other", 2, "r")], [routes("r")]))
    envoy.settle()
    envoy.aim(snapshot([], [listener("new", 1, "r")], [routes("r")]))
    taken: list[set[str]] = []
    while envoy.to_client or envoy.to_server:
        envoy.serve_one()
        if (push := envoy.take_one()) and push.type_url is LDS:
            taken.append(set(envoy.held[LDS]))
    assert taken == [{"new", "other"}, {"new"}]


@pytest.mark.parametrize("protocol", Protocol)
def test_a_cluster_that_goes_waits_for_the_routes_of_a_reconnecting_client(protocol: Protocol) -> None:
    """Clusters are asked for first after a reconnect; what the client routes by is known only later."""
    envoy = ModelEnvoy(protocol)
    envoy.aim(snapshot([A], [listener("l", 1, "r")], [routes("r", ["a"])]))
    envoy.settle()
    envoy.desired = snapshot([B], [listener("l", 1, "r")], [routes("r", ["b"])])
    envoy.connect()
    envoy.serve_one()
    (push,) = envoy.to_client
    assert not push.removed
    assert {"b"} <= set(names(push))
    while envoy.to_client or envoy.to_server:
        envoy.serve_one()
        envoy.take_one()
        assert not envoy.dangling()
    assert envoy.held[CDS].keys() == {"b"}


def test_a_route_not_asked_for_yet_is_not_taken_for_done() -> None:
    """Between accepting a listener and asking for its routes an Envoy is not finished."""
    stream = session(Protocol.SOTW, snapshot([], [listener("l", 1, "r")], [routes("r")]))
    (push,) = ask(stream, Request(LDS))
    ack(stream, push)
    assert not stream.settled
    (push,) = ask(stream, Request(RDS, names=("r",)))
    ack(stream, push, ["r"])
    assert stream.settled


def test_a_new_listener_is_not_done_before_its_routes_are_asked_for() -> None:
    """An Envoy that has routes already is not finished either, until it asks for those of a new listener."""
    first, second = listener("l", 1, "r"), listener("m", 2, "s")
    stream = session(Protocol.SOTW, snapshot([], [first], [routes("r")]))
    (push,) = ask(stream, Request(LDS))
    ack(stream, push)
    (old,) = ask(stream, Request(RDS, names=("r",)))
    ack(stream, old, ["r"])
    stream.aim(snapshot([], [first, second], [routes("r"), routes("s")]))
    (push,) = stream.pushes()
    ack(stream, push)
    assert not stream.settled
    assert stream.standing(RDS) == Standing(AckState.PENDING, "it has not asked for s")
    (push,) = ask(stream, Request(RDS, old.nonce, names=("r", "s")))
    ack(stream, push, ["r", "s"])
    assert stream.settled


def test_memory_forgets_the_oldest_and_joins_without_copying() -> None:
    """Bounded, and a union that is one of its operands is that operand."""
    memory = Memory(limit=2)
    sets = [ResourceSet.of([cluster(name)]) for name in "abc"]
    for resources in sets:
        memory.remember(CDS, resources)
    assert [memory.recall(CDS, resources.version) for resources in sets] == [None, sets[1], sets[2]]
    both = memory.join(sets[0], sets[1])
    assert both.resources.keys() == {"a", "b"}
    assert memory.join(sets[0], sets[1]) is both
    assert memory.join(both, sets[0]) is both
    assert memory.join(sets[0], both) is both
