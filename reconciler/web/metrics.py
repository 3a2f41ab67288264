"""Prometheus metrics of the controller. The only user of the Prometheus client."""

from collections import Counter as Tally
from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from reconciler.model.decision import Decision
from reconciler.model.effect import AckState
from reconciler.model.health import Health
from reconciler.model.outcome import Outcome
from reconciler.web.health import HealthMetrics


class Metrics:
    """The controller's metrics, in a registry of their own. Times are in seconds.

    Args:
        envoys: how many Envoys are connected, asked at each scrape.
        holdings: how many things of each kind are held in memory between reconciles, asked at each scrape.
        leads: whether this replica may write what all replicas share, asked at each scrape.
        health: how the parts around the loop are, asked at each scrape.
    """

    def __init__(
        self,
        envoys: Callable[[], int],
        holdings: Callable[[], Mapping[str, int]] = dict,
        leads: Callable[[], bool] = lambda: True,
        health: Callable[[], Health] = Health,
    ) -> None:
        self._registry = CollectorRegistry()
        r = self._registry
        self._reconciles = Counter("reconciler_reconciles", "Reconciles", ["decision", "trigger"], registry=r)
        self._seconds = Histogram("reconciler_reconcile_seconds", "Time of a reconcile that did something", registry=r)
        self._polled = Gauge("reconciler_last_poll_timestamp_seconds", "Last time the source answered", registry=r)
        self._applied = Gauge("reconciler_last_applied_timestamp_seconds", "Last time a change was served", registry=r)
        self._revision = Gauge("reconciler_revision_info", "Revisions", ["attempted", "applied"], registry=r)
        self._problems = Gauge("reconciler_problems", "Findings of the last revision", ["severity", "code"], registry=r)
        self._quarantined = Gauge("reconciler_quarantined", "Resources not served as written", registry=r)
        self._routes = Gauge("reconciler_routes", "Routes served", registry=r)
        self._acks = Counter("reconciler_acks", "Words of Envoys on what was applied", ["state"], registry=r)
        self._ready = Gauge("reconciler_condition", "Conditions, 1 when true", ["type"], registry=r)
        Gauge("reconciler_envoys_connected", "Envoys connected over xDS", registry=r).set_function(envoys)
        leading = Gauge("reconciler_leading", "1 where this replica writes what all share", registry=r)
        leading.set_function(leads)
        self._held = Gauge("reconciler_held", "What is held in memory between reconciles", ["what"], registry=r)
        self._holdings = holdings
        self._health = HealthMetrics(r, health)
        ProcessCollector(registry=r)  # resident memory, processor time and open files of the controller

    def record(self, outcome: Outcome) -> None:
        """Count one outcome."""
        if outcome.decision is not Decision.FAILED:
            self._polled.set(outcome.finished_at.timestamp())
        self._reconciles.labels(outcome.decision, outcome.trigger).inc()
        if outcome.quiet:
            return
        for condition in outcome.conditions():
            self._ready.labels(condition.type).set(condition.status)
        if outcome.decision is Decision.FAILED:
            return
        self._seconds.observe(outcome.seconds)
        self._count_decision(outcome)

    def _count_decision(self, outcome: Outcome) -> None:
        self._revision.clear()
        self._revision.labels(str(outcome.attempted or ""), str(outcome.applied or "")).set(1)
        self._problems.clear()
        for (severity, code), many in Tally((p.severity, p.code) for p in outcome.problems).items():
            self._problems.labels(severity, code).set(many)
        self._quarantined.set(len(outcome.quarantined))
        for state in AckState:
            self._acks.labels(state).inc(sum(ack.state is state for ack in (*outcome.acks, *outcome.rejections)))
        if outcome.decision in (Decision.APPLIED, Decision.PARTIAL):
            self._applied.set(outcome.finished_at.timestamp())
            if outcome.plan:
                self._routes.set(outcome.plan.routes_after)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        for what, number in self._holdings().items():
            self._held.labels(what).set(number)
        self._health.refresh()
        return generate_latest(self._registry)
