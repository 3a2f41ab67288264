"""Getting a snapshot accepted by all targets."""

from dataclasses import dataclass, field

import pytest

from reconciler.model.digest import Digest
from reconciler.model.effect import Ack, AckState, Evidence
from reconciler.model.snapshot import EMPTY_SNAPSHOT, Snapshot, TypeUrl
from reconciler.rollout import roll_out
from tests.support.routing import ONE, cluster, snapshot

DESIRED = snapshot([ONE], cluster("one"))


@dataclass
class Silent:
    """A target whose Envoy goes without a word, as one does that its configuration brings down."""

    states: tuple[AckState, ...]
    held: list[Snapshot] = field(default_factory=list)
    name: str = "silent"

    def observe(self) -> Digest | None:
        """What was put last."""
        return self.held[-1].digest if self.held else None

    def apply(self, snapshot: Snapshot) -> tuple[Ack, ...]:
        """Takes it and says of it what it was made to say."""
        self.held.append(snapshot)
        version = snapshot[TypeUrl.ROUTE].version
        return tuple(Ack("xds", "n", TypeUrl.ROUTE, version, state, Evidence.NONE, "") for state in self.states)

    def close(self) -> None:
        """Nothing is held open."""


@pytest.mark.parametrize("states", [(), (AckState.PENDING,), (AckState.ACKED, AckState.PENDING)])
def test_where_nobody_answers_the_check_does(states: tuple[AckState, ...]) -> None:
    """Its complaint takes everything back, as a rejection does."""
    target = Silent(states)
    done = roll_out([target], DESIRED, EMPTY_SNAPSHOT, lambda _snapshot: "it would crash")
    assert done.rejection == "it would crash"
    assert target.held == [DESIRED, EMPTY_SNAPSHOT]


def test_where_envoys_answer_the_check_is_not_asked() -> None:
    """Their word is enough."""
    target = Silent((AckState.ACKED,))
    assert not roll_out([target], DESIRED, EMPTY_SNAPSHOT, lambda _snapshot: "never asked").rejection
    assert target.held == [DESIRED]
