"""Runs reconciles: by the clock, on request, one at a time, until told to stop. The only user of `schedule`.

`schedule` runs a failed job again at once and knows neither jitter nor backoff, so the job never raises and
each run sets the time of the next.
"""

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from queue import SimpleQueue

import schedule

from reconciler.compile import Options
from reconciler.model.decision import Decision, Trigger
from reconciler.model.effect import Ack
from reconciler.model.errors import ReconcileError, Transient
from reconciler.model.outcome import Outcome
from reconciler.pipeline import reconcile_once
from reconciler.publishing import Publishing
from reconciler.recording import record_failure, witness
from reconciler.staleness import Staleness
from reconciler.state import Edges, State
from reconciler.suspending import Suspending


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to poll, in seconds; see the settings of the same names.

    ``batch``: from the begin of one reconcile to that of the next, where it is the cluster that has changed.
    """

    interval: float
    jitter: float
    max_backoff: float
    batch: float = 0.0

    @property
    def longest(self) -> float:
        """No delay is longer than this, in seconds."""
        return max(self.interval, self.max_backoff) * (1 + self.jitter)

    def delay(self, failures: int, chance: float) -> float:
        """Seconds until the next poll.

        Args:
            failures: failed reconciles in a row; doubles the interval each, up to ``max_backoff``.
            chance: a random number in 0..1 that spreads the polls by ``jitter``.
        """
        longest = max(self.interval, self.max_backoff)
        # Past 2**30 intervals the cap decides anyway; the bound keeps the number finite.
        base = min(self.interval * 2.0 ** min(failures, 30), longest)
        return base * (1 + self.jitter * (2 * chance - 1))


@dataclass(slots=True)
class Loop:
    """One controller's endless run.

    Attributes:
        edges, options: see `reconcile_once`.
        pace: the clock.
        report: told of every outcome, quiet ones too.
        on_bug: told of an exception that is our fault; the loop goes on, and what is served stays.
        late_nacks: what Envoys rejected later than the apply that sent it; recorded at the next poll.
        state: what the last reconcile left; what was restored from the journal at first.
        staleness: says in the journal which sources are not heard of.
    """

    edges: Edges
    options: Options
    pace: Pace
    report: Callable[[Outcome], None]
    on_bug: Callable[[Exception], None]
    late_nacks: "SimpleQueue[Ack]"
    state: State = field(default_factory=State)
    failures: int = 0
    staleness: Staleness = field(default_factory=Staleness)
    _wake: threading.Event = field(default_factory=threading.Event)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _trigger: Trigger = Trigger.STARTUP
    _failure: str = ""
    _began: float = float("-inf")
    _suspending: Suspending = field(default_factory=Suspending)
    _publishing: Publishing = field(default_factory=Publishing)

    def request(self, trigger: Trigger = Trigger.REQUESTED) -> None:
        """Reconcile now instead of at the next poll. Safe from any thread and from signal handlers."""
        # Of several reasons the first stays, unless it says that only the cluster or the leader has news.
        if self._trigger in (Trigger.NEW_REVISION, Trigger.ANNOTATION_CHANGED, Trigger.FOLLOWING):
            self._trigger = trigger
        self._wake.set()

    def stop(self) -> None:
        """End after the reconcile under way. Safe from any thread and from signal handlers."""
        self._stopping.set()
        self._wake.set()

    @property
    def stopping(self) -> bool:
        """Whether it is to end."""
        return self._stopping.is_set()

    @property
    def suspended(self) -> bool:
        """Whether somebody wants nothing to be applied."""
        return bool(self._suspending.on)

    def once(self) -> Outcome:
        """One reconcile. What an edge may raise becomes an outcome; only our own bugs leave as exceptions."""
        self._began = time.monotonic()
        trigger, self._trigger = self._trigger, Trigger.NEW_REVISION
        started_at = self.edges.clock()
        try:
            self._record_late_nacks()
            outcome = self._reconcile(trigger, started_at)
        except ReconcileError as error:
            outcome = _failed(trigger, started_at, self.edges.clock(), error, self.state)
            if not self.stopping:  # what only did not wait for an answer any more did not fail
                outcome = self._record(outcome)
        else:
            if trigger is not Trigger.ANNOTATION_CHANGED:
                self._failure = ""  # otherwise the repository was not asked
            standing = self._publishing.after(outcome, self.state, self.edges.published())
            if standing is not None:
                self.edges.publish(standing)
        with suppress(ReconcileError):  # what could not be recorded is still new at the next poll
            self.staleness.look(self.edges)
        if outcome.decision is Decision.FAILED:
            self.failures += 1
        elif trigger is not Trigger.ANNOTATION_CHANGED:
            self.failures = 0
        outcome = self._remark(outcome)
        self.report(outcome)
        return outcome

    def _remark(self, outcome: Outcome) -> Outcome:
        """That something was done although it could not be recorded is said where nothing worse is to be said."""
        trouble = self.edges.clerk.trouble
        if not trouble or outcome.quiet or outcome.reason:
            return outcome
        return replace(outcome, reason="JournalNotWritten", message=f"not recorded yet: {trouble}")

    def _reconcile(self, trigger: Trigger, started_at: datetime) -> Outcome:
        """A reconcile, or what there is to do while somebody wants none."""
        told = self._suspending.look(self.edges, self.options, self.state, trigger, started_at)
        if told is not None:
            if self._suspending.on:
                return told
            self.report(told)
        outcome, self.state = reconcile_once(self.edges, self.options, self.state, trigger)
        return outcome

    def forever(self) -> None:
        """Reconcile at once and then by the clock until `stop`."""
        clock = schedule.Scheduler()

        def job() -> type[schedule.CancelJob]:
            self._survive()
            # Jitter needs no cryptography; fractions of a second work, though typed as int.
            delay = self.pace.delay(self.failures, random.random())  # noqa: S311
            clock.every(delay).seconds.do(job)  # type: ignore[arg-type]
            return schedule.CancelJob

        job()
        while not self._stopping.is_set():
            # schedule counts in wall-clock time: a clock set back must not stop the polls.
            idle = min(max(0.0, clock.idle_seconds or 0.0), self.pace.longest)
            due = not self._wake.wait(timeout=idle)
            if not due and self._trigger is Trigger.ANNOTATION_CHANGED:
                # What changes many times a second is taken together; a first change is not kept waiting.
                self._stopping.wait(self._began + self.pace.batch - time.monotonic())
            self._wake.clear()
            if self._stopping.is_set():
                return
            if due and clock.idle_seconds is not None and clock.idle_seconds <= 0:
                clock.run_pending()
            else:
                clock.run_all()

    def _record(self, failed: Outcome) -> Outcome:
        """Puts a failure into the journal, once as long as it lasts; not where the journal itself is the trouble."""
        if failed.message == self._failure:
            return failed
        self._failure = failed.message
        with suppress(ReconcileError):
            return replace(failed, sequence=record_failure(self.edges, self.options, self.state, failed))
        return failed

    def _record_late_nacks(self) -> None:
        acks = []
        while not self.late_nacks.empty():
            acks.append(self.late_nacks.get())
        if acks:
            self.report(witness(self.edges, self.options, self.state, tuple(acks)))

    def _survive(self) -> None:
        started_at = self.edges.clock()
        try:
            self.once()
        except Exception as error:  # noqa: BLE001 - a bug of ours must not end the serving of what is good
            self.on_bug(error)
            self.failures += 1
            wrapped = Transient("InternalError", f"{type(error).__name__}: {error}", "this is a bug; please report it")
            self.report(_failed(Trigger.RETRY, started_at, self.edges.clock(), wrapped, self.state))


def _failed(
    trigger: Trigger, started_at: datetime, finished_at: datetime, error: ReconcileError, state: State
) -> Outcome:
    return Outcome(
        trigger,
        Decision.FAILED,
        started_at,
        finished_at,
        reason=error.reason,
        message=str(error),
        retry=isinstance(error, Transient),
        attempted=state.attempted,
        applied=state.revision,
    )
