"""All connected Envoys, and rounds of bringing them to a snapshot. Lives on one event loop; knows no gRPC."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from reconciler.apply.xds.live import LiveResources, Names, Served
from reconciler.apply.xds.memory import Memory
from reconciler.apply.xds.session import Protocol, Session
from reconciler.apply.xds.state import Push, Request, Verdict
from reconciler.apply.xds.wire import Client
from reconciler.model.effect import Ack, AckState, Evidence
from reconciler.model.snapshot import Snapshot, TypeUrl

TARGET = "xds"


@dataclass(frozen=True, slots=True)
class Counters:
    """What went over streams; only ever grows while a stream, or the server, lives."""

    streams: int = 0
    requests: int = 0
    pushes: int = 0
    resources: int = 0
    removals: int = 0
    bytes: int = 0
    acks: int = 0
    nacks: int = 0


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One connected Envoy.

    Attributes:
        acks: per type, how it stands to what is served; empty before anything is.
        counters: of its stream.
    """

    node: str
    cluster: str
    user_agent: str
    protocol: Protocol
    connected_since: datetime
    acks: tuple[Ack, ...]
    counters: Counters


@dataclass(eq=False, slots=True)
class Connection:
    """One stream: its session, and the signal that there may be something to send."""

    client: Client
    protocol: Protocol
    session: Session
    since: datetime
    counters: Counters = Counters(streams=1)
    wake: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False, slots=True)
class _Round:
    """One apply: who was connected when it began, and who has yet to answer."""

    snapshot: Snapshot
    members: tuple[Connection, ...]
    unsettled: set[Connection]
    nacked: bool = False
    superseded: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    gone: dict[Connection, tuple[Ack, ...]] = field(default_factory=dict)


