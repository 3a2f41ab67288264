"""Gets the most of a change accepted: applies, rolls back on a NACK, finds the culprit, applies the rest."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from reconciler.apply import Target
from reconciler.bisect import find_culprits
from reconciler.compile import Held
from reconciler.model.effect import Ack, AckState
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
    """What applying one snapshot to all targets did; ``rejection`` is Envoy's text when it was rolled back."""

    acks: tuple[Ack, ...]
    rejection: str

    @property
    def nacks(self) -> tuple[Ack, ...]:
        """The rejections among the acknowledgements."""
        return tuple(ack for ack in self.acks if ack.state is AckState.NACKED)


def roll_out(
    targets: Sequence[Target], desired: Snapshot, last_good: Snapshot, complain: Callable[[Snapshot], str]
) -> Rollout:
    """Applies to every target in turn; on a NACK puts the last good snapshot back everywhere.

    An Envoy that says nothing, or is gone, may have been brought down by what it got: where nobody acknowledged all of
    it, the check has its say.

    Args:
        targets: in their order.
        desired: what is to be served.
        last_good: what is served now.
        complain: Envoy's check of a snapshot: its words, empty if it accepts or where others were to say it.

    Raises:
        Stalled, Transient: a target could not be written.
    """
    acks: tuple[Ack, ...] = ()
    for position, target in enumerate(targets, start=1):
        acks += target.apply(desired)
        rejected = next((ack for ack in acks if ack.state is AckState.NACKED), None)
        if rejected is not None:
            for touched in targets[:position]:
                touched.apply(last_good)
            return Rollout(acks, rejected.detail or "no reason given")
    unanswered = not acks or any(ack.state is AckState.PENDING for ack in acks)
    words = complain(desired) if unanswered and targets else ""
    if words:
        for target in targets:
            target.apply(last_good)
    return Rollout(acks, words)
