"""What an outcome means to the people behind the objects it concerns: notices. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.announce.discretion import named_to, told_to
from reconciler.announce.notice import Notice, Subject, Weight, bounded
from reconciler.model.decision import Decision, Trigger
from reconciler.model.effect import Ack, AckState, Evidence
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Change, Op
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.provenance import Provenance
from reconciler.model.source import ObjectOp

CONFIG_MAP = "configmap:"
_MOST_NAMED = 5

_OF_REPOSITORY: Mapping[Decision, tuple[str, Weight]] = {
    Decision.APPLIED: ("Applied", Weight.NORMAL),
    Decision.PARTIAL: ("Partial", Weight.WARNING),
    Decision.REFUSED: ("Refused", Weight.WARNING),
    Decision.ROLLED_BACK: ("RolledBack", Weight.WARNING),
    Decision.FAILED: ("Failed", Weight.WARNING),
}


@dataclass(frozen=True, slots=True)
class News:
    """What there is to say after a reconcile.

    Attributes:
        standing: holds until another outcome says otherwise; to be said again from time to time.
        passing: happened once.
    """

    standing: tuple[Notice, ...]
    passing: tuple[Notice, ...]


def news(outcome: Outcome, repository: Subject | None, identity: str) -> News:
    """The notices of an outcome.

    Args:
        outcome: how a reconcile ended; a quiet one has nothing to say but for who leads.
        repository: the object that stands for the whole; None where there is none.
        identity: of this replica.
    """
    told: list[Notice] = []
    if repository and outcome.trigger is Trigger.LEADING:
        told.append(Notice(repository, Weight.NORMAL, "LeadershipChanged", "Lead", bounded(f"{identity} leads now")))
    if outcome.quiet:
        return News((), tuple(told))
    told += [*_drifted(outcome), *_applied(outcome)]
    if repository:
        told += _of_repository(outcome, repository)
    return News(tuple(_found(outcome)), tuple(told))


def _found(outcome: Outcome) -> Iterator[Notice]:
    """One notice for each object and reason, so that an annotation with thirty broken documents is one Event."""
    kept = {str(name) for name, older in outcome.quarantined if older}
    found: defaultdict[tuple[Subject, str, Weight], list[str]] = defaultdict(list)
    for problem in outcome.problems:
        judged = _judged(problem, stands_in=problem.resource in kept)
        if judged is None:
            continue
        reason, weight = judged
        if subject := Subject.of(problem.provenance):
            found[subject, reason, weight].append(sentence(told_to(subject, problem)))
        if problem.code is Code.CONFLICT:
            for other in filter(None, map(Subject.of, problem.related)):
                told = f"{named_to(other, problem)} {told_to(other, problem).message}"
                found[other, reason, Weight.NORMAL].append(told)
    for (subject, reason, weight), texts in found.items():
        listed = " ".join(f"({number}) {text}" for number, text in enumerate(texts[:_MOST_NAMED], 1))
        note = texts[0] if len(texts) == 1 else f"{len(texts)} findings: {listed}"
        yield Notice(subject, weight, reason, "Validate", bounded(note))


def _judged(problem: Problem, *, stands_in: bool) -> tuple[str, Weight] | None:
    """Reason and weight of a finding; None for what is for the log alone."""
    match problem.code:
        case Code.SHADOWED:
            return "Shadowed", Weight.NORMAL
        case Code.CONFLICT:
            return "Conflict", Weight.WARNING
        case Code.NOT_OWNER:
            return "NotOwner", Weight.WARNING
    if problem.severity is not Severity.ERROR:
        return None
    if problem.code is Code.ENVOY_REJECTED:
        return "EnvoyRejected", Weight.WARNING
    return ("Quarantined" if stands_in else "Invalid"), Weight.WARNING


def sentence(problem: Problem) -> str:
    """A finding without its place, which the object says that the Event is about."""
    subject = f"{problem.resource}: " if problem.resource else ""
    line = f" (line {problem.provenance.line})" if problem.provenance.line else ""
    at = f" at {problem.field}" if problem.field else ""
    want = f"; expected {problem.expected}" if problem.expected else ""
    have = f", got {problem.got}" if problem.got else ""
    hint = f". {problem.hint}" if problem.hint else ""
    return f"[{problem.code}] {subject}{problem.message}{at}{line}{want}{have}{hint}"


def _drifted(outcome: Outcome) -> Iterator[Notice]:
    for drift in outcome.drift:
        subject = config_map(drift.target)
        if subject is None:
            continue
        by = f", by {drift.by}" if drift.by else ""
        at = f" at {drift.at:%Y-%m-%dT%H:%M:%SZ}" if drift.at else ""
        again = "put back" if outcome.decision in (Decision.APPLIED, Decision.PARTIAL) else "not put back yet"
        yield Notice(subject, Weight.WARNING, "Drift", "Heal", bounded(f"{drift.what}{by}{at}; {again}"))


def config_map(target: str) -> Subject | None:
    """The ConfigMap of a target; None for another target."""
    namespace, _, name = target.removeprefix(CONFIG_MAP).partition("/")
    return Subject("ConfigMap", namespace, name) if target.startswith(CONFIG_MAP) else None


def _applied(outcome: Outcome) -> Iterator[Notice]:
    """To each object whose documents changed, that they are served as written, and by whom."""
    if outcome.decision not in (Decision.APPLIED, Decision.PARTIAL):
        return
    broken = {p.provenance.path for p in outcome.problems if p.severity is Severity.ERROR}
    gone = {change.path for change in outcome.objects if change.op is ObjectOp.REMOVED}
    changes: defaultdict[str, list[str]] = defaultdict(list)
    subjects: dict[str, Subject] = {}
    for place, words in (*_routes(outcome), *_objects(outcome)):
        subject = Subject.of(place)
        if subject is not None and place.path not in gone and place.path not in broken:
            subjects[place.path] = subject
            changes[place.path] += words
    served = served_by(outcome.acks)
    entry = f"; journal entry {outcome.sequence}" if outcome.sequence else ""
    for path, words in changes.items():
        named = ", ".join(words[:_MOST_NAMED]) + (
            f" and {len(words) - _MOST_NAMED} more" if words[_MOST_NAMED:] else ""
        )
        note = f"{named + ': ' if named else ''}{served}{entry}"
        yield Notice(subjects[path], Weight.NORMAL, "Applied", "Apply", bounded(note))


def _routes(outcome: Outcome) -> Iterator[tuple[Provenance, list[str]]]:
    for change in outcome.plan.changes if outcome.plan else ():
        place = change.before if change.op is Op.DELETE else change.after
        if place is not None:
            yield place, [_verb(change)]


def _verb(change: Change) -> str:
    done = {Op.CREATE: "created", Op.UPDATE: "changed", Op.DELETE: "removed"}[change.op]
    return f"{change.id} {done}"


def _objects(outcome: Outcome) -> Iterator[tuple[Provenance, list[str]]]:
    """What has no routes of its own, such as a Host."""
    for change in outcome.objects:
        yield Provenance(change.path, touch=change.touch), []


def served_by(acks: Iterable[Ack]) -> str:
    """Who holds what was applied, in words."""
    acks = tuple(acks)
    envoys: dict[tuple[str, str], bool] = {}
    for ack in acks:
        if ack.evidence in (Evidence.STREAM, Evidence.ADMIN):
            node = ack.target, ack.node
            envoys[node] = envoys.get(node, True) and ack.state is AckState.ACKED
    words = []
    if envoys:
        acked = sum(envoys.values())
        of = f" of {len(envoys)}" if acked < len(envoys) else ""
        words.append(f"served by {acked}{of} Envoy{'' if len(envoys) == 1 else 's'}")
    written = sorted({ack.target for ack in acks if ack.evidence not in (Evidence.STREAM, Evidence.ADMIN)})
    words += [f"written to {_target(target)}" for target in written]
    return "; ".join(words) or "applied; no Envoy was connected"


def _target(target: str) -> str:
    found = config_map(target)
    return found.place if found else target


def _of_repository(outcome: Outcome, repository: Subject) -> Iterator[Notice]:
    if outcome.reason in ("Suspended", "Resumed"):
        yield Notice(repository, Weight.NORMAL, outcome.reason, "Suspend", bounded(outcome.message))
        return
    if outcome.decision not in _OF_REPOSITORY:
        return
    reason, weight = _OF_REPOSITORY[outcome.decision]
    counted = ""
    if outcome.plan and not outcome.plan.empty:
        ops: Callable[[Op], int] = outcome.plan.count
        counted = f"{ops(Op.CREATE)} created, {ops(Op.UPDATE)} changed, {ops(Op.DELETE)} removed"
    why = f"{outcome.reason}: {outcome.message}" if outcome.reason else outcome.message
    served = served_by(outcome.acks) if outcome.decision in (Decision.APPLIED, Decision.PARTIAL) else ""
    revision = str(outcome.attempted) if outcome.attempted and outcome.decision is not Decision.FAILED else ""
    entry = f"journal entry {outcome.sequence}" if outcome.sequence else ""
    note = "; ".join(filter(None, (revision, counted, why, served, entry)))
    yield Notice(repository, weight, reason, "Reconcile", bounded(note))
