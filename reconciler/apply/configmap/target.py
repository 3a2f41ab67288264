"""The target ``configmap:NAMESPACE/NAME``: puts a snapshot into ConfigMaps that Envoys mount.

Fixed names: one ConfigMap, changed in place, which kubelets bring to the Envoys that mount it. Rotating names: one
immutable ConfigMap for each content, NAME-DIGEST, and NAME itself, which says which is the current one; for those who
roll out Pods that mount a new name. Its leftovers are removed, an hour after they were replaced, only those of
this very target.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from reconciler.apply.configmap.admin import EnvoyAdmins
from reconciler.apply.configmap.blame import last_stranger, owned_by_others
from reconciler.apply.configmap.content import Keys, Shape, snapshot_in, wanted_keys
from reconciler.apply.configmap.marks import Owner, annotations
from reconciler.apply.configmap.objects import Held, Objects, Wanted
from reconciler.apply.configmap.rotation import CURRENT, HISTORY, REPLACED, STAYS, History
from reconciler.apply.configmap.watching import Versions
from reconciler.cluster import Cluster, Scope
from reconciler.model.digest import Digest, Json, digest_bytes
from reconciler.model.effect import UNNAMED, Ack, AckState, Drift, Evidence, Placed, Release
from reconciler.model.errors import ReconcileError, Transient
from reconciler.model.snapshot import Snapshot, TypeUrl

_DIGITS = 12  # of a content's digest in its name
_MOST_TOLD = 5  # keys in the words about a drift


class Names(StrEnum):
    """Whether a ConfigMap is changed in place, or a new one made for each content."""

    FIXED = "fixed"
    ROTATING = "rotating"


@dataclass(frozen=True, slots=True)
class Place:
    """Which ConfigMaps, and how.

    Attributes:
        instance: the controller, as its label names it.
        keep: with rotating names, how many old ones stay.
        stays: and how long each stays at least after it is replaced.
    """

    namespace: str
    name: str
    shape: Shape
    instance: str
    names: Names = Names.FIXED
    keep: int = 5
    stays: timedelta = STAYS


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was last read or written.

    Attributes:
        versions: by name; empty for what is not there.
        content: what holds the snapshot.
        pointer: with rotating names.
    """

    versions: dict[str, str]
    content: Held | None
    pointer: Held | None
    digest: Digest | None


