"""One type on one stream, as values: what was asked, what is held, what is in flight."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import Enum

from reconciler.apply.xds.memory import without
from reconciler.apply.xds.subscription import NOTHING, Subscription
from reconciler.model.digest import Digest
from reconciler.model.snapshot import NO_RESOURCES, ResourceSet, TypeUrl, XdsResource

WHOLE_TYPES = frozenset({TypeUrl.CLUSTER, TypeUrl.LISTENER, TypeUrl.SCOPED_ROUTE})
"""Types with a wildcard, of which a state-of-the-world response is the complete state: what it lacks is deleted."""


@dataclass(frozen=True, slots=True)
class Request:
    """A client's message, of either protocol.

    Attributes:
        nonce: of the response it answers; empty when it answers none.
        error: the client's words when it rejects that response.
        names: state of the world: all names wanted; delta: those newly wanted.
        dropped: delta: names no longer wanted.
        version: state of the world: the version last accepted.
        versions: delta, first request of a type: version by name of what the client holds already.
    """

    type_url: TypeUrl
    nonce: str = ""
    error: str | None = None
    names: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    version: str = ""
    versions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Push:
    """A response to send: the complete state of the type, or (delta) what is different and what is gone."""

    type_url: TypeUrl
    nonce: str
    version: Digest
    resources: tuple[XdsResource, ...]
    removed: tuple[str, ...] = ()


class Verdict(Enum):
    """What a request says about the response in flight."""

    NONE = "none"
    ACK = "ack"
    NACK = "nack"


@dataclass(frozen=True, slots=True)
class Sent:
    """A response in flight.

    Attributes:
        after: what the client holds once it accepts.
        changed: names it adds, changes, removes or repeats.
        certain: a rejection leaves the client at what it held. With more than one change it does not: Envoy
            applies the good ones of a push it rejects.
        outdated: something else is desired by now: a rejection says nothing about that.
    """

    nonce: str
    version: Digest
    after: ResourceSet
    changed: frozenset[str]
    certain: bool
    outdated: bool = False


@dataclass(frozen=True, slots=True)
class TypeState:
    """One type on one stream.

    Attributes:
        asked: a request of this type came.
        nonce: of the last response; empty before the first.
        held: what the client accepted last.
        claim: state of the world, first request: the version the client says it accepted.
        unsure: names of which it isn't known what the client holds, after a rejection.
        owed: names the client waits to hear about, though nothing may have changed.
        unanswered: the client waits for a response, even an empty one.
        sent: the one response in flight; the next waits for its answer, which bounds memory per stream.
        rejected: version of the content the client refused last; not sent again until something changes.
        detail: the client's words for that.
    """

    asked: bool = False
    subscription: Subscription = NOTHING
    nonce: str = ""
    held: ResourceSet = NO_RESOURCES
    claim: str = ""
    unsure: frozenset[str] = frozenset()
    owed: frozenset[str] = frozenset()
    unanswered: bool = False
    sent: Sent | None = None
    rejected: Digest | None = None
    detail: str = ""


def settle(state: TypeState, request: Request) -> tuple[TypeState, Verdict]:
    """Take an ACK or NACK of the response in flight; anything else says nothing."""
    sent = state.sent
    if sent is None or request.nonce != sent.nonce:
        return state, Verdict.NONE
    if request.error is None:
        settled = replace(
            state, sent=None, held=sent.after, unsure=state.unsure - sent.changed, rejected=None, detail=""
        )
        return settled, Verdict.ACK
    unsure = state.unsure if sent.certain else state.unsure | sent.changed
    if sent.outdated:
        return replace(state, sent=None, unsure=unsure), Verdict.NACK
    return replace(state, sent=None, unsure=unsure, rejected=sent.version, detail=request.error), Verdict.NACK


def redirect(state: TypeState) -> TypeState:
    """Something else is desired from here on: what was refused is tried again."""
    sent = state.sent and replace(state.sent, outdated=True)
    return replace(state, rejected=None, detail="", sent=sent)


def forget(state: TypeState, names: Collection[str]) -> TypeState:
    """The client let go of ``names``: it doesn't hold them and doesn't wait for them."""
    if not names:
        return state
    sent = state.sent and replace(state.sent, after=without(state.sent.after, names))
    held = without(state.held, names)
    return replace(state, held=held, sent=sent, unsure=state.unsure - set(names), owed=state.owed - set(names))


def uncovered(state: TypeState, subscription: Subscription) -> frozenset[str]:
    """Names the client may hold, or waits for, that ``subscription`` no longer covers."""
    if subscription.wildcard or (state.asked and subscription is state.subscription):
        return frozenset()
    known = state.held.resources.keys() | state.unsure | state.owed
    if state.sent is not None:
        known |= state.sent.after.resources.keys()
    return frozenset(known - subscription.names)


def differing(held: ResourceSet, wanted: ResourceSet) -> tuple[frozenset[str], frozenset[str]]:
    """Names of ``wanted`` that ``held`` lacks or has otherwise, and names that only ``held`` has."""
    if held is wanted or held.version == wanted.version:
        return frozenset(), frozenset()
    names = held.differing(wanted)
    gone = frozenset(name for name in names if name not in wanted.resources)
    return names - gone, gone


def dispatch(state: TypeState, push: Push, after: ResourceSet, changed: frozenset[str]) -> TypeState:
    """The state once ``push`` is on its way."""
    certain = len(changed) == 1 and changed.isdisjoint(state.unsure | state.owed)
    sent = Sent(push.nonce, push.version, after, changed, certain)
    return replace(state, nonce=push.nonce, sent=sent, owed=frozenset(), unanswered=False)
