"""One Envoy on one stream, led step by step to the desired snapshot. No I/O: requests in, pushes out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from reconciler.apply.xds import delta, sotw
from reconciler.apply.xds.live import Served
from reconciler.apply.xds.memory import Memory
from reconciler.apply.xds.state import Push, Request, TypeState, Verdict, redirect
from reconciler.apply.xds.steps import AWAITED, FIRST, Step, goal
from reconciler.apply.xds.warming import owe_endpoints
from reconciler.model.effect import AckState
from reconciler.model.snapshot import ResourceSet, Snapshot, TypeUrl


class Protocol(StrEnum):
    """The two variants of xDS."""

    SOTW = "sotw"
    DELTA = "delta"


@dataclass(frozen=True, slots=True)
class _Rules:
    receive: Callable[[TypeState, Request, Memory], tuple[TypeState, Verdict]]
    push: Callable[[TypeState, ResourceSet, TypeUrl, str, Memory], tuple[TypeState, Push] | None]
    in_sync: Callable[[TypeState, ResourceSet, TypeUrl, Memory], bool]
    resume: Callable[[TypeState, TypeUrl, Memory], TypeState]


_RULES: Mapping[Protocol, _Rules] = MappingProxyType(
    {
        Protocol.SOTW: _Rules(sotw.receive, sotw.push, sotw.in_sync, sotw.resume),
        Protocol.DELTA: _Rules(delta.receive, delta.push, delta.in_sync, delta.resume),
    }
)

_PARENT = {TypeUrl.ROUTE: TypeUrl.LISTENER, TypeUrl.ENDPOINT: TypeUrl.CLUSTER, TypeUrl.SECRET: TypeUrl.LISTENER}
"""A client learns the names of these types from resources of those."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a client stands to the desired resources of one type."""

    state: AckState
    detail: str = ""