class ConfigMapTarget:
    """ConfigMaps that Envoys mount.

    Args:
        cluster: the API server.
        place: which ConfigMaps.
        may_write: asked right before every write: whether this replica leads.
        envoys: who to ask what became of it; None where nobody can be.
        clock: the time now, aware.
    """

    exclusive = True

    def __init__(
        self,
        cluster: Cluster,
        place: Place,
        may_write: Callable[[], bool] = lambda: True,
        envoys: EnvoyAdmins | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._place = place
        self._clock = clock
        self._envoys = envoys
        owner = Owner(place.instance, place.name)
        is_pointer = place.names is Names.ROTATING
        self._objects = Objects(cluster, place.namespace, owner, self._is_ours, may_write)
        one = Scope(place.namespace, fields=f"metadata.name={place.name}")
        self._versions = Versions(cluster, Scope(place.namespace, labels=owner.selector()) if is_pointer else one)
        self._seen: _Seen | None = None
        self._applied: Keys = {}

    @property
    def name(self) -> str:
        """``configmap:NAMESPACE/NAME``."""
        return f"configmap:{self._place.namespace}/{self._place.name}"

    def observe(self) -> Digest | None:
        """Digest of what the ConfigMap really holds; None if it is missing, broken or not ours.

        While the API server can't be asked it is what was seen last: an outage is no drift.
        """
        if self._seen is None or not self._versions.unchanged(self._seen.versions):
            with suppress(ReconcileError):
                self._seen = self._look()
        return self._seen.digest if self._seen else None

    def drift(self) -> tuple[Drift, ...]:
        """Who changed it, by the field manager of those keys that others wrote."""
        if self._seen is None:
            return (Drift(self.name, "it could not be read"),)
        for held in (self._seen.pointer, self._seen.content):
            if held is not None and not held.owned:
                return (Drift(self.name, f"ConfigMap {held.name} is not ours"),)
        pointer, content = self._seen.pointer, self._seen.content
        if pointer and owned_by_others(pointer.writers):
            return (self._told(pointer, owned_by_others(pointer.writers)),)
        if content is None:
            gone = next((name for name, version in self._seen.versions.items() if not version), self._place.name)
            return (Drift(self.name, f"ConfigMap {gone} is not there"),)
        differing = self._differing(content)
        return (self._told(content, differing),) if differing else ()  # what we wrote ourselves is no drift

    def _told(self, held: Held, differing: frozenset[tuple[str, str]]) -> Drift:
        by = last_stranger(held.writers, differing)
        listed = ", ".join(sorted(key for _, key in differing)[:_MOST_TOLD])
        more = f" and {len(differing) - _MOST_TOLD} more" if len(differing) > _MOST_TOLD else ""
        what = f"ConfigMap {held.name}: {listed}{more}"
        return Drift(self.name, what, by.name if by else "", by.at if by else None)

    def apply(self, snapshot: Snapshot, release: Release = UNNAMED) -> tuple[Ack, ...]:
        """Write what changed; nothing where the ConfigMap holds it already.

        Returns:
            What the Envoys say, where they can be asked; else UNKNOWN by type: that the ConfigMap holds it was read
            back, whether kubelets brought it to Envoys and what these made of it nobody knows.

        Raises:
            Stalled: it does not fit, the ConfigMap is not ours, the namespace is gone, or we are not permitted.
            Transient: the API server does not answer, another replica leads, or it was changed in this moment.
        """
        keys = wanted_keys(snapshot, self._place.shape)
        seen = self._seen or self._look()
        before = self._envoys.before() if self._envoys else None
        if seen.digest != snapshot.digest:
            self._seen = None  # until it is known what came of it
            seen = self._write(keys, annotations(snapshot.digest, release), seen)
        self._seen, self._applied = seen, keys
        if seen.digest != snapshot.digest:
            hint = "does an admission webhook change ConfigMaps?"
            raise Transient("ConfigMapFailed", f"{self.name} does not hold what was written to it", hint)
        release.written()
        if self._envoys is None or before is None:
            return self._read_back(snapshot)
        return self._envoys.acks(snapshot, self._place.shape, before) or self._read_back(snapshot)

    def placed(self) -> Placed | None:
        """The ConfigMap with the content, as it was last read or written."""
        held = self._seen.content if self._seen else None
        if held is None:
            return None
        return Placed(self.name, f"{self._place.namespace}/{held.name}", held.uid, held.version)

    def close(self) -> None:
        """End the watch; the ConfigMaps stay, and Envoys go on with them."""
        self._versions.close()

    def _look(self) -> _Seen:
        first = self._objects.look(self._place.name)
        if self._place.names is Names.FIXED:
            return self._fixed(first)
        current = first.keys.get(CURRENT, b"").decode() if first and first.owned else ""
        ours = current.startswith(f"{self._place.name}-")
        return self._rotating(first, self._objects.look(current) if ours else None, current if ours else "")

    def _fixed(self, held: Held | None) -> _Seen:
        return _Seen({self._place.name: held.version if held else ""}, held, None, self._digest(held))

    def _rotating(self, pointer: Held | None, content: Held | None, current: str) -> _Seen:
        versions = {self._place.name: pointer.version if pointer else ""}
        if current:
            versions[current] = content.version if content else ""
        return _Seen(versions, content, pointer, self._digest(content))

    def _digest(self, held: Held | None) -> Digest | None:
        found = snapshot_in(held.keys, self._place.shape) if held and held.owned else None
        return found.digest if found else None

    def _write(self, keys: Keys, notes: dict[str, Json], seen: _Seen) -> _Seen:
        if self._place.names is Names.FIXED:
            return self._fixed(self._objects.write(Wanted(self._place.name, keys, notes), seen.content))
        name = f"{self._place.name}-{_fingerprint(keys)}"
        content = self._make(Wanted(name, keys, notes, immutable=True))
        there = self._objects.all("content")
        before = History.of(seen.pointer.keys) if seen.pointer else History()
        history = before.after(name, there, self._place.keep, self._clock(), self._place.stays)
        pointer = self._objects.write(Wanted(self._place.name, history.keys(), notes, role="pointer"), seen.pointer)
        for old in history.left_out(there):
            self._objects.delete(old)
        return self._rotating(pointer, content, name)

    def _make(self, wanted: Wanted) -> Held:
        """An immutable ConfigMap, unless it is there already. One that holds something else was put in its place."""
        held = self._objects.look(wanted.name)
        if held is not None and held.owned and held.keys == wanted.keys:
            return held
        if held is not None:
            self._objects.delete(held)
        return self._objects.write(wanted, None)

    def _is_ours(self, key: str) -> bool:
        return self._place.shape.is_ours(key) or key in (CURRENT[1], HISTORY[1], REPLACED[1])

    def _differing(self, content: Held) -> frozenset[tuple[str, str]]:
        """Keys that are not as they were written, as far as this process wrote them, and those that others wrote."""
        ours = {place: held for place, held in content.keys.items() if self._is_ours(place[1])}
        others = owned_by_others(content.writers) & ours.keys()
        if not self._applied:
            return others
        places = ours.keys() | self._applied.keys()
        return others | {place for place in places if ours.get(place) != self._applied.get(place)}

    def _read_back(self, snapshot: Snapshot) -> tuple[Ack, ...]:
        types = [TypeUrl.CLUSTER, TypeUrl.LISTENER, TypeUrl.ROUTE]
        if snapshot[TypeUrl.SCOPED_ROUTE].resources:
            types.append(TypeUrl.SCOPED_ROUTE)
        node = f"{self._place.namespace}/{self._place.name}"
        return tuple(Ack(self.name, node, t, snapshot[t].version, AckState.UNKNOWN, Evidence.READ_BACK) for t in types)


def _fingerprint(keys: Keys) -> str:
    content = b"".join(f"{s}/{key}\0{digest_bytes(held)}\0".encode() for (s, key), held in sorted(keys.items()))
    return digest_bytes(content).removeprefix("sha256:")[:_DIGITS]
