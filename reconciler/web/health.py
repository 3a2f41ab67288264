"""Metrics of the parts around the loop, asked at each scrape."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

from reconciler.model.health import Health


class HealthMetrics:
    """How the sources are, and what is said in the cluster.

    Args:
        registry: where they are.
        health: asked by `refresh`.
    """

    def __init__(self, registry: CollectorRegistry, health: Callable[[], Health]) -> None:
        self._health = health
        per = ["source"]
        self._stale = Gauge(
            "reconciler_source_stale_seconds", "Since a source was last heard of", per, registry=registry
        )
        self._failing = Gauge("reconciler_source_failing", "1 where a source can't be read now", per, registry=registry)
        self._dark = Gauge(
            "reconciler_source_dark", "1 where a source was not heard of since the start", per, registry=registry
        )
        self._objects = Gauge(
            "reconciler_source_objects", "Files, or objects of the cluster, that are read", per, registry=registry
        )
        self._events = Counter("reconciler_events", "Events for objects of the cluster", ["result"], registry=registry)
        per = ["place"]
        self._anchored = Gauge(
            "reconciler_anchor_records", "Records that the checkpoint left outside covers", per, registry=registry
        )
        self._anchored_at = Gauge(
            "reconciler_anchor_timestamp_seconds", "When a checkpoint was last left outside", per, registry=registry
        )
        self._anchor_failing = Gauge(
            "reconciler_anchor_failing", "1 where no checkpoint can be left now", per, registry=registry
        )
        self._anchor_differs = Gauge(
            "reconciler_anchor_differs", "1 where what was left is not of this journal's past", per, registry=registry
        )
        self._counted = {"posted": 0, "dropped": 0}
        self._suspended = Gauge(
            "reconciler_suspended", "1 where somebody wants nothing to be applied", registry=registry
        )

        self._journal = Gauge("reconciler_journal_failing", "1 where the journal can't be written", registry=registry)
        self._unrecorded = Gauge(
            "reconciler_journal_unrecorded", "What was done and is not recorded yet", registry=registry
        )
        self._pages = Gauge(
            "reconciler_pages_failing", "1 where the access file of the pages lets nobody in", registry=registry
        )

    def refresh(self) -> None:
        """Take over how everything is now."""
        health = self._health()
        for source in health.sources:
            self._stale.labels(source.name).set(source.stale_s)
            self._failing.labels(source.name).set(bool(source.failure))
            self._dark.labels(source.name).set(source.dark)
            self._objects.labels(source.name).set(source.objects)
        for anchor in health.anchors:
            self._anchored.labels(anchor.place).set(anchor.size)
            self._anchored_at.labels(anchor.place).set(anchor.left_at)
            self._anchor_failing.labels(anchor.place).set(bool(anchor.failure))
            self._anchor_differs.labels(anchor.place).set(bool(anchor.differs))
        for result, number in (("posted", health.posted), ("dropped", health.dropped)):
            self._events.labels(result).inc(max(0, number - self._counted[result]))
            self._counted[result] = number
        self._suspended.set(health.suspended)
        self._journal.set(bool(health.journal))
        self._unrecorded.set(health.unrecorded)
        self._pages.set(bool(health.pages))
