"""What the journal records: intent before, result after, each commit-linked."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reconciler.model.check import Check
from reconciler.model.controller import NOBODY, Controller
from reconciler.model.decision import Decision, Trigger
from reconciler.model.digest import Digest, Json
from reconciler.model.effect import Ack, Drift, Placed
from reconciler.model.happening import Actor
from reconciler.model.plan import Plan
from reconciler.model.problem import Problem
from reconciler.model.resource import Origin, ResourceId
from reconciler.model.review import Review
from reconciler.model.source import Commit, ObjectChange, Revision


class Event(StrEnum):
    """What a record is about.

    An apply is two records: ``INTENT`` before anything is touched, then ``RESULT``, which names the
    sequence of its intent. ``DECISION`` stands alone: nothing was touched (Unchanged, Refused, Failed).
    ``INTERRUPTED`` closes an intent whose process died. ``NOTE`` tells of something else, see `Happening`.
    """

    JOURNAL_STARTED = "journal-started"
    INTENT = "intent"
    RESULT = "result"
    DECISION = "decision"
    INTERRUPTED = "interrupted"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a reconcile set out to do.

    Attributes:
        started_at: when the reconcile began.
        fetched_at: when the revision had been read for this attempt; None where it is about what is served already.
        previous: the revision last applied, None before the first.
        commits_omitted: how many commits more there are than ``commits_in_range`` lists.
        objects: what differs in the cluster from what was last applied, as far as that is known; capped.
        drift: who else changed the targets meanwhile, as far as they can tell; it is undone.
        unrecorded: the targets that hold what we applied while the journal could not be written; nobody changed them.
        controller: who attempts it.
        review: how the commit came in; None where nobody asked.
        actor: who wished for it, where it was somebody.
        allowed_by: who lifted the plan's refusals.
    """

    trigger: Trigger
    started_at: datetime
    fetched_at: datetime | None
    repository: str
    revision: Revision | None
    previous: Revision | None
    commit: Commit | None
    commits_in_range: tuple[Commit, ...]
    fast_forward: bool | None
    plan: Plan
    config_digest: Digest
    tool_version: str
    objects: tuple[ObjectChange, ...] = ()
    drift: tuple[Drift, ...] = ()
    unrecorded: tuple[str, ...] = ()
    controller: Controller = NOBODY
    review: Review | None = None
    actor: Actor | None = None
    allowed_by: Actor | None = None
    commits_omitted: int = 0


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How it ended.

    Attributes:
        reason: CamelCase, e.g. ``InvalidMapping``; empty when all is well.
        plan: the plan that was really applied; differs from the attempt's after a rollback or quarantine.
        rejections: what Envoys rejected before the rest was applied; each was rolled back.
        quarantined: resources whose change is not served, with whether an older version of them is.
        served: the revision whose content is now served (with the quarantined exceptions).
        written_at: when the last target had been written, before the wait for acknowledgements; None: not known.
        ran: the checks that are known to have been made.
        versions: of what is served now, by xDS type; empty where nothing was sent.
        placed: the objects that targets wrote.
    """

    decision: Decision
    reason: str
    message: str
    finished_at: datetime
    plan: Plan
    acks: tuple[Ack, ...]
    problems: tuple[Problem, ...]
    quarantined: tuple[tuple[ResourceId, bool], ...]
    served: Revision | None
    written_at: datetime | None = None
    rejections: tuple[Ack, ...] = ()
    ran: frozenset[Check] = frozenset()
    versions: tuple[tuple[str, str], ...] = ()
    placed: tuple[Placed, ...] = ()


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents behind what is served: all of them, and how they differ from others.

    Attributes:
        all: gives them; asked only where it isn't known how they differ from those that were recorded last.
        token: tells them from all others of this process.
        base: the token of those they were made from; None where they were not made from any.
        changed: by identity what differs from those, None for what is gone.
    """

    all: Callable[[], Iterable[Origin]]
    token: object = None
    base: object = None
    changed: Mapping[ResourceId, Origin | None] = field(default_factory=dict)

    @classmethod
    def of(cls, origins: Sequence[Origin]) -> "Documents":
        """These and no others."""
        return cls(lambda: origins)


@dataclass(frozen=True, slots=True)
class Served:
    """What was last applied, as the journal's database holds it: enough to rebuild it without Git.

    Attributes:
        origins: the documents behind every served resource, sorted by identity.
        digest: snapshot digest they rendered to.
    """

    revision: Revision | None
    origins: tuple[Origin, ...]
    digest: Digest | None


NOTHING_SERVED = Served(None, (), None)


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One record of the hash chain.

    Attributes:
        sequence: from 1, without gaps.
        body: the whole record but its own hash, as JSON; holds ``sequence``, ``time``, ``event`` and
            ``previous`` (hash of the record before; ``sha256:`` and 64 zeros for the first) besides its facts.
        hash: ``sha256:`` of the canonical JSON of ``body``.
        intact: as far as one record alone can tell; False where ``body`` has not this hash, or is missing though
            retention did not delete it: what it says is no evidence.
    """

    sequence: int
    time: datetime
    event: Event
    body: dict[str, Json]
    hash: Digest
    intact: bool = True


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome of checking the chain.

    Attributes:
        records: how many verified.
        bad: sequence of the first record that does not verify; 0 when every record does, but not the database around
            them; None when everything verifies.
        finding: what is wrong with it, in words; empty when everything verifies.
        head: hash of the last record, None for an empty or broken journal.
    """

    records: int
    bad: int | None
    finding: str
    head: Digest | None
