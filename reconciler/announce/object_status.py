"""What the status of each custom resource is to say. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.announce.conditions import Stated, conditions_json
from reconciler.announce.discretion import told_to
from reconciler.announce.news import sentence
from reconciler.announce.notice import Subject, bounded
from reconciler.model.decision import Decision
from reconciler.model.digest import Json
from reconciler.model.outcome import Outcome
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.provenance import ObjectTouch, Provenance
from reconciler.model.resource import Resource
from reconciler.model.source import ObjectOp

_NOT_CUSTOM = {"Service", "Ingress", "ConfigMap"}
_MOST_REASON = 1024
_BY_CODE = {Code.CONFLICT: "Conflict", Code.NOT_OWNER: "NotOwner", Code.ENVOY_REJECTED: "EnvoyRejected"}


@dataclass(frozen=True, slots=True)
class ObjectStatus:
    """How one custom resource stands.

    Attributes:
        generation: that was looked at; 0 where it is not known.
        accepted: whether the document is taken as it is written.
        ready: whether it is served.
        reason, message: why not; ``Served`` where all is well.
    """

    subject: Subject
    generation: int
    accepted: bool
    ready: bool
    reason: str
    message: str = ""

    @property
    def stated(self) -> tuple[Stated, ...]:
        """Its conditions."""
        taken = Stated("Accepted", self.accepted, "Accepted" if self.accepted else self.reason, self.message)
        return taken, Stated("Ready", self.ready, self.reason, self.message)


def object_statuses(outcome: Outcome, served: Iterable[Resource]) -> dict[Subject, ObjectStatus]:
    """The status of every custom resource that has a say, by object.

    Args:
        outcome: of a reconcile that decided something.
        served: what is served after it.
    """
    found: dict[Subject, ObjectStatus] = {}
    standing = [(subject, place) for place in _places(served) if (subject := _custom(place))]
    for subject, place in standing:
        found[subject] = ObjectStatus(subject, _generation(place), accepted=True, ready=True, reason="Served")
    if outcome.decision in (Decision.REFUSED, Decision.ROLLED_BACK):
        for change in outcome.objects:
            place = Provenance(change.path, touch=change.touch)
            subject = _custom(place)
            if subject and change.op is not ObjectOp.REMOVED:
                why = outcome.reason or str(outcome.decision)
                generation = _generation(place)
                found[subject] = ObjectStatus(subject, generation, True, False, why, outcome.message)
    kept = {str(name) for name, older in outcome.quarantined if older}
    for subject, problems in _errors(outcome.problems).items():
        found[subject] = _broken(subject, problems, stands_in=problems[0].resource in kept)
    return found


def _places(served: Iterable[Resource]) -> Iterable[Provenance]:
    return (resource.origin.provenance for resource in served)


def _custom(place: Provenance) -> Subject | None:
    subject = Subject.of(place)
    return subject if subject and subject.kind not in _NOT_CUSTOM else None


def _generation(place: Provenance) -> int:
    return place.touch.generation if isinstance(place.touch, ObjectTouch) else 0


def _errors(problems: Iterable[Problem]) -> Mapping[Subject, list[Problem]]:
    found: defaultdict[Subject, list[Problem]] = defaultdict(list)
    for problem in problems:
        subject = _custom(problem.provenance) if problem.severity is Severity.ERROR else None
        if subject:
            found[subject].append(problem)
    return found


def _broken(subject: Subject, problems: list[Problem], *, stands_in: bool) -> ObjectStatus:
    first = problems[0]
    reason = _BY_CODE.get(first.code, "Quarantined" if stands_in else "Invalid")
    more = f" And {len(problems) - 1} more." if problems[1:] else ""
    older = ". Its last good version is served" if stands_in else ""
    message = f"{sentence(told_to(subject, first))}{older}.{more}"
    return ObjectStatus(subject, _generation(first.provenance), False, False, reason, message)


def status_json(status: ObjectStatus, before: Mapping[str, Json], now: datetime) -> dict[str, Json]:
    """The status for the API server: conditions, and what a peer writes, for those who read that.

    Args:
        status: how it stands.
        before: the status that the object has.
        now: the time of what changed.
    """
    conditions = conditions_json(status.stated, status.generation, before.get("conditions"), now)
    return {"conditions": conditions, **peer_json(status)}


def peer_json(status: ObjectStatus) -> dict[str, Json]:
    """What a peer's definitions of this kind have room for; empty for kinds to which it writes nothing."""
    words = bounded(f"{status.reason}: {status.message}" if status.message else status.reason, _MOST_REASON)
    match status.subject.kind:
        case "Mapping":
            return {"state": "Running" if status.ready else "Inactive", "reason": "" if status.ready else words}
        case "Host":
            failed: dict[str, Json] = {} if status.ready else {"errorReason": words}
            return {"state": "Ready" if status.ready else "Error"} | failed
    return {}


def differs(wanted: Mapping[str, Json], found: Mapping[str, Json]) -> bool:
    """Whether an object has another status than is wanted; fields of others don't count."""
    gone = {"errorReason"} if "state" in wanted else set()
    if any(wanted.get(name) != found.get(name) for name in {*wanted, *gone} - {"conditions"}):
        return True
    has = {str(one.get("type")): one for one in _list(found.get("conditions")) if isinstance(one, dict)}
    return any(has.get(str(one.get("type"))) != one for one in _list(wanted.get("conditions")) if isinstance(one, dict))


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
