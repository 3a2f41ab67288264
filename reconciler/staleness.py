"""Says in the journal when a source was not heard of for too long, and when it is again; once each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from reconciler.model.happening import Happening, Note
from reconciler.model.health import SourceHealth
from reconciler.model.question import Query
from reconciler.state import Edges

_SAID = Query(happened=frozenset({Happening.SOURCE_STALE, Happening.SOURCE_BACK}), limit=10)


def unknown() -> Sequence[SourceHealth]:
    """Of a source that can't say how it is."""
    return ()


@dataclass(slots=True)
class Staleness:
    """Remembers which sources it has called stale; a process that starts anew goes on with what the journal says.

    Attributes:
        after_s: seconds for which a source may fail; what does not fail, and has nothing to say, is not stale.
        sources: asked how they are.
    """

    after_s: float = 900.0
    sources: Callable[[], Sequence[SourceHealth]] = unknown
    _stale: set[str] | None = field(default=None, init=False)

    def look(self, edges: Edges) -> None:
        """Records what is new.

        Raises:
            Transient, Stalled: the journal can't be read or written; then it is still new the next time.
        """
        found = self.sources()
        if self._stale is None:
            self._stale = _journalled(edges) if found else set()
        for source in found:
            if source.name not in self._stale and source.failure and source.stale_s >= self.after_s:
                edges.clerk.note(_stale(source))
                self._stale.add(source.name)
            elif source.name in self._stale and not source.failure and not source.dark:
                edges.clerk.note(_back(source))
                self._stale.discard(source.name)


def _stale(source: SourceHealth) -> Note:
    message = f"{source.name} was not heard of for {source.stale_s:.0f} s: {source.failure}"
    return Note(
        Happening.SOURCE_STALE,
        message,
        facts={
            "realm": source.name,
            "silent_s": round(source.stale_s),
            "failure": source.failure,
            "never_heard": source.dark,
        },
    )


def _back(source: SourceHealth) -> Note:
    return Note(Happening.SOURCE_BACK, f"{source.name} is heard of again", facts={"realm": source.name})


def _journalled(edges: Edges) -> set[str]:
    """What was said last of each, the newest first."""
    last: dict[str, bool] = {}
    for entry in edges.journal.entries(_SAID):
        realm = entry.records[0].body.get("realm")
        last.setdefault(str(realm), Happening.SOURCE_STALE in entry.happened)
    return {realm for realm, stale in last.items() if stale}
