"""The state-of-the-world protocol for one type: pure functions over `TypeState`.

A response of listeners or clusters is the complete state. A response of endpoints or routes holds what the client
named; there is no way to say that one is gone, the client drops it when nothing refers to it any more.
"""

from dataclasses import replace

from reconciler.apply.xds.memory import Memory
from reconciler.apply.xds.state import (
    WHOLE_TYPES,
    Push,
    Request,
    TypeState,
    Verdict,
    differing,
    dispatch,
    forget,
    settle,
    uncovered,
)
from reconciler.apply.xds.subscription import restate
from reconciler.model.snapshot import ResourceSet, TypeUrl


def receive(state: TypeState, request: Request, memory: Memory) -> tuple[TypeState, Verdict]:
    """Take one request in.

    A request with another nonce than the last is stale and ignored as a whole: the client will answer the newer
    response, with its newest names.

    On a new stream a client says which version it accepted last. For a plain wildcard that tells what it routes by,
    and so what must not go yet. It is not enough to send nothing: a client that refused a response since then may
    have applied the good half of it, and the complete state is what removes that. Where names are given it may have
    dropped a resource and asked for it again just before the old stream broke. So all is sent once per stream.
    """
    type_url = request.type_url
    if state.asked and request.nonce != state.nonce:
        return state, Verdict.NONE
    before, first = state, not state.asked
    state, verdict = settle(state, request)
    subscription = restate(state.subscription, request.names, wildcard_type=type_url in WHOLE_TYPES)
    state = forget(state, uncovered(state, subscription))
    added = subscription.names - before.subscription.names
    widened = subscription.wildcard and not before.subscription.wildcard
    state = replace(
        state,
        asked=True,
        subscription=subscription,
        claim=request.version if first and widened and not subscription.names else "",
        owed=state.owed | added,
        unanswered=state.unanswered or (type_url in WHOLE_TYPES and bool(added or widened)),
    )
    return resume(state, type_url, memory), verdict


def resume(state: TypeState, type_url: TypeUrl, memory: Memory) -> TypeState:
    """Believe the version the client came with, once it is known what it stands for, as far as it goes."""
    held = memory.recall(type_url, state.claim) if state.claim and state.unanswered else None
    return state if held is None else replace(state, held=held, claim="")


def in_sync(state: TypeState, goal: ResourceSet, type_url: TypeUrl, memory: Memory) -> bool:
    """Whether the client holds what it wants of ``goal`` and waits for no word."""
    wanted = memory.select(type_url, goal, state.subscription)
    return not _changes(state, wanted, type_url) and not state.unanswered


def push(
    state: TypeState, goal: ResourceSet, type_url: TypeUrl, nonce: str, memory: Memory
) -> tuple[TypeState, Push] | None:
    """The response that brings the client to ``goal``, None when there is nothing to send now."""
    if not state.asked or state.sent is not None:
        return None
    wanted = memory.select(type_url, goal, state.subscription)
    changed = _changes(state, wanted, type_url)
    if not changed and not state.unanswered:
        return None
    if state.rejected == wanted.version and not state.owed and not state.unanswered:
        return None
    response = Push(type_url, nonce, wanted.version, tuple(wanted.resources.values()))
    memory.remember(type_url, wanted)
    after = wanted if type_url in WHOLE_TYPES else memory.join(state.held, wanted)
    return dispatch(state, response, after, changed), response


def _changes(state: TypeState, wanted: ResourceSet, type_url: TypeUrl) -> frozenset[str]:
    """Names that a push of ``wanted`` adds, changes, removes or repeats."""
    changed, gone = differing(state.held, wanted)
    again = state.owed | state.unsure
    changed |= frozenset(name for name in again if name in wanted.resources)
    if type_url in WHOLE_TYPES:
        changed |= gone | frozenset(name for name in state.unsure if name not in wanted.resources)
    return changed
