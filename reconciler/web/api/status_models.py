"""What the API answers with about how the controller is, as types."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.web.view import Live


@dataclass(frozen=True, slots=True)
class ConditionModel:
    """Ready, Reconciling or Stalled, as kstatus has them."""

    type: str
    status: bool
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class SourceModel:
    """How one source is; `failure` is empty while it can be read."""

    name: str
    failure: str
    dark: bool
    stale_seconds: float


@dataclass(frozen=True, slots=True)
class JournalHealthModel:
    """Whether the journal can be written: `trouble` is empty while it can; `unrecorded` counts what it lacks yet."""

    trouble: str
    unrecorded: int


@dataclass(frozen=True, slots=True)
class AnchorHealthModel:
    """One place where checkpoints are left: `failure` and `differs` are empty while all is well.

    `differs` is an alarm: what is there was left by another journal than this one, or by what this one was before.
    """

    place: str
    records: int
    failure: str
    differs: str


@dataclass(frozen=True, slots=True)
class StatusModel:
    """The controller as it is now; `replica` answers, and has a journal of its own. Null: there are no others.

    `withheld` names what is not shown to you: empty and null say nothing of it then.
    """

    moment: datetime
    started_at: datetime
    instance: str
    repository: str
    served: str | None
    attempted: str | None
    looked_at: datetime | None
    message: str
    routes: int
    suspended: bool
    replica: str | None
    leading: bool | None
    leader: str | None
    conditions: list[ConditionModel]
    sources: list[SourceModel]
    journal: JournalHealthModel
    anchors: list[AnchorHealthModel]
    targets: list[str]
    withheld: list[str]

    @classmethod
    def of(cls, live: Live, withheld: Sequence[str]) -> "StatusModel":
        """A moment as JSON has it."""
        health = live.health
        return cls(
            moment=live.moment,
            started_at=live.started_at,
            instance=live.instance,
            repository=live.repository,
            served=str(live.served) if live.served else None,
            attempted=str(live.attempted) if live.attempted else None,
            looked_at=live.looked_at,
            message=live.message,
            routes=len(live.table.routes),
            suspended=live.health.suspended,
            replica=live.election.identity if live.election else None,
            leading=live.election.leads if live.election else None,
            leader=live.election.holder if live.election else None,
            conditions=[ConditionModel(str(c.type), c.status, c.reason, c.message) for c in live.conditions],
            sources=[SourceModel(s.name, s.failure, s.dark, round(s.stale_s, 1)) for s in health.sources],
            journal=JournalHealthModel(health.journal, health.unrecorded),
            anchors=[AnchorHealthModel(one.place, one.size, one.failure, one.differs) for one in health.anchors],
            targets=[target.name for target in live.targets],
            withheld=list(withheld),
        )