class Fleet:
    """The connected Envoys.

    Args:
        grace_s: how long, once an Envoy refused, the others are still waited for. Seconds.
        on_nack: told of a refusal that no running `apply` reports.
        live: what stands for the placeholders of snapshots.
        on_refused: told, by node and type, of a refusal that no snapshot is to blame for.
    """

    def __init__(
        self,
        grace_s: float,
        on_nack: Callable[[Ack], None] | None,
        live: LiveResources,
        on_refused: Callable[[str, TypeUrl], None],
    ) -> None:
        self.desired: Snapshot | None = None
        self._served: Served | None = None
        self._live = live
        self._on_refused = on_refused
        self._grace_s = grace_s
        self._on_nack = on_nack
        self._memory = Memory()
        self._connections: dict[Connection, None] = {}  # in order of arrival
        self._round: _Round | None = None
        self._past = Counters()

    def join(self, client: Client, protocol: Protocol) -> Connection:
        """A stream opened."""
        session = Session(protocol, self._memory, self._served)
        connection = Connection(client, protocol, session, datetime.now(UTC))
        self._connections[connection] = None
        return connection

    def leave(self, connection: Connection) -> None:
        """A stream ended. An apply no longer waits for it."""
        del self._connections[connection]
        self._past = _sum(self._past, connection.counters)
        running = self._round
        if running is not None and connection in running.unsettled:
            running.gone[connection] = tuple(
                ack if ack.state is AckState.ACKED else replace(ack, state=AckState.PENDING, detail="it disconnected")
                for ack in _acks(connection, running.snapshot)
            )
            running.unsettled.discard(connection)
            running.changed.set()

    def receive(self, connection: Connection, request: Request | None) -> None:
        """A request came; None: of a type that is not served here, which is left unanswered."""
        counters = replace(connection.counters, requests=connection.counters.requests + 1)
        verdict = Verdict.NONE if request is None else connection.session.receive(request)
        if request is not None and verdict is Verdict.NACK:
            counters = replace(counters, nacks=counters.nacks + 1)
            self._tell(connection, request.type_url)
        elif verdict is Verdict.ACK:
            counters = replace(counters, acks=counters.acks + 1)
        connection.counters = counters
        connection.wake.set()

    def pushes(self, connection: Connection) -> tuple[Push, ...]:
        """What to send on a stream now."""
        pushes = connection.session.pushes()
        running = self._round
        if running is not None and connection in running.unsettled and connection.session.settled:
            running.nacked = running.nacked or connection.session.refused
            running.unsettled.discard(connection)
            running.changed.set()
        return pushes

    def sent(self, connection: Connection, push: Push, size: int) -> None:
        """A push of ``size`` bytes went out."""
        counters = connection.counters
        connection.counters = replace(
            counters,
            pushes=counters.pushes + 1,
            resources=counters.resources + len(push.resources),
            removals=counters.removals + len(push.removed),
            bytes=counters.bytes + size,
        )

    def aim(self, snapshot: Snapshot) -> None:
        """Lead every Envoy, present and to come, to ``snapshot``. A running apply of another ends."""
        self.desired = snapshot
        for type_url, resources in snapshot.sets.items():
            self._memory.remember(type_url, resources)
        if self._round is not None:
            self._round.superseded = True
            self._round.changed.set()
        served = self._fill(snapshot)
        for connection in self._connections:
            connection.session.aim(served)
            connection.wake.set()

    def refresh(self) -> None:
        """Send what differs of live resources."""
        if self.desired is None:
            return
        served = self._fill(self.desired)
        for connection in self._connections:
            connection.session.refresh(served)
            connection.wake.set()

    def holding(self, names: Names) -> Names:
        """Which of these any Envoy has."""
        sessions = [connection.session for connection in self._connections]
        found = {t: frozenset[str]().union(*(s.holds(t, of) for s in sessions)) for t, of in names.items()}
        return {type_url: held for type_url, held in found.items() if held}

    async def apply(self, snapshot: Snapshot, timeout_s: float, aimed: Callable[[], None]) -> tuple[Ack, ...]:
        """Lead every Envoy to ``snapshot`` and wait until each connected now has settled, or for ``timeout_s``.

        Args:
            snapshot: what they are to hold.
            timeout_s: seconds.
            aimed: called before the wait, once it is served.
        """
        self.aim(snapshot)
        aimed()
        members = tuple(self._connections)
        running = self._round = _Round(snapshot, members, set(members))
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        hurried = False
        while running.unsettled and not running.superseded:
            if running.nacked and not hurried:
                hurried, deadline = True, min(deadline, loop.time() + self._grace_s)
            try:
                async with asyncio.timeout_at(deadline):
                    await running.changed.wait()
            except TimeoutError:
                break
            running.changed.clear()
        if self._round is running:
            self._round = None
        return _results(running)

    def wake(self) -> None:
        """Have every stream look whether it has something to do."""
        for connection in self._connections:
            connection.wake.set()

    @property
    def connected(self) -> bool:
        """Whether an Envoy is there that has acknowledged all it is to have. May be asked from any thread."""
        desired = self.desired
        if desired is None:
            return False
        standings = (_acks(connection, desired) for connection in tuple(self._connections))
        return any(acks and all(ack.state is AckState.ACKED for ack in acks) for acks in standings)

    def nodes(self) -> tuple[NodeStatus, ...]:
        """The connected Envoys, in order of arrival."""
        return tuple(
            NodeStatus(
                connection.client.node,
                connection.client.cluster,
                connection.client.user_agent,
                connection.protocol,
                connection.since,
                _acks(connection, self.desired) if self.desired is not None else (),
                connection.counters,
            )
            for connection in self._connections
        )

    def counters(self) -> Counters:
        """The sums over all streams, ended ones included."""
        total = self._past
        for connection in self._connections:
            total = _sum(total, connection.counters)
        return total

    def _fill(self, snapshot: Snapshot) -> Served:
        served = self._served = self._live.fill(snapshot)
        if served.live.get(TypeUrl.ENDPOINT):  # what else is live, no memory is to keep
            self._memory.remember(TypeUrl.ENDPOINT, served.sets[TypeUrl.ENDPOINT])
        return served

    def _tell(self, connection: Connection, type_url: TypeUrl) -> None:
        if connection.session.excused(type_url):
            asyncio.get_running_loop().call_soon(self._on_refused, connection.client.node, type_url)
            return
        if self._on_nack is None or self.desired is None:
            return
        if self._round is not None and connection in self._round.members:
            return  # apply() reports it
        standing = connection.session.standing(type_url)
        if standing is not None and standing.state is AckState.NACKED:
            ack = _ack(connection, type_url, self.desired, standing.state, standing.detail)
            # Not called from here: what a callback raises goes to the loop's exception handler, not to the stream.
            asyncio.get_running_loop().call_soon(self._on_nack, ack)


def _results(running: _Round) -> tuple[Ack, ...]:
    acks: list[Ack] = []
    for connection in running.members:
        if connection in running.gone:
            acks.extend(running.gone[connection])
        elif running.superseded:
            acks.extend(
                _ack(connection, t, running.snapshot, AckState.PENDING, "superseded by a later apply")
                for t in TypeUrl
                if running.snapshot[t].resources
            )
        else:
            acks.extend(_acks(connection, running.snapshot))
    return tuple(acks)


def _acks(connection: Connection, snapshot: Snapshot) -> tuple[Ack, ...]:
    standings = ((t, connection.session.standing(t)) for t in TypeUrl)
    return tuple(_ack(connection, t, snapshot, s.state, s.detail) for t, s in standings if s is not None)


def _ack(connection: Connection, type_url: TypeUrl, snapshot: Snapshot, state: AckState, detail: str) -> Ack:
    evidence = Evidence.NONE if state is AckState.PENDING else Evidence.STREAM
    return Ack(TARGET, connection.client.node, type_url, snapshot[type_url].version, state, evidence, detail)


def _sum(one: Counters, other: Counters) -> Counters:
    return Counters(
        one.streams + other.streams,
        one.requests + other.requests,
        one.pushes + other.pushes,
        one.resources + other.resources,
        one.removals + other.removals,
        one.bytes + other.bytes,
        one.acks + other.acks,
        one.nacks + other.nacks,
    )
