"""When what happened in a reconcile, seen from the edges that it calls: nothing inside the product is touched."""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ParamSpec, TypeVar

from reconciler.loop import Loop
from reconciler.model.decision import Trigger
from reconciler.model.source import Revision, SourceSnapshot
from reconciler.sources import Source

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time.

    Attributes:
        wall: seconds of the clock that all processes of the machine share.
        cpu: seconds of CPU that this process and its ended children had spent.
    """

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> "Moment":
        """This one."""
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return cls(time.perf_counter(), time.process_time() + children.ru_utime + children.ru_stime)

    def __sub__(self, earlier: "Moment") -> "Moment":
        return Moment(self.wall - earlier.wall, self.cpu - earlier.cpu)


@dataclass(slots=True)
class Marks:
    """Of one reconcile: the first moment of each name.

    ``began``; ``fetched``: the source has answered; ``compiled``: there are bytes, which are next handed to Envoy's
    check; ``done``.
    """

    of: dict[str, Moment] = field(default_factory=dict)

    def set(self, name: str) -> None:
        """Now, unless it was before."""
        self.of.setdefault(name, Moment.now())

    def between(self, earlier: str, later: str) -> Moment:
        """Time spent."""
        return self.of[later] - self.of[earlier]


@dataclass(slots=True)
class _MarkedSource:
    """A source that says when it has answered."""

    source: Source
    marks: Marks

    @property
    def describe(self) -> str:
        return self.source.describe

    def fetch(self, previous: Revision | None, trigger: Trigger = Trigger.NEW_REVISION) -> SourceSnapshot:
        snapshot = self.source.fetch(previous, trigger)
        self.marks.set("fetched")
        return snapshot

    def close(self) -> None:
        self.source.close()


def _marked(complain: Callable[P, R], marks: Marks, then: Callable[[], None]) -> Callable[P, R]:
    def marking(*args: P.args, **kwargs: P.kwargs) -> R:
        marks.set("compiled")
        result = complain(*args, **kwargs)
        then()
        return result

    return marking


def marked_reconcile(loop: Loop, before_apply: Callable[[], None] = lambda: None) -> Marks:
    """One reconcile, which must apply something, and when what happened in it.

    Args:
        loop: whose turn it is.
        before_apply: called when the check has passed; it should cost nothing.
    """
    marks, edges = Marks(), loop.edges
    complain = _marked(edges.complain, marks, before_apply)
    loop.edges = replace(edges, source=_MarkedSource(edges.source, marks), complain=complain)
    try:
        marks.set("began")
        outcome = loop.once()
        marks.set("done")
    finally:
        loop.edges = edges
    problems = "\n".join(map(str, outcome.problems))
    assert outcome.sequence is not None, f"{outcome.decision} {outcome.reason}: {outcome.message}\n{problems}"
    assert not problems, problems
    return marks