class Session:
    """The server's side of one stream.

    Args:
        protocol: which variant the stream speaks.
        memory: shared by all streams.
        desired: where to lead the client; None: say nothing yet, since an empty answer would empty the Envoy.
    """

    def __init__(self, protocol: Protocol, memory: Memory, desired: Served | Snapshot | None) -> None:
        self._rules = _RULES[protocol]
        self._memory = memory
        self._desired = Served.of(desired) if isinstance(desired, Snapshot) else desired
        self._excused: set[TypeUrl] = set()
        self._step = Step.CLUSTERS
        self._states = dict.fromkeys(TypeUrl, TypeState())
        self._nonce = 0

    @property
    def step(self) -> Step:
        """Where the client is on its way."""
        return self._step

    def aim(self, desired: Served | Snapshot) -> None:
        """Lead the client to ``desired`` from wherever it is. What it refused before is tried again."""
        self._desired = Served.of(desired) if isinstance(desired, Snapshot) else desired
        self._step = Step.CLUSTERS
        self._excused.clear()
        self._states = {t: self._rules.resume(redirect(s), t, self._memory) for t, s in self._states.items()}

    def refresh(self, desired: Served) -> None:
        """The same snapshot, with other live resources: the client stays where it is on its way."""
        self._desired = desired

    def receive(self, request: Request) -> Verdict:
        """Take one request in; `pushes` then says what to answer."""
        state = self._states[request.type_url]
        pushed = state.sent.changed if state.sent is not None else frozenset()
        if not state.asked:
            self._step = min(self._step, FIRST[request.type_url])
        self._states[request.type_url], verdict = self._rules.receive(state, request, self._memory)
        if verdict is not Verdict.NONE:
            # What is wrong with live resources is nothing that a snapshot brought, or that another would mend.
            desired = self._desired
            is_live = desired is not None and bool(pushed) and desired.is_live(request.type_url, pushed)
            excuses = verdict is Verdict.NACK and is_live
            (self._excused.add if excuses else self._excused.discard)(request.type_url)
        return verdict

    def pushes(self) -> tuple[Push, ...]:
        """The responses to send now; each counts as sent from here on. At most one per type is in flight."""
        if self._desired is None:
            return ()
        pushes: list[Push] = []
        while True:
            goals = {t: self._goal(t, self._desired) for t in TypeUrl}
            pushes.extend(push for t, g in goals.items() if g is not None and (push := self._push(t, g)) is not None)
            if self._step is Step.DONE or not self._complete(goals[AWAITED[self._step]], self._desired.snapshot):
                return tuple(pushes)
            self._step = Step(self._step + 1)

    def standing(self, type_url: TypeUrl) -> Standing | None:
        """How the client stands to the desired resources of a type; None when there is nothing to expect."""
        if self._desired is None:
            return None
        state, desired = self._states[type_url], self._desired.sets[type_url]
        if not state.asked:
            return Standing(AckState.PENDING, "it has not asked for this type") if desired.resources else None
        if type_url in self._excused:
            return None
        if state.rejected is not None:
            return Standing(AckState.NACKED, state.detail)
        if not self._desired.live.get(type_url):  # those are always on their way to something newer
            if state.sent is not None:
                return Standing(AckState.PENDING, "sent, not answered yet")
            if not self._rules.in_sync(state, desired, type_url, self._memory):
                why = "held back: it refused another type" if self.refused else "not its turn yet"
                return Standing(AckState.PENDING, why)
        if missing := self._never_asked(type_url, desired):
            return Standing(AckState.PENDING, f"it has not asked for {missing}")
        return Standing(AckState.ACKED)

    @property
    def settled(self) -> bool:
        """Whether nothing more comes of itself: everything is acknowledged, or something is refused."""
        standings = [standing.state for t in TypeUrl if (standing := self.standing(t)) is not None]
        return AckState.NACKED in standings or all(state is AckState.ACKED for state in standings)

    @property
    def refused(self) -> bool:
        """Whether something of the snapshot is refused."""
        return any(s.rejected is not None for t, s in self._states.items() if t not in self._excused)

    def holds(self, type_url: TypeUrl, names: frozenset[str]) -> frozenset[str]:
        """Which of these the client has, or may have."""
        state = self._states[type_url]
        held, sent = state.held.resources, state.sent.after.resources if state.sent is not None else {}
        return frozenset(name for name in names if name in held or name in sent or name in state.unsure)

    def excused(self, type_url: TypeUrl) -> bool:
        """Whether the client refused live resources of a type, and nothing else of it."""
        return type_url in self._excused

    def _goal(self, type_url: TypeUrl, desired: Served) -> ResourceSet | None:
        # Nothing is pushed over a response in flight, so what was accepted last is all there is to build on.
        held = self._states[type_url].held
        return goal(self._step, type_url, desired.renewed(type_url, held), desired.goal(type_url, held), self._memory)

    def _push(self, type_url: TypeUrl, goal_now: ResourceSet) -> Push | None:
        nonce = str(self._nonce + 1)
        state, waiting = self._states[type_url], self._waiting(type_url)
        if waiting:
            state = replace(state, owed=state.owed - waiting)
        sent = self._rules.push(state, goal_now, type_url, nonce, self._memory)
        if sent is None:
            return None
        self._nonce += 1
        state, push = sent
        self._states[type_url] = state = replace(state, owed=state.owed | waiting) if waiting else state
        if type_url is TypeUrl.CLUSTER and state.sent is not None:
            endpoints = self._states[TypeUrl.ENDPOINT]
            self._states[TypeUrl.ENDPOINT] = owe_endpoints(endpoints, push.resources, state.sent.changed)
        return push

    def _complete(self, goal_now: ResourceSet | None, desired: Snapshot) -> bool:
        """Whether the current step is over and the next may begin. A refusal stops the way here."""
        type_url = AWAITED[self._step]
        state = self._states[type_url]
        if goal_now is None or self.refused:
            return False
        if self._desired is not None and self._desired.live.get(type_url):
            return self._has_any(state, goal_now, type_url)
        if state.sent is not None:
            return False
        if state.asked and not self._rules.in_sync(state, goal_now, type_url, self._memory):
            return False
        return self._step is not Step.ROUTES or self._may_drop(desired)

    def _has_any(self, state: TypeState, goal_now: ResourceSet, type_url: TypeUrl) -> bool:
        """Whether the client has something for each live name it wants, if not the newest: that may change again."""
        if not state.asked or type_url in self._excused:
            return True
        wanted = self._memory.select(type_url, goal_now, state.subscription)
        return all(name in state.held.resources for name in state.held.differing(wanted) if name in wanted.resources)

    def _waiting(self, type_url: TypeUrl) -> frozenset[str]:
        """Names that the client waits to hear about, and of which nobody can say yet whether there is anything."""
        unknown = self._desired.unknown.get(type_url) if self._desired is not None else None
        if not unknown:
            return frozenset()
        state = self._states[type_url]
        held = state.held.resources
        return frozenset(name for name in state.owed & unknown if name not in held or not held[name].body)

    def _may_drop(self, desired: Snapshot) -> bool:
        """Whether removing can begin: not before the client said what listeners, scopes and routes it has.

        A client that reconnects asks for clusters first. What it routes by is unknown until its other requests
        come in, and a cluster that is to go may still be in use.
        """
        listeners, routes = self._states[TypeUrl.LISTENER], self._states[TypeUrl.ROUTE]
        if not listeners.asked:
            return self._drops_nothing(desired)
        if desired[TypeUrl.SCOPED_ROUTE].resources and not self._states[TypeUrl.SCOPED_ROUTE].asked:
            return not listeners.held.resources
        return routes.asked or not desired[TypeUrl.ROUTE].resources or not listeners.held.resources

    def _drops_nothing(self, desired: Snapshot) -> bool:
        return all(
            name in desired[type_url].resources
            for type_url, state in self._states.items()
            for name in state.held.differing(desired[type_url])
        )

    def _never_asked(self, type_url: TypeUrl, desired: ResourceSet) -> str:
        """A name a client that takes everything should have asked for but hasn't; empty when there is none.

        Between accepting a listener and asking for its routes an Envoy would otherwise look finished.
        """
        parent = _PARENT.get(type_url)
        if parent is None or not self._states[parent].subscription.wildcard:
            return ""
        held = self._states[type_url].held
        return min((name for name in held.differing(desired) if name not in held.resources), default="")
