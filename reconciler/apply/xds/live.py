"""Live resources: endpoints and key material, which change by themselves and are no decision of anybody's.

A snapshot only names them: it holds a placeholder, a resource with a name and nothing else. What stands for it is put
here by whoever watches the cluster, and goes to the Envoys that ask for it without a reconcile. So it is in no plan, no
journal, no cache and no digest of a snapshot.

A name is in one of three states:

- known: there is a resource, which is served
- absent: there is none, as is known: who asks is told so; who has one keeps it
- unknown: nobody can tell yet: who asks has to wait; who has one keeps it
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret

from reconciler.model.snapshot import ResourceSet, Snapshot, TypeUrl, XdsResource

_NONE: frozenset[str] = frozenset()
_NOTHING: Mapping[str, XdsResource] = MappingProxyType({})
Names = Mapping[TypeUrl, frozenset[str]]
_NO_NAMES: Names = MappingProxyType({})


def _unheard(_error: Exception) -> None:
    """Tells nobody."""


@dataclass(frozen=True, slots=True)
class Served:
    """A snapshot with its placeholders filled, at one moment.

    Attributes:
        snapshot: as it was given: what acknowledgements are about.
        sets: what is sent, by type; of types without placeholders those of the snapshot.
        live: names of placeholders.
        absent, unknown: those of them that nothing stands for.
        leaving: what stands for names that the snapshot lacks, and that a client may still hold: by type and name.
    """

    snapshot: Snapshot
    sets: Mapping[TypeUrl, ResourceSet]
    live: Mapping[TypeUrl, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    absent: Mapping[TypeUrl, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    unknown: Mapping[TypeUrl, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    leaving: Mapping[TypeUrl, Mapping[str, XdsResource]] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, snapshot: Snapshot) -> "Served":
        """A snapshot without placeholders."""
        return cls(snapshot, snapshot.sets)

    def goal(self, type_url: TypeUrl, held: ResourceSet) -> ResourceSet:
        """What a client that holds ``held`` is to hold in the end: what nothing stands for it keeps."""
        missing = self.absent.get(type_url, _NONE) | self.unknown.get(type_url, _NONE)
        kept = [held.resources[name] for name in missing if name in held.resources]
        return self.sets[type_url].with_changes((), kept)

    def renewed(self, type_url: TypeUrl, held: ResourceSet) -> ResourceSet:
        """What a client that holds ``held`` is to hold of it until it drops it; the very same where that is the same.

        A client that refuses the snapshot, or is slow to take it, goes on with what the one before named.
        """
        leaving = self.leaving.get(type_url)
        if not leaving:
            return held
        there = held.resources
        changed = [one for name, one in leaving.items() if name in there and there[name].digest != one.digest]
        return held.with_changes((), changed)

    def is_live(self, type_url: TypeUrl, names: frozenset[str]) -> bool:
        """Whether all of these change by themselves, so that no snapshot is to blame for them."""
        return names <= self.live.get(type_url, _NONE) | self.leaving.get(type_url, _NOTHING).keys()


@dataclass(frozen=True, slots=True)
class _Filled:
    """One type of a snapshot, filled: see `Served`; ``of`` is the set as it was given."""

    of: ResourceSet
    names: frozenset[str]
    resources: ResourceSet
    absent: frozenset[str]
    unknown: frozenset[str]


class LiveResources:
    """What stands for placeholders. Every method may be called from any thread.

    Args:
        on_change: told, from whichever thread, that something is different; must be quick.
        on_bug: told what whoever fills placeholders raised: it keeps nothing else from being served.
    """

    def __init__(self, on_change: Callable[[], None], on_bug: Callable[[Exception], None] = _unheard) -> None:
        self._on_change, self._on_bug = on_change, on_bug
        self._lock = threading.Lock()
        self._known: dict[TypeUrl, dict[str, XdsResource | None]] = defaultdict(dict)
        self._wanted: dict[TypeUrl, frozenset[str]] = {}
        self._leaving: dict[TypeUrl, frozenset[str]] = {}  # of what is wanted, what the snapshot lacks
        self._askers: dict[TypeUrl, Callable[[frozenset[str]], None]] = {}
        self._placeholders: dict[TypeUrl, tuple[ResourceSet, frozenset[str]]] = {}
        self._changed: dict[TypeUrl, set[str]] = defaultdict(set)  # since it was filled last
        self._filled: dict[TypeUrl, _Filled] = {}

    def own(self, type_url: TypeUrl, want: Callable[[frozenset[str]], None]) -> None:
        """Fill the placeholders of a type from here on.

        Args:
            type_url: endpoints or secrets.
            want: told all names before a snapshot with them is served; may `put` what it knows, and wait a little.
        """
        self._askers[type_url] = want

    def put(self, type_url: TypeUrl, resources: Mapping[str, XdsResource | None]) -> None:
        """What stands for names from now on: a resource, or None where it is known that there is none."""
        with self._lock:
            known = self._known[type_url]
            new = {name: one for name, one in resources.items() if name not in known or known[name] != one}
            known.update(new)
            self._changed[type_url].update(new)
        if new:
            self._on_change()

    def leaving(self, snapshot: Snapshot) -> Names:
        """What was asked for until now, and is not in a snapshot any more."""
        found = {t: self._wanted.get(t, _NONE) - snapshot[t].resources.keys() for t in self._askers}
        return {type_url: names for type_url, names in found.items() if names}

    def prepare(self, snapshot: Snapshot, held: Names = _NO_NAMES) -> None:
        """Ask for what a snapshot names. What it does not name any more is forgotten.

        Args:
            snapshot: the next.
            held: of what is `leaving`, what clients go on with for now: that is asked for until they don't.
        """
        for type_url, want in self._askers.items():
            leaving = held.get(type_url, _NONE)
            names = self._named(type_url, snapshot[type_url]) | leaving
            with self._lock:
                self._wanted[type_url], self._leaving[type_url] = names, leaving
                known = self._known[type_url]
                gone = known.keys() - names
                self._changed[type_url].update(gone)
                for name in gone:
                    del known[name]
            try:
                want(names)
            except Exception as error:  # noqa: BLE001 - a bug in one must not keep what is good from being served
                self._on_bug(error)

    def fill(self, snapshot: Snapshot) -> Served:
        """The snapshot with what stands for its placeholders now. Called by the server's thread alone.

        For the snapshot of the last time it costs what differs.
        """
        filled = {type_url: self._fill(type_url, snapshot[type_url]) for type_url in self._askers}
        self._filled = filled
        return Served(
            snapshot,
            {**snapshot.sets, **{type_url: one.resources for type_url, one in filled.items()}},
            {type_url: one.names for type_url, one in filled.items()},
            {type_url: one.absent for type_url, one in filled.items()},
            {type_url: one.unknown for type_url, one in filled.items()},
            self._left(),
        )

    def _left(self) -> dict[TypeUrl, dict[str, XdsResource]]:
        """What stands for names that leave."""
        with self._lock:
            found = {
                type_url: {name: one for name in names if (one := self._known[type_url].get(name)) is not None}
                for type_url, names in self._leaving.items()
            }
        return {type_url: there for type_url, there in found.items() if there}

    def _fill(self, type_url: TypeUrl, resources: ResourceSet) -> "_Filled":
        before = self._filled.get(type_url)
        names = self._named(type_url, resources)
        with self._lock:
            if before is None or before.of is not resources:
                before, changed = _Filled(resources, names, resources.with_changes(names, ()), _NONE, names), names
            else:
                changed = names & self._changed[type_url]
            self._changed[type_url] = set()
            known = self._known[type_url]
            now = {name: known[name] for name in changed if name in known}
        if not changed:
            return before
        there = {name: one for name, one in now.items() if one is not None}
        absent = now.keys() - there.keys()
        return _Filled(
            resources,
            names,
            before.resources.with_changes(changed - there.keys(), there.values()),
            (before.absent - changed) | absent,
            (before.unknown - changed) | (changed - now.keys()),
        )

    def _named(self, type_url: TypeUrl, resources: ResourceSet) -> frozenset[str]:
        """The names of the placeholders of a set; worked out once for each set."""
        kept = self._placeholders.get(type_url)
        if kept is None or kept[0] is not resources:
            kept = resources, frozenset(_placeholders(type_url, resources.resources.values()))
            self._placeholders[type_url] = kept
        return kept[1]


def _placeholders(type_url: TypeUrl, resources: Iterable[XdsResource]) -> Iterable[str]:
    for resource in resources:
        if type_url is TypeUrl.ENDPOINT:
            empty = ClusterLoadAssignment(cluster_name=resource.name)
        else:
            empty = Secret(name=resource.name)
        if resource.body == empty.SerializeToString(deterministic=True):
            yield resource.name
