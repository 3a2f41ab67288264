"""Gets the most of a change accepted: applies, rolls back on a NACK, finds the culprit, applies the rest."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar

from reconciler.apply import Placing, Target
from reconciler.bisect import find_culprits
from reconciler.compile import Held
from reconciler.model.effect import UNNAMED, Ack, AckState, Placed, Release
from reconciler.model.errors import ReconcileError
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.resource import Origin, ResourceId
from reconciler.model.snapshot import Snapshot

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Attempted(Generic[C]):
    """A change that Envoy is to accept, and how to compile parts of it.

    Attributes:
        whole: the change, compiled with what is ``held``.
        compile_with: compiles it with some resources held at their last good version.
        suspects: gives the resources that changed; asked only when there is a culprit to find.
        held: resources known to be bad from before.
    """

    whole: C
    compile_with: Callable[[Held], C]
    suspects: Callable[[], Mapping[ResourceId, Origin]]
    held: Held


@dataclass(frozen=True, slots=True)
class Accepted(Generic[C]):
    """What was accepted of a change.

    Attributes:
        compiled: the compile that was accepted; None when nothing of the change can be.
        held: the resources left out, each with Envoy's words.
        complaint: what was said of the whole change; empty when it was accepted at once.
    """

    compiled: C | None
    held: Held
    complaint: str


def accept(change: Attempted[C], complain: Callable[[C], str]) -> Accepted[C]:
    """Finds the most of a change that Envoy accepts.

    Args:
        change: the change.
        complain: Envoy's words about a compile, empty if it accepts. The last call is always for what is returned.
    """
    complaint = complain(change.whole)
    if not complaint:
        return Accepted(change.whole, change.held, "")

    suspects = change.suspects()
    everything = frozenset(suspects)

    def only(names: frozenset[ResourceId]) -> C:
        left_out = {name: _rejected(suspects[name], complaint) for name in everything - names}
        return change.compile_with({**change.held, **left_out})

    held = dict(change.held)
    for name in find_culprits(sorted(everything), lambda names: not complain(only(names))) if everything else ():
        held[name] = _rejected(suspects[name], complain(only(frozenset({name}))) or complaint)
    rest = change.compile_with(held)
    return Accepted(None if complain(rest) else rest, held, complaint)


def _rejected(origin: Origin, words: str) -> Problem:
    return Problem(
        Code.ENVOY_REJECTED,
        Severity.ERROR,
        f"Envoy rejects it: {' '.join(words.split())}",
        origin.provenance,
        resource=str(origin.id),
        hint="What was served of it before stays served; correct it and commit again.",
    )


@dataclass(frozen=True, slots=True)
class Rollout:
    """What applying one snapshot to all targets did.

    Attributes:
        rejection: Envoy's text when it was rolled back.
        placed: the objects that targets hold it in, or what was before when it was rolled back.
        written_at: when the last target held it; None where one of them did not say, or it was rolled back.
    """

    acks: tuple[Ack, ...]
    rejection: str
    placed: tuple[Placed, ...] = ()
    written_at: datetime | None = None

    @property
    def nacks(self) -> tuple[Ack, ...]:
        """The rejections among the acknowledgements."""
        return tuple(ack for ack in self.acks if ack.state is AckState.NACKED)


def roll_out(
    targets: Sequence[Target],
    desired: Snapshot,
    last_good: Snapshot,
    complain: Callable[[Snapshot], str],
    release: Release = UNNAMED,
    undone: Release = UNNAMED,
    clock: Callable[[], datetime] | None = None,
) -> Rollout:
    """Applies to every target in turn; on a NACK puts the last good snapshot back everywhere.

    An Envoy that says nothing, or is gone, may have been brought down by what it got: where nobody acknowledged all of
    it, the check has its say. A target that can't be written keeps the others from nothing.

    Args:
        targets: in their order.
        desired: what is to be served.
        last_good: what is served now.
        complain: Envoy's check of a snapshot: its words, empty if it accepts or where others were to say it.
        release: what ``desired`` is applied for.
        undone: what ``last_good`` is put back for.
        clock: the time now, aware; without one nobody knows when what was written.

    Raises:
        Stalled, Transient: a target could not be written; what could not is the first of them.
    """
    acks: tuple[Ack, ...] = ()
    failures: list[ReconcileError] = []
    written: dict[int, datetime] = {}
    for position, target in enumerate(targets, start=1):
        acks += _apply_to(target, desired, _timed(release, written, position, clock), failures)
        rejected = next((ack for ack in acks if ack.state is AckState.NACKED), None)
        if rejected is not None:
            _put_back(targets[:position], last_good, undone)
            return Rollout(acks, rejected.detail or "no reason given", _placed(targets))
    unanswered = not acks or any(ack.state is AckState.PENDING for ack in acks)
    words = complain(desired) if unanswered and targets else ""
    if words:
        _put_back(targets, last_good, undone)
    elif failures:
        raise failures[0]
    all_written = len(written) == len(targets) and not words
    return Rollout(acks, words, _placed(targets), max(written.values(), default=None) if all_written else None)


def _timed(
    release: Release, written: dict[int, datetime], number: int, clock: Callable[[], datetime] | None
) -> Release:
    """The release, and when the target of that number held it."""
    if clock is None:
        return release

    def note() -> None:
        written[number] = clock()

    return replace(release, written=note)


def _placed(targets: Sequence[Target]) -> tuple[Placed, ...]:
    found = (target.placed() for target in targets if isinstance(target, Placing))
    return tuple(one for one in found if one is not None)


def _put_back(targets: Sequence[Target], last_good: Snapshot, undone: Release) -> None:
    failures: list[ReconcileError] = []
    for target in targets:
        _apply_to(target, last_good, undone, failures)
    if failures:
        raise failures[0]


def _apply_to(target: Target, snapshot: Snapshot, release: Release, failures: list[ReconcileError]) -> tuple[Ack, ...]:
    """What came of it; nothing where it failed, which is then the last of ``failures``."""
    try:
        return target.apply(snapshot, release)
    except ReconcileError as error:
        failures.append(error)
        return ()
