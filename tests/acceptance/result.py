"""What a run of all cases leaves behind, to be judged."""

from dataclasses import dataclass, field

from reconciler.model.digest import Json
from tests.acceptance.case import Case
from tests.acceptance.clients import Answer
from tests.acceptance.sighting import Board


@dataclass(frozen=True, slots=True)
class Asked:
    """One sending of a request, and what came back."""

    id: str
    answer: Answer


@dataclass(slots=True)
class Result:
    """What came of a case.

    Attributes:
        why_not: it never got into an Envoy.
        asked: of each query, all its sendings.
        admin: what Envoy's admin interface said at last, one text per expectation of the case.
        access_log: of this case alone.
    """

    case: Case
    why_not: str = ""
    asked: list[list[Asked]] = field(default_factory=list)
    admin: list[str] = field(default_factory=list)
    access_log: str = ""


@dataclass(slots=True)
class Run:
    """Everything that was seen.

    Attributes:
        flags: Envoy's response flags of each request, by id.
        told: what special servers were told.
        deprecated: lines of Envoy's own log and statistics that speak of deprecation.
    """

    results: dict[str, Result] = field(default_factory=dict)
    board: Board = field(default_factory=Board)
    flags: dict[str, set[str]] = field(default_factory=dict)
    told: dict[str, list[Json]] = field(default_factory=dict)
    deprecated: list[str] = field(default_factory=list)
