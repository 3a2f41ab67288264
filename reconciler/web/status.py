"""The last word on the controller, written by the loop and read by requests."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.model.decision import Condition, Decision
from reconciler.model.digest import Json
from reconciler.model.health import Health
from reconciler.model.leadership import Leadership
from reconciler.model.outcome import Outcome


@dataclass(slots=True)
class StatusBoard:
    """Holds the last outcomes. Each attribute is replaced as a whole, so readers in other threads need no lock.

    Attributes:
        last: the last outcome, quiet or not; None before the first.
        decided: the last outcome that was not quiet: what the conditions speak of.
        serving: whether anything is served, be it restored from the journal.
        election: asked how it stands; None where there is none.
        health: asked how the sources are.
        pages: asked why the pages let nobody in; empty while they do.
        heard: whether the source ever answered.
        heard_at: when it did last, or the start; by the clock that never goes back.
    """

    last: Outcome | None = None
    decided: Outcome | None = None
    serving: bool = False
    election: Callable[[], Leadership] | None = None
    health: Callable[[], Health] = Health
    pages: Callable[[], str] = str
    heard: bool = False
    heard_at: float = field(default_factory=time.monotonic)

    def record(self, outcome: Outcome) -> None:
        """Take note of an outcome. A quiet one after a failure ends it: the source answers again."""
        if not outcome.quiet and outcome.decision is not Decision.FAILED:
            self.decided = outcome
        if outcome.decision is not Decision.FAILED and outcome.reason not in ("Suspended", "Resumed"):
            self.heard, self.heard_at = True, time.monotonic()
        self.serving = self.serving or outcome.applied is not None
        self.last = outcome

    def conditions(self) -> tuple[Condition, ...]:
        """Ready, Reconciling, Stalled as they stand; empty before the first reconcile."""
        if self.last is None:
            return ()
        spoken = self.last if self.last.decision is Decision.FAILED else self.decided or self.last
        return spoken.conditions()

    def as_json(self) -> dict[str, Json]:
        """What ``/readyz`` answers."""
        last, election = self.last, self.election() if self.election else None
        health = self.health()
        return {
            "serving": self.serving,
            "lastAttemptedRevision": str(last.attempted) if last and last.attempted else None,
            "lastAppliedRevision": str(last.applied) if last and last.applied else None,
            "conditions": [
                {"type": str(c.type), "status": c.status, "reason": c.reason, "message": c.message}
                for c in self.conditions()
            ],
            "suspended": health.suspended,
            "journal": {"trouble": health.journal, "unrecorded": health.unrecorded},
            "pages": {"trouble": health.pages},
            # Nor on these: what is served from a source stays served while it is away.
            "sources": [
                {
                    "source": source.name,
                    "failure": source.failure,
                    "dark": source.dark,
                    "staleSeconds": round(source.stale_s, 1),
                }
                for source in health.sources
            ],
            # Readiness does not hang on it: whoever follows serves, too.
            "election": {
                "leading": election.leads,
                "replica": election.identity,
                "leader": election.holder or None,
                "trouble": election.trouble,
            }
            if election
            else None,
        }
