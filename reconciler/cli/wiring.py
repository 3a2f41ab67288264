"""Settings to working parts: the only place that knows every edge by name."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from queue import SimpleQueue

from reconciler.apply import FilesTarget, Target
from reconciler.audit.anchor import Anchoring
from reconciler.cli import configmaps, log
from reconciler.cli.anchoring import anchoring_of, signer_of
from reconciler.cli.announce import Voice, voice
from reconciler.cli.checking import envoy_check
from reconciler.cli.clerk import clerk_of, identity
from reconciler.cli.clock import now
from reconciler.cli.election import Seat, seat
from reconciler.cli.journal import open_journal
from reconciler.cli.resume import Caches, resume
from reconciler.cli.retaining import Retaining
from reconciler.cli.sources import needed_api_server, source_of
from reconciler.cli.stages import stage_options
from reconciler.cli.state import locked
from reconciler.cli.xds import discover, xds_target
from reconciler.cluster import Cluster
from reconciler.loop import Loop, Pace
from reconciler.model.decision import Trigger
from reconciler.model.effect import Ack
from reconciler.model.errors import Stalled
from reconciler.model.files import FilesFormat
from reconciler.model.health import Health
from reconciler.model.outcome import Outcome
from reconciler.resources import ParsedOnce
from reconciler.settings import Loaded, Settings
from reconciler.staleness import Staleness
from reconciler.state import Edges, alone
from reconciler.web import Metrics, StatusBoard, probe_server


def make_targets(
    stack: ExitStack, s: Settings, on_nack: Callable[[Ack], None], may_write: Callable[[], bool] = lambda: True
) -> tuple[Target, ...]:
    """The targets of the settings; ``none`` is no target, which makes every reconcile a dry run.

    Args:
        stack: closes them, and what they are made with.
        s: the settings.
        on_nack: told when an Envoy rejects something later than the apply that sent it.
        may_write: asked right before every write to a target that is `exclusive`.

    Raises:
        Stalled, Transient: a setting can't be used.
    """
    targets: list[Target] = []
    cluster: Cluster | None = None
    for name in s.target:
        if name == "xds":
            targets.append(xds_target(s, on_nack))
        elif name.startswith("files:"):
            targets.append(FilesTarget(Path(name.removeprefix("files:")).absolute(), FilesFormat(s.files_format)))
        elif name.startswith(configmaps.PREFIX):
            if cluster is None:
                cluster = needed_api_server(s, f"the target {name}")
                stack.callback(cluster.close)
            targets.append(configmaps.configmap_target(s, name, cluster, may_write))
    for target in targets:
        stack.callback(target.close)
    return tuple(targets)


@dataclass(slots=True)
class _Bell:
    """Wakes the loop for parts that are made before it; what rings earlier is seen by the loop's first reconcile."""

    loop: Loop | None = None

    def ring(self, trigger: Trigger) -> None:
        if self.loop is not None:
            self.loop.request(trigger)

    def ending(self) -> bool:
        return self.loop is not None and self.loop.stopping


@contextmanager
def controller(
    settings: Loaded,
    report: Callable[[Outcome], None],
    seated: Callable[[Seat], None] | None = None,
    voiced: Callable[[Voice], None] = lambda _voice: None,
    anchored: Callable[[Anchoring], None] = lambda _anchoring: None,
    verb: str = "run",
) -> Iterator[Loop]:
    """A controller on the settings' state directory, resumed from its journal; closed when left.

    Args:
        settings: what it works with.
        report: told of every outcome.
        seated: told of this replica's place in the election, where the settings want one; None takes part in none.
        voiced: told of what says in the cluster what comes of reconciles.
        anchored: told of what leaves checkpoints of the journal outside.
        verb: what this process does, for records.

    Raises:
        Stalled: a setting can't be used, or another process holds the state directory.
        Transient: the journal can't be opened.
    """
    s = settings.settings
    if not s.target:
        raise Stalled(
            "InvalidSettings", "no target is given", "add --target xds, files:DIR, configmap:NAMESPACE/NAME or none"
        )
    options = stage_options(settings)
    with ExitStack() as stack:
        state = stack.enter_context(locked(s.state))
        journal = open_journal(s, now, signer=signer_of(s), alone=True)
        stack.callback(journal.close)
        # Left after all else has ended, so that the last checkpoint covers that, too.
        anchoring = anchoring_of(stack, s, journal, state, now)
        clerk = clerk_of(stack, settings, journal, state, now, verb)
        parsed = ParsedOnce(options.limits)
        bell = _Bell()
        source = source_of(stack, s, state / "clone", options.limits, parsed.digests, bell.ring, bell.ending)
        late_nacks: SimpleQueue[Ack] = SimpleQueue()
        elected = seat(stack, s, bell.ring) if seated else None
        targets = make_targets(stack, s, late_nacks.put, elected.lease.leads if elected else alone)
        discover(stack, s, targets)
        caches = Caches.below(state, options)
        check = envoy_check(settings, targets)
        edges = Edges(source, targets, journal, clerk, check, now, caches.keep_files, parsed)
        edges = replace(edges, validated=check.asked, controller=identity(settings))
        edges = elected.at(edges) if elected else edges
        spoken = voice(stack, settings, now, elected, bell.ring)
        retaining = Retaining(journal.retention(), timedelta(seconds=s.retention), now)
        pace = Pace(s.interval, s.jitter, s.max_backoff, s.cluster_batch)

        def told(outcome: Outcome) -> None:
            clerk.settle()
            report(outcome)
            spoken.hear(outcome, loop)
            retaining.step()

        loop = Loop(spoken.at(edges), options, pace, told, log.log_bug, late_nacks, resume(edges, options, caches))
        loop.staleness = Staleness(s.stale_after, source.health)
        stack.callback(lambda: caches.keep_served(loop.state))
        bell.loop = loop
        if elected and seated:
            seated(elected)
            elected.begin(new=loop.state.revision is None)
        voiced(spoken)
        anchored(anchoring)
        spoken.begin()
        anchoring.start()
        yield loop


@contextmanager
def web_server(
    address: str,
    board: StatusBoard,
    envoys: Callable[[], int],
    holdings: Callable[[], Mapping[str, int]],
    leads: Callable[[], bool] = alone,
    health: Callable[[], Health] = Health,
) -> Iterator[Metrics]:
    """Health and metrics on ``address`` until left; counted but not served where it is empty."""
    metrics = Metrics(envoys, holdings, leads, health)
    if not address:
        yield metrics
        return
    server = probe_server(address, board, metrics)
    try:
        yield metrics
    finally:
        server.close()
