"""Settings to a voice in the cluster: Events, status, and the object that stands for the repository."""

import os
import re
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.announce import Announcer, EventPosting, Mouths, Place, RepositoryObject, StatusWriting
from reconciler.apply.configmap import Owner
from reconciler.cli import configmaps, election, log
from reconciler.cli.election import Seat
from reconciler.cli.sources import needed_api_server, reads_cluster
from reconciler.cluster import Cluster, ObjectType, Scope
from reconciler.loop import Loop
from reconciler.model.decision import Trigger
from reconciler.model.digest import Json
from reconciler.model.errors import Stalled
from reconciler.model.outcome import Outcome
from reconciler.model.suspension import NOT_SUSPENDED, Suspension
from reconciler.settings import Loaded, Settings
from reconciler.sources.cluster.kinds import newest_served
from reconciler.state import Edges, alone

_PATIENCE_S = 10.0
_FIRST_WORD_S = 5.0


@dataclass(slots=True)
class Voice:
    """What is said in the cluster, and what is said to us there. Without an announcer, nothing.

    Attributes:
        announcer: says it.
        repository: the object where people say what they wish; None where there is none.
    """

    announcer: Announcer | None = None
    repository: RepositoryObject | None = None
    _requested: str = field(default="", init=False)

    def at(self, edges: Edges) -> Edges:
        """Edges that ask this voice."""
        return replace(edges, suspended=self.suspension) if self.repository else edges

    def suspension(self) -> Suspension:
        """Asked when a reconcile begins: what was requested until then is what it follows."""
        if self.repository is None:
            return NOT_SUSPENDED
        wish = self.repository.wish()
        self._requested = wish.requested if wish else ""
        return self.repository.suspension()

    def hear(self, outcome: Outcome, loop: Loop) -> None:
        """An outcome, and what is served after it."""
        if self.announcer is not None:
            handled = "" if outcome.reason == "Suspended" else self._requested
            self.announcer.hear(outcome, loop.state.applied.resources, handled)

    def begin(self) -> None:
        """Start; waits a moment for what people have said before us."""
        if self.announcer is not None:
            self.announcer.start()
        if self.repository is not None:
            self.repository.wait(_FIRST_WORD_S)


def voice(
    stack: ExitStack,
    settings: Loaded,
    clock: Callable[[], datetime],
    elected: Seat | None,
    ring: Callable[[Trigger], None],
) -> Voice:
    """What the settings want said; ended with the stack. To be begun.

    Raises:
        Stalled, Transient: a setting can't be used.
    """
    s = settings.settings
    if not _speaks(s):
        return Voice()
    _refuse_what_is_taken(s)
    # Connections of its own: neither source nor Lease wait for what is said.
    cluster = needed_api_server(s, "--repository-object" if s.repository_object else "--events", _PATIENCE_S)
    stack.callback(cluster.close)
    identity = elected.lease.identity if elected else _name(s)
    repository = _repository(settings, cluster, clock, lambda: ring(Trigger.REQUESTED)) if s.repository_object else None
    mouths = Mouths(
        EventPosting(cluster, identity, clock, log.log_announcing) if s.events else None,
        _statuses(s, cluster, clock) if s.status and s.custom_resources else None,
        repository,
    )
    announcer = Announcer(mouths, elected.lease.leads if elected else alone, identity, log.log_announcing)
    stack.callback(announcer.close)
    return Voice(announcer, repository)


def _speaks(s: Settings) -> bool:
    """Whether there is an object of the cluster to say anything about."""
    written = any(map(_written, s.target))
    return (
        bool(s.repository_object) or (s.events and (reads_cluster(s) or written)) or (s.status and s.custom_resources)
    )


def _name(s: Settings) -> str:
    return os.environ.get("POD_NAME") or f"{s.instance}@{socket.gethostname()}"


def _repository(
    settings: Loaded, cluster: Cluster, clock: Callable[[], datetime], wake: Callable[[], None]
) -> RepositoryObject:
    s = settings.settings
    namespace, _, name = s.repository_object.removeprefix(configmaps.PREFIX).partition("/")
    source = {"url": settings.repository.replace("[redacted]@", ""), "ref": s.ref, "path": s.path}
    given: dict[str, Json] = {key: value for key, value in source.items() if value}
    place = Place(
        namespace,
        name,
        s.repository_object.startswith(configmaps.PREFIX),
        {"source": given if s.repo else {}, "interval": f"{s.interval:g}s"},
        Owner(s.instance, name).labels("repository"),
    )
    return RepositoryObject(cluster, place, clock, wake, log.log_announcing)


def _refuse_what_is_taken(s: Settings) -> None:
    """Also where it says nothing of a ConfigMap: in a cluster without RoutingRepositories it is one.

    Raises:
        Stalled: the object for the whole would be a ConfigMap that holds something else.
    """
    wanted = s.repository_object.removeprefix(configmaps.PREFIX)
    taken = {target.removeprefix(configmaps.PREFIX): f"--target {target}" for target in s.target if _written(target)}
    if wanted and s.leader_election:
        namespace, name = election.place(s)
        taken[f"{namespace}/{name}{election.STANDING}"] = "what replicas tell each other"
    if wanted in taken:
        words = f"--repository-object {s.repository_object}: that ConfigMap is for {taken[wanted]}"
        raise Stalled("InvalidSettings", words, "name another")
    target, _, digest = wanted.rpartition("-")
    if s.configmap_names == "rotating" and target in taken and re.fullmatch("[0-9a-f]{12}", digest):
        words = f"--repository-object {s.repository_object}: such names are for {taken[target]}"
        raise Stalled("InvalidSettings", words, "name another")


def _written(target: str) -> bool:
    return target.startswith(configmaps.PREFIX)


def _statuses(s: Settings, cluster: Cluster, clock: Callable[[], datetime]) -> StatusWriting:
    def kinds() -> list[ObjectType]:
        return [kind for kind in newest_served(cluster.served).values() if kind is not None]

    scopes = [Scope(namespace, s.label_selector) for namespace in s.namespaces or ("",)]
    return StatusWriting(cluster, scopes, kinds, clock, log.log_announcing)
