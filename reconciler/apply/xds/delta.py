"""The delta (incremental) protocol for one type: pure functions over `TypeState`."""

from dataclasses import replace

from reconciler.apply.xds.memory import Memory, without
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
from reconciler.apply.xds.subscription import WILDCARD, amend
from reconciler.model.digest import Digest
from reconciler.model.snapshot import ResourceSet, TypeUrl, XdsResource


def receive(state: TypeState, request: Request, memory: Memory) -> tuple[TypeState, Verdict]:
    """Take one request in; changes of the subscription count even when the nonce is stale.

    On the first request of a stream ``initial_resource_versions`` says what the client holds, so that nothing is
    resent. Later, naming a resource again means the client may have lost it: it is sent again.
    """
    before, first = state, not state.asked
    state, verdict = settle(state, request)
    wildcard_type = request.type_url in WHOLE_TYPES
    subscription = amend(state.subscription, request.names, request.dropped, wildcard_type=wildcard_type)
    named = frozenset(request.names) - {WILDCARD}
    if first:
        state = resume(replace(state, held=_claimed(request)), request.type_url, memory)
        named -= state.held.resources.keys()
    if subscription.wildcard:
        # A name given up under a wildcard: the client can't know whether it still holds it, and must be told.
        named |= (frozenset(request.dropped) - {WILDCARD}) & before.subscription.names
    widened = subscription.wildcard and not before.subscription.wildcard
    state = forget(state, uncovered(state, subscription))
    owed = state.owed | {name for name in named if subscription.wildcard or name in subscription.names}
    return replace(
        state,
        asked=True,
        subscription=subscription,
        owed=owed,
        unanswered=state.unanswered or (widened and not state.held.resources),
    ), verdict


def resume(state: TypeState, type_url: TypeUrl, memory: Memory) -> TypeState:
    """Put bodies to what the client claimed to hold, once they are known."""
    held = memory.recall(type_url, state.held.version)
    return state if held is None else replace(state, held=held)


def in_sync(state: TypeState, goal: ResourceSet, type_url: TypeUrl, memory: Memory) -> bool:
    """Whether the client holds what it wants of ``goal``, nothing else, and waits for no word."""
    _wanted, changed, removed = _changes(state, goal, type_url, memory)
    return not changed and not removed and not state.unanswered


def push(
    state: TypeState, goal: ResourceSet, type_url: TypeUrl, nonce: str, memory: Memory
) -> tuple[TypeState, Push] | None:
    """The response that brings the client to ``goal``, None when there is nothing to send now."""
    if not state.asked or state.sent is not None:
        return None
    wanted, changed, removed = _changes(state, goal, type_url, memory)
    if not changed and not removed and not state.unanswered:
        return None
    if state.rejected == wanted.version and not state.owed and not state.unanswered:
        return None
    resources = tuple(wanted.resources[name] for name in sorted(changed))
    response = Push(type_url, nonce, wanted.version, resources, tuple(sorted(removed)))
    return dispatch(state, response, wanted, changed | removed), response


def _changes(
    state: TypeState, goal: ResourceSet, type_url: TypeUrl, memory: Memory
) -> tuple[ResourceSet, frozenset[str], frozenset[str]]:
    """What is wanted of ``goal``, the names to send and the names to remove."""
    wanted = memory.select(type_url, goal, state.subscription)
    again = (state.unsure - _hollow(wanted, state.unsure)) | state.owed
    if state.owed:
        wanted = without(wanted, _hollow(wanted, state.owed))
    changed, removed = differing(state.held, wanted)
    repeated = frozenset(name for name in again if name in wanted.resources)
    return wanted, changed | repeated, removed | (again - repeated)


def _hollow(wanted: ResourceSet, names: frozenset[str]) -> frozenset[str]:
    """Those of ``names`` whose bodies nobody knows, since they stem from a client's claim.

    They can't be sent. One that only a rejection made unsure stays as it is, whichever version that is, until it may
    be removed: routes may refer to it. One that the client waits to hear about is said to be gone.
    """
    return frozenset(name for name in names if (known := wanted.resources.get(name)) and not known.body)


def _claimed(request: Request) -> ResourceSet:
    """What the client says it holds, without bodies. Its version is that of the same set with bodies."""
    return ResourceSet.of(XdsResource(name, b"", Digest(version)) for name, version in request.versions)
