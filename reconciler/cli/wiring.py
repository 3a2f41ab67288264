"""Settings to working parts: the only place that knows every edge by name."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue

from reconciler.apply import FilesTarget, Target
from reconciler.apply.envoy_binary import find_envoy
from reconciler.audit.anchor import Anchoring
from reconciler.cli import configmaps, log
from reconciler.cli.anchoring import anchoring_of, signer_of
from reconciler.cli.announce import Voice, voice
from reconciler.cli.checking import EnvoyCheck
from reconciler.cli.clerk import allowed_by, clerk_of, identity
from reconciler.cli.election import Seat, seat
from reconciler.cli.journal import open_journal
from reconciler.cli.resume import Caches, resume
from reconciler.cli.retaining import Retaining
from reconciler.cli.sources import needed_api_server, source_of
from reconciler.cli.state import locked
from reconciler.cli.xds import discover, own_ports, xds_target
from reconciler.cluster import Cluster
from reconciler.compile import Options
from reconciler.envoy import (
    AccessLogFormat,
    EndpointSource,
    RenderOptions,
    Routing,
    SecretSource,
    Sharding,
)
from reconciler.loop import Loop, Pace
from reconciler.merge import ConflictPolicy
from reconciler.model.decision import Trigger
from reconciler.model.effect import Ack
from reconciler.model.errors import Stalled
from reconciler.model.files import FilesFormat
from reconciler.model.health import Health
from reconciler.model.limits import Limits
from reconciler.model.machine import MachineAccess
from reconciler.model.outcome import Outcome
from reconciler.model.source import Realm
from reconciler.plan import BlastRadius
from reconciler.resources import ParsedOnce
from reconciler.settings import Loaded, Settings
from reconciler.staleness import Staleness
from reconciler.state import Edges, alone
from reconciler.table import DefaultListener
from reconciler.web import Metrics, StatusBoard, probe_server


def now() -> datetime:
    """The real clock, aware, UTC."""
    return datetime.now(UTC)


def stage_options(settings: Loaded) -> Options:
    """What the stages take from the settings."""
    s = settings.settings
    host, _, port = s.listen.rpartition(":")
    return Options(
        ambassador_id=s.ambassador_id,
        limits=Limits(
            machine=machine_access(s),
            platform_paths=s.platform_path,
            platform_namespaces=s.platform_namespaces,
        ),
        conflicts=ConflictPolicy(s.conflicts),
        precedence=Realm(s.precedence),
        default_listener=DefaultListener(host, int(port)),
        render=RenderOptions(
            service_addresses=dict(s.service_address),
            upstream_ca_file=s.upstream_ca_file,
            secrets_path=s.secrets_path,
            ca_entry=s.ca_entry,
            access_log_path=s.access_log,
            access_log_format=AccessLogFormat(s.access_log_format),
            routing=Routing(s.routing),
            sharding=Sharding(s.sharding),
            endpoints=EndpointSource(s.endpoints),
            secrets=SecretSource(s.secrets),
        ),
        blast_radius=BlastRadius(s.max_delete_share, s.delete_share_from),
        allow_plan=s.allow_plan,
        refuse_invalid=s.on_invalid == "refuse",
        config_digest=settings.digest,
        allowed_by=allowed_by(settings),
    )


def machine_access(s: Settings) -> MachineAccess:
    """What documents may ask of Envoy's machine; files of Secrets may be named as files, too."""
    own = (s.xds_envoy_certs, *(f"{s.secrets_path}/{secret}" for secret in s.never_secrets))
    return MachineAccess(
        tls_files=(*s.tls_files, s.secrets_path),
        body_files=s.body_files,
        log_files=s.log_files,
        variables=s.variables,
        lua=s.lua,
        loopback=s.loopback,
        never_files=tuple(filter(None, own)),
        secret_files=s.secrets_path,
        never_secrets=s.never_secrets,
        never_services=s.never_services,
        own_ports=own_ports(s),
    )


def envoy_check(settings: Loaded, targets: Sequence[Target] = ()) -> EnvoyCheck:
    """Envoy's own validation of a snapshot: its words, empty if it accepts or where no binary is found.

    Under ``auto`` it is left to the Envoys that are connected, if everything goes to such: they take or refuse what
    they get, and keep what they had, resource by resource. One that has not answered for what is served is none.

    Args:
        settings: which binary, and when.
        targets: where the snapshot would go next; none for a check by itself.
    """
    envoy = settings.settings.envoy
    return EnvoyCheck(find_envoy(envoy), stage_options(settings).render, targets if envoy == "auto" else ())


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
