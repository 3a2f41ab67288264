"""Getting a snapshot accepted by all targets."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from reconciler.model.digest import Digest
from reconciler.model.effect import UNNAMED, Ack, AckState, Drift, Evidence, Release
from reconciler.model.errors import Stalled
from reconciler.model.snapshot import EMPTY_SNAPSHOT, Snapshot, TypeUrl
from reconciler.rollout import roll_out
from tests.support.journals import NOON, Clock
from tests.support.routing import ONE, cluster, snapshot

DESIRED = snapshot([ONE], cluster("one"))


@dataclass
class Silent:
    """A target whose Envoy goes without a word, as one does that its configuration brings down."""

    states: tuple[AckState, ...]
    held: list[Snapshot] = field(default_factory=list)
    name: str = "silent"
    exclusive: bool = False

    def observe(self) -> Digest | None:
        """What was put last."""
        return self.held[-1].digest if self.held else None

    def apply(self, snapshot: Snapshot, _release: Release = UNNAMED) -> tuple[Ack, ...]:
        """Takes it and says of it what it was made to say."""
        self.held.append(snapshot)
        version = snapshot[TypeUrl.ROUTE].version
        return tuple(Ack("xds", "n", TypeUrl.ROUTE, version, state, Evidence.NONE, "") for state in self.states)

    def drift(self) -> tuple[Drift, ...]:
        """Nobody else writes it."""
        return ()

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


@dataclass
class Gone(Silent):
    """A target that can't be written."""

    def apply(self, _snapshot: Snapshot, _release: Release = UNNAMED) -> tuple[Ack, ...]:
        """Never."""
        raise Stalled("Gone", "the namespace is not there")


def test_a_target_that_cannot_be_written_keeps_the_others_from_nothing() -> None:
    """The others get what is new; then the failure is told, so that it is tried again."""
    other = Silent((AckState.ACKED,))
    with pytest.raises(Stalled, match="the namespace is not there"):
        roll_out([Gone(()), other], DESIRED, EMPTY_SNAPSHOT, lambda _snapshot: "")
    assert other.held == [DESIRED]


def test_what_one_rejects_is_taken_back_though_another_cannot_be_written() -> None:
    """Rolling back reaches every target behind the one that fails, too."""
    rejecting = Silent((AckState.NACKED,))
    with pytest.raises(Stalled):
        roll_out([Gone(()), rejecting], DESIRED, EMPTY_SNAPSHOT, lambda _snapshot: "")
    assert rejecting.held == [DESIRED, EMPTY_SNAPSHOT]


def test_targets_are_told_what_it_is_for() -> None:
    """The new snapshot goes out under its release, what is put back under the one before."""
    told: list[int | None] = []

    @dataclass
    class Listening(Silent):
        def apply(self, snapshot: Snapshot, release: Release = UNNAMED) -> tuple[Ack, ...]:
            """Notes it."""
            told.append(release.entry)
            return super().apply(snapshot, release)

    target = Listening((AckState.NACKED,))
    roll_out([target], DESIRED, EMPTY_SNAPSHOT, lambda _snapshot: "", Release(entry=1), Release(entry=2))
    assert told == [1, 2]


@dataclass
class Telling(Silent):
    """A target that tells when it holds what it got, and only then waits."""

    clock: Clock = field(default_factory=Clock)

    def apply(self, snapshot: Snapshot, release: Release = UNNAMED) -> tuple[Ack, ...]:
        """Tells before a wait of a second."""
        release.written()
        self.clock()
        return super().apply(snapshot, release)


@pytest.mark.parametrize(
    ("targets", "complaint", "written_at"),
    [
        ([Telling, Telling], "", NOON + timedelta(seconds=3)),
        ([Telling, Silent], "", None),
        ([Telling], "it would crash", None),
    ],
)
def test_when_it_was_written_is_told_by_targets_alone(
    targets: list[type[Silent]], complaint: str, written_at: datetime | None
) -> None:
    """The last of them says when, before its wait; where one is silent, or it was taken back, nobody knows."""
    clock = Clock()
    made = [kind((), clock=clock) if kind is Telling else kind(()) for kind in targets]
    done = roll_out(made, DESIRED, EMPTY_SNAPSHOT, lambda _snapshot: complaint, clock=clock)
    assert done.written_at == written_at
