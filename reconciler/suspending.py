"""While somebody has suspended us nothing is applied, and what is served stays. The journal says when, and by whom."""

from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.compile import Options
from reconciler.model.decision import Decision, Trigger
from reconciler.model.happening import Actor, Happening
from reconciler.model.outcome import Outcome
from reconciler.model.question import Query
from reconciler.model.suspension import Suspension
from reconciler.recording import conclude, nothing_new, standing
from reconciler.state import Edges, State
from reconciler.verdict import Verdict

SUSPENDED, RESUMED = "Suspended", "Resumed"
_SAID = frozenset({Happening.SUSPEND, Happening.RESUME})


@dataclass(slots=True)
class Suspending:
    """Remembers whether we are suspended. Until the wish can be read, what the journal said last holds.

    Attributes:
        on: None before the first look.
    """

    on: bool | None = None

    def look(
        self, edges: Edges, options: Options, state: State, trigger: Trigger, started_at: datetime
    ) -> Outcome | None:
        """What to report before anything is done; if we are suspended after it, nothing else is to be done.

        Raises:
            Transient: the journal can't be read or written.
        """
        wish = edges.suspended()
        was = _journalled(edges) if self.on is None else self.on
        on = was if wish.wanted is None else wish.wanted
        self.on = was
        told = None if on == was else _record(edges, options, state, wish, started_at, on=on)
        self.on = on
        if told is None and on:
            quiet = nothing_new(edges, trigger, started_at, state)
            return replace(quiet, reason=SUSPENDED, message=f"suspended{wish}")
        return told


def _record(
    edges: Edges, options: Options, state: State, wish: Suspension, started_at: datetime, *, on: bool
) -> Outcome:
    if on:
        verdict = Verdict(Decision.UNCHANGED, SUSPENDED, f"suspended{wish}; what is served stays")
    else:
        verdict = Verdict(Decision.UNCHANGED, RESUMED, f"resumed{wish}")
    actor = Actor(wish.by, wish.through) if wish.by or wish.through else None
    attempt = replace(standing(edges, options, state, Trigger.REQUESTED, started_at), actor=actor)
    conclusion = conclude(edges, verdict, attempt.plan, (), state.applied, state)
    return Outcome.concluded(attempt, conclusion, edges.clerk.decide(attempt, conclusion) or None)


def _journalled(edges: Edges) -> bool:
    """What was said last: a process that starts anew goes on as the one before it."""
    said = edges.journal.entries(Query(happened=_SAID, limit=1))
    return bool(said) and Happening.SUSPEND in said[0].happened
