"""What the other replicas are told after each reconcile. Pure."""

from dataclasses import dataclass, replace

from reconciler.following import standing_of
from reconciler.model.decision import Decision
from reconciler.model.outcome import Outcome
from reconciler.model.source import Revision
from reconciler.model.standing import Published, RefusedRevision, Standing
from reconciler.state import State

_LONGEST = 1_000


@dataclass(slots=True)
class Publishing:
    """Remembers what stands, while a newer revision is refused."""

    _stands: Published = None
    _refused: RefusedRevision | None = None

    def after(self, outcome: Outcome, state: State, heard: Published) -> Published:
        """What to tell; None for nothing new.

        Args:
            outcome: of the last reconcile.
            state: what it left.
            heard: what others have published.
        """
        standing = standing_of(state)
        if standing is not None:
            self._stands, self._refused = standing, None
            return standing
        if outcome.decision is Decision.REFUSED and not state.obeyed and outcome.attempted and outcome.plan:
            message = outcome.message[:_LONGEST]
            self._refused = RefusedRevision(outcome.attempted, outcome.reason, message, outcome.plan.digest)
        if self._refused is None or self._refused.revision != state.attempted or state.revision is None:
            return None
        return replace(self._served(state.revision, heard), refused=self._refused)

    def _served(self, revision: Revision, heard: Published) -> Standing:
        """What stands in for what is quarantined of the revision that is served, as far as anybody remembers."""
        known = (one for one in (self._stands, heard) if one is not None and one.revision == revision)
        return next(known, Standing(revision))
