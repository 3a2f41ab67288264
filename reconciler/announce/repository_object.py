"""EDGE: the object that stands for the repository: watched for what people wish, written with how it stands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock

from reconciler.announce.notice import Subject
from reconciler.announce.posting import Muted, Told
from reconciler.announce.progress import Around, Progress, data_of, status_of
from reconciler.announce.wish import Wish
from reconciler.cluster import CONFIG_MAPS, Body, Cluster, Conflict, ObjectType, Reflector, Scope
from reconciler.model.digest import Json
from reconciler.model.errors import Stalled
from reconciler.model.suspension import Suspension

ROUTING_REPOSITORIES = ObjectType("reconciler.dev", "v1alpha1", "routingrepositories", "RoutingRepository")
MANAGER = "reconciler"


@dataclass(frozen=True, slots=True)
class Place:
    """Which object.

    Attributes:
        config_map: a ConfigMap, though the server may know RoutingRepositories.
        spec: what we say of the source; no credentials.
        labels: of a ConfigMap that is ours; one without them is read and never written.
    """

    namespace: str
    name: str
    config_map: bool
    spec: Mapping[str, Json]
    labels: Mapping[str, Json] = field(default_factory=dict)


class RepositoryObject:
    """Whoever may be asked from any thread: `suspension` and `requested`. The others belong to one thread.

    Args:
        cluster: the API server.
        place: which object.
        clock: the time now, aware.
        wake: told when somebody wishes something else than before; must be quick and not raise.
        tell: see `Muted`.
    """

    def __init__(
        self, cluster: Cluster, place: Place, clock: Callable[[], datetime], wake: Callable[[], None], tell: Told
    ) -> None:
        self._cluster, self._place, self._clock, self._wake = cluster, place, clock, wake
        self._muted = Muted(tell)
        self._lock = Lock()
        self._kind: ObjectType | None = None
        self._reflector: Reflector[Wish] | None = None
        self._wished: tuple[bool, str] | None = None
        # What was written when the object said this: until the watch tells, nothing is written twice.
        self._written: tuple[dict[str, Json], Wish] | None = None
        self._spoken: tuple[Wish, Wish] | None = None

    @property
    def place(self) -> str:
        """What people call it."""
        kind = self._kind.kind if self._kind else ROUTING_REPOSITORIES.kind
        return f"{kind} {self._place.namespace}/{self._place.name}"

    def prepare(self) -> None:
        """Find out what it is, and watch it; nothing where that is done.

        Raises:
            Stalled, Transient: the server does not say.
        """
        if self._reflector is not None:
            return
        custom = not self._place.config_map and self._cluster.serves(ROUTING_REPOSITORIES)
        kind = ROUTING_REPOSITORIES if custom else CONFIG_MAPS
        scope = Scope(self._place.namespace, fields=f"metadata.name={self._place.name}")
        reflector = Reflector(self._cluster, kind, self._read, self._changed, scope)
        with self._lock:
            self._kind, self._reflector = kind, reflector
        reflector.start()

    def wait(self, seconds: float) -> bool:
        """Whether it was read within that time, once `prepare` is done."""
        return self._reflector is not None and self._reflector.wait(seconds)

    def wish(self) -> Wish | None:
        """What it says; None where it is not there, or was not read yet."""
        copy = self._reflector.copy() if self._reflector else None
        return copy.objects.get((self._place.namespace, self._place.name)) if copy else None

    def suspension(self) -> Suspension:
        """What people wish for, as far as it was read."""
        reflector = self._reflector
        if reflector is None or not reflector.copy().synced:
            return Suspension(None)
        wish = self.wish()
        return wish.suspension(self.place) if wish else Suspension(wanted=False, through=self.place)

    def subject(self) -> Subject | None:
        """The object that Events are about; None where it is not there yet."""
        wish = self.wish()
        return (
            Subject(self.place.partition(" ")[0], self._place.namespace, self._place.name, wish.uid) if wish else None
        )

    def write(self, progress: Progress, leader: str) -> bool:
        """Make it say how everything stands; False where it does, or where that is not permitted.

        Raises:
            Transient: it may work later.
        """
        kind, reflector = self._kind, self._reflector
        if kind is None or reflector is None or not reflector.copy().synced or self.place in self._muted:
            return False
        wish = self.wish()
        with self._muted.watching(self.place):
            try:
                return self._write(kind, wish, progress, leader)
            except Conflict:
                return False  # it came or went meanwhile; the watch tells
        return False

    def close(self) -> None:
        """End the watch."""
        if self._reflector is not None:
            self._reflector.close()

    def _write(self, kind: ObjectType, wish: Wish | None, progress: Progress, leader: str) -> bool:
        metadata: Body = {"name": self._place.name, "namespace": self._place.namespace}
        if wish is None:
            section: Body = {} if kind is CONFIG_MAPS else {"spec": {}}
            marked = metadata | ({"labels": dict(self._place.labels)} if kind is CONFIG_MAPS else {})
            self._cluster.create(
                kind, {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": marked, **section}
            )
            return True
        around = Around(wish.generation, f"suspended{wish.suspension('')}" if wish.suspend else "", leader)
        if kind is CONFIG_MAPS:
            return self._write_data(wish, progress, around, metadata)
        wish = self._with_spec(kind, wish, metadata)
        around = replace(around, generation=wish.generation)
        status = status_of(progress, around, wish.status, self._clock())
        if not progress.stated or status == wish.status or self._written == (status, wish):
            return False
        body: Body = {"metadata": metadata, "status": status}
        self._cluster.apply(kind, body, MANAGER, force=True, subresource="status")
        self._written = status, wish
        return True

    def _with_spec(self, kind: ObjectType, wish: Wish, metadata: Body) -> Wish:
        """The object once it says what we follow; its generation counts that."""
        if self._spoken is not None and self._spoken[0] is wish:
            return self._spoken[1]
        if all(wish.said.get(name) == value for name, value in self._place.spec.items()):
            return wish
        body: Body = {"metadata": metadata, "spec": dict(self._place.spec)}
        self._spoken = wish, Wish.of(self._cluster.apply(kind, body, MANAGER, force=True), config_map=False)
        return self._spoken[1]

    def _write_data(self, wish: Wish, progress: Progress, around: Around, metadata: Body) -> bool:
        if any(wish.labels.get(key) != value for key, value in self._place.labels.items()):
            labels = ", ".join(f"{key}={value}" for key, value in self._place.labels.items())
            raise Stalled(
                "ConfigMapForeign",
                f"{self.place} is not ours: nothing is written to it",
                f"name another, or delete it; one with the labels {labels} is ours",
            )
        data = data_of(status_of(progress, around, {}, self._clock()), self._place.spec)
        before = {name: value for name, value in wish.said.items() if name != "suspend"}
        if not progress.stated or before == data or self._written == (data, wish):
            return False
        # By force, for people may have applied keys of ours, but only to the version that was seen to be ours.
        metadata = metadata | {"resourceVersion": wish.version, "labels": dict(self._place.labels)}
        self._cluster.apply(CONFIG_MAPS, {"metadata": metadata, "data": data}, MANAGER, force=True)
        self._written = data, wish
        return True

    def _read(self, body: Body) -> Wish:
        return Wish.of(body, config_map=self._kind is CONFIG_MAPS)

    def _changed(self) -> None:
        """From the watch's thread: wake whom it concerns only where people wish something else."""
        wish = self.wish()
        wished = (wish.suspend, wish.requested) if wish else (False, "")
        before, self._wished = self._wished, wished
        if before is None and (wish is None or (not wish.suspend and wish.handled == wish.requested)):
            return
        if wished != before:
            self._wake()
