"""What the pages and the API are given to show: values that nobody changes any more, and the journal to ask."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.blaming import Served
from reconciler.model.decision import Condition
from reconciler.model.effect import Ack, AckState
from reconciler.model.health import Health
from reconciler.model.leadership import Leadership
from reconciler.model.problem import Problem
from reconciler.model.provenance import Provenance
from reconciler.model.question import Answers
from reconciler.model.resource import ResourceId
from reconciler.model.source import Revision
from reconciler.model.table import RouteTable


@dataclass(frozen=True, slots=True)
class Envoy:
    """One connected Envoy.

    Attributes:
        protocol: ``delta`` or ``sotw``.
        acks: per type, how it stands to what is served; empty before anything is.
        pushes, accepted, rejected: of its stream.
    """

    node: str
    cluster: str
    user_agent: str
    protocol: str
    connected_since: datetime
    acks: tuple[Ack, ...]
    pushes: int = 0
    accepted: int = 0
    rejected: int = 0

    @property
    def state(self) -> AckState | None:
        """The word that matters most: one type that is rejected is not outweighed by others that are not."""
        states = {ack.state for ack in self.acks}
        worst_first = (AckState.NACKED, AckState.PENDING, AckState.UNKNOWN, AckState.ACKED)
        return next((state for state in worst_first if state in states), None)


@dataclass(frozen=True, slots=True)
class TargetView:
    """Where snapshots go.

    Attributes:
        exclusive: there is one of it for all replicas.
    """

    name: str
    exclusive: bool


@dataclass(frozen=True, slots=True)
class Live:
    """A controller at one moment.

    Attributes:
        moment: when that was.
        started_at: of this process.
        table: what is served.
        served: the revision of ``table``.
        attempted: the last revision tried.
        problems: of the last revision that was looked at.
        quarantined: what is not served as it is written, sorted; True: an older version of it is.
        looked_at: when the sources were last looked at; None before the first time.
        message: what the last decision says, in words.
    """

    moment: datetime
    started_at: datetime
    instance: str
    repository: str
    table: RouteTable
    served: Revision | None
    attempted: Revision | None
    problems: tuple[Problem, ...]
    quarantined: tuple[tuple[ResourceId, bool], ...]
    conditions: tuple[Condition, ...]
    looked_at: datetime | None
    message: str
    health: Health
    election: Leadership | None
    targets: tuple[TargetView, ...]
    envoys: tuple[Envoy, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request somebody would like to know the answer to; ``headers`` as ``NAME: VALUE``."""

    url: str
    method: str = "GET"
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Taker:
    """A route that takes ``percent`` of such requests, and what its answer is, in words."""

    id: ResourceId
    provenance: Provenance
    percent: int
    answer: str
    auth: str
    policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Miss:
    """A route that might have been meant, and what kept it from taking the request."""

    id: ResourceId
    provenance: Provenance
    reason: str


@dataclass(frozen=True, slots=True)
class Matched:
    """What becomes of a request.

    Attributes:
        served: whether a route or a guard answers it.
        answer: in words.
        listener, virtual_host: empty where there is none.
    """

    served: bool
    answer: str
    listener: str
    virtual_host: str
    takers: tuple[Taker, ...]
    misses: tuple[Miss, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """Everything behind the pages. Each function may be called from any thread.

    Attributes:
        answers: the journal, opened to be read only.
        live: the controller as it is now.
        match: what becomes of a request, by the table that is served; raises ValueError where the URL is none.
        worded: the fields of the routes of a table that have a name (``namespace/name``), as plans word them.
        key: what the journal's signatures are checked with; empty where nobody knows.
    """

    answers: Answers
    live: Callable[[], Live]
    match: Callable[[Asked], Matched]
    worded: Callable[[RouteTable, str], Served]
    key: str = ""
