"""One reconcile, top to bottom. Read this first.

    fetch → load → merge → build → render → check → diff → record intent → apply → record result

The pure middle, files in and Envoy resources out, is `reconciler.compile`; `reconcile_once` puts the edges around it.
Nothing here waits, retries or remembers: the loop does, with the `State` that is handed in and out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from reconciler import __version__
from reconciler.apply import Target
from reconciler.audit import Journal
from reconciler.compile import NOTHING, Compiled, Options, compile_routes, load_source, plan_change
from reconciler.model.audit import Attempt, Conclusion
from reconciler.model.decision import Decision, Trigger
from reconciler.model.digest import Digest
from reconciler.model.effect import Ack
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Plan
from reconciler.model.problem import Problem
from reconciler.model.resource import Origin, ResourceId
from reconciler.model.snapshot import Snapshot
from reconciler.model.source import Revision, SourceSnapshot
from reconciler.resources import Loaded, load_origins
from reconciler.rollout import Attempted, Rollout, accept, roll_out
from reconciler.sources import Source
from reconciler.verdict import Verdict, after_applying, before_applying


@dataclass(frozen=True, slots=True)
class Edges:
    """The outside world, each part behind its door. ``complain`` is Envoy's check: its words, empty if it accepts."""

    source: Source
    targets: tuple[Target, ...]
    journal: Journal
    complain: Callable[[Snapshot], str]
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class State:
    """What one reconcile leaves for the next.

    Attributes:
        applied: what is served.
        revision: the revision of ``applied``.
        attempted: the last revision tried.
        held: resources Envoy rejected, by identity and digest of the document it rejected.
    """

    applied: Compiled = NOTHING
    revision: Revision | None = None
    attempted: Revision | None = None
    held: Mapping[tuple[ResourceId, Digest], Problem] = field(default_factory=dict)


def reconcile_once(edges: Edges, options: Options, state: State, trigger: Trigger) -> tuple[Outcome, State]:
    """Brings what is served to what the repository says, as far as that is safe, and records it.

    Args:
        edges: source, targets, journal, check and clock.
        options: see `Options`.
        state: what the last reconcile left.
        trigger: why this one runs.

    Raises:
        Stalled, Transient: an edge failed; what is served is as before, or as the journal's open intent says.
    """
    started_at = edges.clock()
    source = edges.source.fetch(state.revision)
    drifted = any(target.observe() != state.applied.snapshot.digest for target in edges.targets)
    if source.revision == state.attempted:
        if drifted and state.revision is not None:
            return _heal(edges, options, source, state, started_at)
        return _nothing_new(edges, trigger, started_at, state), state
    fetched_at = edges.clock()

    loaded = load_source(source, options)
    change = _change(source, loaded, options, state)
    checked = accept(change, lambda compiled: edges.complain(compiled.snapshot))
    desired = checked.compiled or change.whole
    plan = plan_change(state.applied, desired, options, goes_on(source, state))
    verdict = before_applying(
        plan,
        desired.problems,
        "" if checked.compiled else checked.complaint,
        drifted=drifted,
        dry_run=not edges.targets,
        refuse_invalid=options.refuse_invalid,
    )
    attempt = Attempt(
        trigger=Trigger.DRIFT if drifted and plan.empty and source.revision == state.revision else trigger,
        started_at=started_at,
        fetched_at=fetched_at,
        repository=edges.source.describe,
        revision=source.revision,
        previous=state.revision,
        commit=source.commit,
        commits_in_range=source.commits_in_range,
        fast_forward=goes_on(source, state),
        plan=plan,
        config_digest=options.config_digest,
        tool_version=__version__,
    )
    if verdict:
        return _record_untouched(edges, attempt, desired, verdict, state)
    return _apply(edges, options, attempt, replace(change, whole=desired, held=checked.held), state)


