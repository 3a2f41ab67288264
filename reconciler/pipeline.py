"""One reconcile, top to bottom. Read this first.

    fetch → load → merge → build → render → check → diff → record intent → apply → record result

The pure middle, files in and Envoy resources out, is `reconciler.compile`; `reconcile_once` puts the edges around it.
What a revision changes costs what it changes: see `reconciler.change`.
What it works with and leaves behind is in `reconciler.state`, getting a change accepted in `reconciler.rollout`,
what it may and did do in `reconciler.verdict`, and what is written down besides in `reconciler.recording`.
Nothing here waits, retries or remembers: the loop does, with the `State` that is handed in and out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.apply import Target
from reconciler.change import compiled_change, memory_after, newly_read, read
from reconciler.compile import Compiled, Options, plan_change
from reconciler.following import agrees, last_good, refused_before_us
from reconciler.model.audit import Attempt
from reconciler.model.decision import Trigger
from reconciler.model.digest import Digest
from reconciler.model.effect import Drift, Release
from reconciler.model.outcome import Outcome
from reconciler.model.source import SourceSnapshot
from reconciler.recording import checked, conclude, documents_of, nothing_new, of_revision, record_untouched, standing
from reconciler.rollout import Attempted, Rollout, accept, roll_out
from reconciler.state import Edges, State
from reconciler.verdict import after_applying, before_applying


def reconcile_once(edges: Edges, options: Options, state: State, trigger: Trigger) -> tuple[Outcome, State]:
    """Brings what is served to what repository and cluster say, as far as that is safe, and records it.

    Args:
        edges: source, targets, journal, check and clock.
        options: see `Options`.
        state: what the last reconcile left.
        trigger: why this one runs.

    Raises:
        Stalled, Transient: an edge failed; what is served is as before, or as the journal's open intent says.
    """
    started_at = edges.clock()
    dry_run, edges = not edges.targets, edges.writable()
    source = edges.source.fetch(state.revision, trigger)
    found = _differing(edges, state)
    published = edges.published()
    if (source.revision, source.dark) == (state.attempted, state.dark) and agrees(state, published):
        if found and state.revision is not None and not state.unguarded:
            return _heal(edges, options, source, state, started_at, found, trigger)
        return nothing_new(edges, trigger, started_at, state), state
    seen = of_revision(edges, options, state, source, trigger, started_at)

    files = read(source, options, state, edges.parsed)
    good = last_good(state, published, source, files, options)
    change = compiled_change(source, files, options, state, good)
    accepted = accept(change, lambda compiled: edges.complain(compiled.snapshot))
    desired = accepted.compiled or change.whole
    plan = plan_change(state.applied, desired, options, seen.fast_forward)
    plan = replace(plan, before=state.recorded) if state.recorded else plan
    refused = refused_before_us(state, published, source.revision, options)
    verdict = before_applying(
        plan,
        desired.problems,
        "" if accepted.compiled else accepted.complaint,
        drifted=bool(found) or state.recorded is not None,
        dry_run=dry_run,
        refuse_invalid=options.refuse_invalid,
        follows=not dry_run and not edges.targets,
        refused_before=refused,
    )
    nothing_else = plan.empty and source.revision == state.revision
    why = _why(trigger, found, state) if nothing_else else trigger
    attempt = replace(seen, trigger=why, plan=plan, unrecorded=found.unrecorded)
    attempt = replace(attempt, drift=_told(found.drifted) if state.revision else ())
    if verdict:
        outcome, after = record_untouched(edges, attempt, desired, verdict, state)
    else:
        change_to_apply = replace(change, whole=desired, held=accepted.held)
        outcome, after = _apply(edges, options, attempt, change_to_apply, state, compiled=True)
    edges.keep(files, newly_read(files, state))
    memory = memory_after(source, files, change, options, state, good)
    after = replace(after, memory=memory, kept={}, good=good, dark=source.dark)
    return outcome, replace(after, followed=published.digest if published else "", obeyed=refused is not None)


def _apply(
    edges: Edges, options: Options, attempt: Attempt, change: Attempted[Compiled], state: State, *, compiled: bool
) -> tuple[Outcome, State]:
    """Intent; apply, rolling back and leaving out what Envoy rejects; result. ``compiled``: all checks were made."""
    rollouts: list[Rollout] = []

    def apply(compiled: Compiled) -> str:
        # Leaving out a suspect can take a new guard along, such as by its TLSContext.
        if set(compiled.unguarded) - set(change.whole.unguarded):
            return f"without {', '.join(compiled.unguarded)} requests would pass unasked"
        rollouts.append(
            roll_out(
                edges.targets, compiled.snapshot, state.applied.snapshot, edges.complain, release, undone, edges.clock
            )
        )
        return rollouts[-1].rejection

    sequence = edges.clerk.intend(attempt)
    number = sequence or None
    release, undone = Release(attempt.revision, attempt.commit, number), Release(state.revision, None, number)
    accepted = accept(change, apply)
    remembered = {key: problem for key, problem in state.held.items() if key[0] in change.held}
    for name in accepted.held.keys() - {known for known, _ in remembered}:
        remembered[name, change.suspects()[name].digest] = accepted.held[name]
    after = State(
        applied=accepted.compiled or state.applied,
        revision=attempt.revision if accepted.compiled else state.revision,
        attempted=attempt.revision,
        held=remembered,
    )
    found = accepted.compiled or change.compile_with(accepted.held)
    acks = rollouts[-1].acks
    verdict = after_applying(found.problems, acks, accepted.complaint, anything_accepted=bool(accepted.compiled))
    as_planned = accepted.compiled is change.whole and attempt.fast_forward is not False
    applied = attempt.plan if as_planned else plan_change(state.applied, after.applied, options, fast_forward=None)
    ran = checked(edges, after.applied) if compiled else frozenset()
    conclusion = conclude(edges, verdict, applied, acks, found, after, ran)
    conclusion = replace(conclusion, placed=rollouts[-1].placed, written_at=rollouts[-1].written_at)
    if accepted.complaint:
        conclusion = replace(conclusion, rejections=rollouts[0].nacks)
    ended = edges.clerk.conclude(sequence, conclusion, documents_of(after.applied), after.applied.snapshot.digest)
    return Outcome.concluded(attempt, conclusion, sequence or ended or None), after


def _heal(
    edges: Edges,
    options: Options,
    source: SourceSnapshot,
    state: State,
    started_at: datetime,
    found: "_Differing",
    trigger: Trigger,
) -> tuple[Outcome, State]:
    """Puts back what was last applied where a target holds something else. What was refused stays refused."""
    commit = source.commit if source.revision == state.revision else None
    attempt = standing(edges, options, state, _why(trigger, found, state), started_at)
    attempt = replace(attempt, commit=commit, drift=_told(found.drifted), unrecorded=found.unrecorded)
    as_it_was = Attempted(state.applied, lambda _held: state.applied, dict, {})
    outcome, _ = _apply(edges, options, attempt, as_it_was, state, compiled=False)
    return outcome, state


@dataclass(frozen=True, slots=True)
class _Differing:
    """The targets that hold something else than the journal says.

    Attributes:
        drifted: that somebody else changed.
        unrecorded: names of those that hold what we applied while the journal could not be written.
    """

    drifted: tuple[Target, ...]
    unrecorded: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.drifted or self.unrecorded)


def _differing(edges: Edges, state: State) -> _Differing:
    held = [(target, target.observe()) for target in edges.targets]
    differing = [(target, digest) for target, digest in held if digest not in _ours(state)]
    return _Differing(
        tuple(target for target, digest in differing if digest not in edges.clerk.ours),
        tuple(target.name for target, digest in differing if digest in edges.clerk.ours),
    )


def _ours(state: State) -> tuple[Digest | None, ...]:
    """What a target may hold without anybody else having changed it."""
    return state.applied.snapshot.digest, *filter(None, (state.recorded,))


def _why(trigger: Trigger, found: _Differing, state: State) -> Trigger:
    """Why a target holds something else: who has just begun to lead finds what the one before it left."""
    if not found.drifted:
        return Trigger.SETTINGS_CHANGED if state.recorded else trigger
    return trigger if trigger is Trigger.LEADING else Trigger.DRIFT


def _told(drifted: Sequence[Target]) -> tuple[Drift, ...]:
    """What each of them knows of who changed it."""
    return tuple(drift for target in drifted for drift in target.drift())
