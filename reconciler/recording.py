"""What goes into the journal beside an apply: what touched nothing, what failed, what was learnt late."""

from bisect import bisect_left
from dataclasses import replace
from datetime import datetime
from operator import attrgetter

from reconciler import __version__
from reconciler.compile import NOTHING, Compiled, Options, plan_change
from reconciler.model.audit import Attempt, Conclusion, Documents
from reconciler.model.check import COMPILED, Check
from reconciler.model.decision import Decision, Trigger
from reconciler.model.effect import Ack
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Plan
from reconciler.model.resource import Origin, ResourceId
from reconciler.model.snapshot import TypeUrl
from reconciler.model.source import SourceSnapshot
from reconciler.state import Edges, State, goes_on
from reconciler.verdict import Verdict

_ORIGIN = attrgetter("origin")
_ID = attrgetter("origin.id")
_NO_PLAN = replace(plan_change(NOTHING, NOTHING, Options(), fast_forward=None), refusals=())


def of_revision(
    edges: Edges, options: Options, state: State, source: SourceSnapshot, trigger: Trigger, started_at: datetime
) -> Attempt:
    """An attempt at a revision that has just been fetched; what it plans is still to come."""
    return replace(
        _attempt(edges, options, state, _really(trigger, source, state), started_at, _NO_PLAN),
        fetched_at=edges.clock(),
        revision=source.revision,
        commit=source.commit,
        commits_in_range=source.commits_in_range,
        commits_omitted=source.commits_omitted,
        objects=source.objects,
        fast_forward=goes_on(source, state),
    )


def _really(trigger: Trigger, source: SourceSnapshot, state: State) -> Trigger:
    """A poll may find that it was the cluster that changed, and a look at the cluster a commit."""
    by_chance = (Trigger.NEW_REVISION, Trigger.ANNOTATION_CHANGED, Trigger.FOLLOWING)
    if trigger not in by_chance or not source.revision or not state.attempted:
        return trigger
    if source.revision.commit != state.attempted.commit:
        return Trigger.NEW_REVISION
    return trigger if source.revision.cluster == state.attempted.cluster else Trigger.ANNOTATION_CHANGED


def standing(edges: Edges, options: Options, state: State, trigger: Trigger, started_at: datetime) -> Attempt:
    """An attempt that is about what is served already, not about a new revision."""
    unchanged = plan_change(state.applied, state.applied, options, fast_forward=None)
    return _attempt(edges, options, state, trigger, started_at, unchanged)


def _attempt(
    edges: Edges, options: Options, state: State, trigger: Trigger, started_at: datetime, plan: Plan
) -> Attempt:
    return Attempt(
        trigger=trigger,
        started_at=started_at,
        fetched_at=None,
        repository=edges.source.describe,
        revision=state.revision,
        previous=state.revision,
        commit=None,
        commits_in_range=(),
        fast_forward=None,
        plan=plan,
        config_digest=options.config_digest,
        tool_version=__version__,
        controller=edges.controller,
        allowed_by=options.allowed_by,
    )


def record_untouched(
    edges: Edges, attempt: Attempt, desired: Compiled, verdict: Verdict, state: State
) -> tuple[Outcome, State]:
    """One record for a revision that touches no target: refused, tried only, or the same in effect as before."""
    same_routes = verdict.decision not in (Decision.REFUSED, Decision.DRY_RUN)
    after = replace(state, attempted=attempt.revision)
    if same_routes:
        after = replace(after, applied=desired, revision=attempt.revision, unguarded=False)
    conclusion = conclude(edges, verdict, attempt.plan, (), desired, after, checked(edges, desired))
    if same_routes and attempt.revision == state.revision:
        # Seen before, e.g. by the `sync` of a minute ago: the journal has it.
        return Outcome.concluded(attempt, conclusion, None), after
    documents = documents_of(desired) if same_routes else None
    sequence = edges.clerk.decide(attempt, conclusion, documents, desired.snapshot.digest)
    return Outcome.concluded(attempt, conclusion, sequence or None), after


def witness(edges: Edges, options: Options, state: State, acks: tuple[Ack, ...]) -> Outcome:
    """Records what an Envoy that connected later rejects of what the others serve. It keeps what it had, as do they.

    Raises:
        Transient: the journal can't be written.
    """
    attempt = standing(edges, options, state, Trigger.LATE_NACK, edges.clock())
    nodes = ", ".join(sorted({ack.node for ack in acks}))
    verdict = Verdict(Decision.PARTIAL, "EnvoyRejected", f"rejected later by {nodes}: {acks[0].detail}")
    conclusion = conclude(edges, verdict, attempt.plan, acks, state.applied, state)
    return Outcome.concluded(attempt, conclusion, edges.clerk.decide(attempt, conclusion) or None)


def record_failure(edges: Edges, options: Options, state: State, failed: Outcome) -> int | None:
    """Records a reconcile that could not even begin: a revision that can't be read, a source that does not answer.

    Returns:
        The sequence of the record; None where it goes on without.

    Raises:
        Transient: the journal can't be written.
    """
    attempt = replace(standing(edges, options, state, failed.trigger, failed.started_at), revision=None)
    verdict = Verdict(failed.decision, failed.reason, failed.message)
    return edges.clerk.decide(attempt, conclude(edges, verdict, attempt.plan, (), NOTHING, state)) or None


def checked(edges: Edges, compiled: Compiled) -> frozenset[Check]:
    """The checks that a revision has passed through once it is compiled."""
    return COMPILED | ({Check.ENVOY} if edges.validated(compiled.snapshot.digest) else set())


def conclude(
    edges: Edges,
    verdict: Verdict,
    plan: Plan,
    acks: tuple[Ack, ...],
    found: Compiled,
    after: State,
    ran: frozenset[Check] = frozenset(),
) -> Conclusion:
    """How an attempt ended; ``found`` holds the findings, ``after`` what is served now, ``ran`` the checks made."""
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
        ran=ran,
        versions=tuple((str(kind), after.applied.snapshot[kind].version) for kind in TypeUrl) if acks else (),
    )


def documents_of(compiled: Compiled) -> Documents:
    """The documents behind what is served, and how they differ from those of the compile it was made from."""
    since = compiled.since
    changed = {name: _origin(compiled, name) for name in since.resources} if since else {}
    return Documents(lambda: map(_ORIGIN, compiled.resources), compiled.token, since.base if since else None, changed)


def _origin(compiled: Compiled, name: ResourceId) -> Origin | None:
    place = bisect_left(compiled.resources, name, key=_ID)
    found = compiled.resources[place].origin if place < len(compiled.resources) else None
    return found if found is not None and found.id == name else None


def nothing_new(edges: Edges, trigger: Trigger, started_at: datetime, state: State) -> Outcome:
    """A poll without news: nothing is recorded."""
    return Outcome(
        trigger,
        Decision.UNCHANGED,
        started_at,
        edges.clock(),
        attempted=state.attempted,
        applied=state.revision,
        quiet=True,
    )