def witness(edges: Edges, options: Options, state: State, acks: tuple[Ack, ...]) -> Outcome:
    """Records what an Envoy that connected later rejects of what the others serve. It keeps what it had, as do they.

    Raises:
        Transient: the journal can't be written.
    """
    at = edges.clock()
    attempt = Attempt(
        trigger=Trigger.LATE_NACK,
        started_at=at,
        fetched_at=at,
        repository=edges.source.describe,
        revision=state.revision,
        previous=state.revision,
        commit=None,
        commits_in_range=(),
        fast_forward=None,
        plan=plan_change(state.applied, state.applied, options, fast_forward=None),
        config_digest=options.config_digest,
        tool_version=__version__,
    )
    nodes = ", ".join(sorted({ack.node for ack in acks}))
    verdict = Verdict(Decision.PARTIAL, "EnvoyRejected", f"rejected later by {nodes}: {acks[0].detail}")
    conclusion = _conclusion(edges, verdict, attempt.plan, acks, state.applied, state)
    return Outcome.concluded(attempt, conclusion, edges.journal.decide(attempt, conclusion))


def record_failure(edges: Edges, options: Options, state: State, failed: Outcome) -> int:
    """Records a reconcile that could not even begin: a revision that can't be read, a source that does not answer.

    Returns:
        The sequence of the record.

    Raises:
        Transient: the journal can't be written.
    """
    attempt = Attempt(
        trigger=failed.trigger,
        started_at=failed.started_at,
        fetched_at=failed.finished_at,
        repository=edges.source.describe,
        revision=None,
        previous=state.revision,
        commit=None,
        commits_in_range=(),
        fast_forward=None,
        plan=plan_change(state.applied, state.applied, options, fast_forward=None),
        config_digest=options.config_digest,
        tool_version=__version__,
    )
    verdict = Verdict(failed.decision, failed.reason, failed.message)
    return edges.journal.decide(attempt, _conclusion(edges, verdict, attempt.plan, (), NOTHING, state))


def restore(journal: Journal, options: Options) -> State:
    """What the journal says is served, compiled again from the documents it kept: no Git is needed.

    Raises:
        Transient: the journal can't be read.
    """
    served = journal.served()
    if not served.origins:
        return State(revision=served.revision)
    loaded = load_origins(served.origins, limits=options.limits, ambassador_id=options.ambassador_id)
    compiled = compile_routes(SourceSnapshot(None, None, ()), loaded, options)
    return State(applied=compiled, revision=served.revision)


def goes_on(source: SourceSnapshot, state: State) -> bool | None:
    """False when the history was rewritten; None where there is nothing to compare.

    Only the same branch or tag can say so: another one is another history.
    """
    same_pointer = source.revision and state.revision and source.revision.pointer == state.revision.pointer
    return source.fast_forward if same_pointer else None


def _change(source: SourceSnapshot, loaded: Loaded, options: Options, state: State) -> Attempted[Compiled]:
    """The whole change, and what Envoy may still reject of it: every resource whose document is new."""
    compile_with = partial(compile_routes, source, loaded, options, state.applied.resources)
    served = {resource.origin.id: resource.origin.document for resource in state.applied.resources}
    origins = {resource.origin.id: resource.origin for resource in loaded.resources}
    held = {o.id: problem for o in origins.values() if (problem := state.held.get((o.id, o.digest)))}
    suspects = {o.id: o for o in origins.values() if o.id not in held and served.get(o.id) != o.document}
    return Attempted(compile_with(held), compile_with, suspects, held)


def _apply(
    edges: Edges, options: Options, attempt: Attempt, change: Attempted[Compiled], state: State
) -> tuple[Outcome, State]:
    """Intent; apply, rolling back and leaving out what Envoy rejects; result."""
    rollouts: list[Rollout] = []

    def apply(compiled: Compiled) -> str:
        rollouts.append(roll_out(edges.targets, compiled.snapshot, state.applied.snapshot))
        return rollouts[-1].rejection

    abandoned = edges.journal.unfinished()
    if abandoned is not None:
        edges.journal.interrupt(abandoned)  # its result could not be written; this attempt takes its place
    sequence = edges.journal.intend(attempt)
    accepted = accept(change, apply)
    remembered = {key: problem for key, problem in state.held.items() if key[0] in change.held}
    for name in accepted.held.keys() & change.suspects.keys():
        remembered[name, change.suspects[name].digest] = accepted.held[name]
    after = State(
        applied=accepted.compiled or state.applied,
        revision=attempt.revision if accepted.compiled else state.revision,
        attempted=attempt.revision,
        held=remembered,
    )
    found = accepted.compiled or change.compile_with(accepted.held)
    acks = rollouts[-1].acks
    verdict = after_applying(found.problems, acks, accepted.complaint, anything_accepted=bool(accepted.compiled))
    applied = plan_change(state.applied, after.applied, options, fast_forward=None)
    conclusion = _conclusion(edges, verdict, applied, acks, found, after)
    if accepted.complaint:
        conclusion = replace(conclusion, rejections=rollouts[0].nacks)
    edges.journal.conclude(sequence, conclusion, _origins(after.applied), after.applied.snapshot.digest)
    return Outcome.concluded(attempt, conclusion, sequence), after


def _heal(
    edges: Edges, options: Options, source: SourceSnapshot, state: State, started_at: datetime
) -> tuple[Outcome, State]:
    """Puts back what was last applied where a target holds something else. What was refused stays refused."""
    attempt = Attempt(
        trigger=Trigger.DRIFT,
        started_at=started_at,
        fetched_at=edges.clock(),
        repository=edges.source.describe,
        revision=state.revision,
        previous=state.revision,
        commit=source.commit if source.revision == state.revision else None,
        commits_in_range=(),
        fast_forward=None,
        plan=plan_change(state.applied, state.applied, options, fast_forward=None),
        config_digest=options.config_digest,
        tool_version=__version__,
    )
    as_it_was = Attempted(state.applied, lambda _held: state.applied, {}, {})
    outcome, healed = _apply(edges, options, attempt, as_it_was, state)
    return outcome, replace(healed, attempted=state.attempted, held=state.held)


def _record_untouched(
    edges: Edges, attempt: Attempt, desired: Compiled, verdict: Verdict, state: State
) -> tuple[Outcome, State]:
    """One record for a revision that touches no target: refused, tried only, or the same in effect as before."""
    same_routes = verdict.decision not in (Decision.REFUSED, Decision.DRY_RUN)
    after = replace(state, attempted=attempt.revision)
    if same_routes:
        after = replace(after, applied=desired, revision=attempt.revision)
    conclusion = _conclusion(edges, verdict, attempt.plan, (), desired, after)
    origins = _origins(desired) if same_routes else None
    sequence = edges.journal.decide(attempt, conclusion, origins, desired.snapshot.digest)
    return Outcome.concluded(attempt, conclusion, sequence), after


def _conclusion(
    edges: Edges, verdict: Verdict, plan: Plan, acks: tuple[Ack, ...], found: Compiled, after: State
) -> Conclusion:
    return Conclusion(
        decision=verdict.decision,
        reason=verdict.reason,
        message=verdict.message,
        finished_at=edges.clock(),
        plan=plan,
        acks=acks,
        problems=found.problems,
        quarantined=found.quarantined,
        served=after.revision,
    )


def _origins(compiled: Compiled) -> list[Origin]:
    return [resource.origin for resource in compiled.resources]


def _nothing_new(edges: Edges, trigger: Trigger, started_at: datetime, state: State) -> Outcome:
    return Outcome(
        trigger,
        Decision.UNCHANGED,
        started_at,
        edges.clock(),
        attempted=state.attempted,
        applied=state.revision,
        quiet=True,
    )
