"""Services and their EndpointSlices, watched in the namespaces that are asked for."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from reconciler.cluster import ENDPOINT_SLICES, SERVICES, Cluster, Pace, Reflector, Scope, close_all
from reconciler.discovery.objects import service_of, slice_of
from reconciler.envoy import load_assignment
from reconciler.model.endpoints import EndpointSlice, EndpointsName, Service
from reconciler.model.snapshot import XdsResource

T = TypeVar("T")
Put = Callable[[Mapping[str, XdsResource | None]], None]
Tell = Callable[[str, str], None]

PACE = Pace()
UNANSWERED = "the API server has not answered yet"
_PATIENCE_S = 5.0
_LOOK_S = 0.05
_Inputs = tuple[Service | None, tuple[EndpointSlice, ...]]


def listed(reflector: Reflector[T], deadline: float) -> str:
    """Waits until the objects were listed, that failed, or the time has come.

    Args:
        reflector: one that was started.
        deadline: of `time.monotonic`.

    Returns:
        Why they were not listed; empty where they were.
    """
    while not reflector.wait(min(_LOOK_S, max(0.0, deadline - time.monotonic()))):
        if failure := reflector.copy().failure:
            return failure
        if time.monotonic() >= deadline:
            return UNANSWERED
    return ""


def unread(error: Exception) -> str:
    """What is told of a bug that one object brought to light; not the error's own words, which may quote the object."""
    return f"could not be read ({type(error).__name__})"


class EndpointDiscovery:
    """Puts the load assignment of every name that is wanted, whenever it is another.

    Args:
        cluster: the API server.
        put: where to, see `LiveResources.put`.
        tell: told what is wrong with something, in words, and nothing once it is well again.
        pace: of the reflectors.
        patience_s: how long `want` waits for a namespace that was not watched before, in seconds.
    """

    def __init__(
        self, cluster: Cluster, put: Put, tell: Tell, pace: Pace = PACE, patience_s: float = _PATIENCE_S
    ) -> None:
        self._cluster, self._put, self._tell = cluster, put, tell
        self._pace, self._patience_s = pace, patience_s
        self._watched: dict[str, _Namespace] = {}

    def want(self, names: frozenset[str]) -> None:
        """Watch what these names need, and nothing else. Called by one thread at a time."""
        wanted: dict[str, set[EndpointsName]] = defaultdict(set)
        for name in filter(None, map(self._parsed, sorted(names))):
            wanted[name.namespace].add(name)
        self._close(self._watched.keys() - wanted.keys())
        new = wanted.keys() - self._watched.keys()
        for namespace, asked in wanted.items():
            if namespace in new:
                self._watched[namespace] = _Namespace(self._cluster, namespace, self._put, self._tell, self._pace)
            self._watched[namespace].want(asked)
        deadline = time.monotonic() + self._patience_s
        for namespace in sorted(new):
            self._watched[namespace].wait(deadline)

    def close(self) -> None:
        """Watch nothing any more."""
        self._close(set(self._watched))

    def _close(self, namespaces: set[str]) -> None:
        """All in the time of one."""
        gone = [self._watched.pop(namespace) for namespace in namespaces]
        close_all(reflector for namespace in gone for reflector in namespace.reflectors)

    def _parsed(self, name: str) -> EndpointsName | None:
        """A name; None where it is none, which must not keep the others from their endpoints."""
        try:
            return EndpointsName.parse(name)
        except Exception as error:  # noqa: BLE001 - a bug, or a name of another version of ours
            self._tell(f"endpoints of {name}", unread(error))
            self._put({name: None})
            return None


class _Namespace:
    """One namespace: two reflectors, and what came of them."""

    def __init__(self, cluster: Cluster, name: str, put: Put, tell: Tell, pace: Pace) -> None:
        self._name, self._put, self._tell = name, put, tell
        self._about_all = f"endpoints in {name}"
        self._lock = threading.Lock()
        self._wanted: set[EndpointsName] = set()
        self._seen: dict[EndpointsName, _Inputs] = {}
        self._served: set[EndpointsName] = set()
        self._troubles: dict[str, str] = {}
        scope = Scope(name)
        self._services = Reflector(cluster, SERVICES, service_of, self._update, scope, pace)
        self._slices = Reflector(cluster, ENDPOINT_SLICES, slice_of, self._update, scope, pace)
        self._services.start()
        self._slices.start()

    def want(self, names: set[EndpointsName]) -> None:
        """These names, and no others."""
        with self._lock:
            self._wanted = names
            self._seen = {name: inputs for name, inputs in self._seen.items() if name in names}
            self._served &= names
            kept = {_about(name) for name in names} | {self._about_all}
            self._troubles = {about: trouble for about, trouble in self._troubles.items() if about in kept}
        self._update()

    def wait(self, deadline: float) -> None:
        """Until the objects were listed, or the time has come."""
        if trouble := listed(self._services, deadline) or listed(self._slices, deadline):
            self._say(self._about_all, trouble)
        self._update()

    @property
    def reflectors(self) -> tuple[Reflector[Service], Reflector[EndpointSlice]]:
        """What is to be closed."""
        return self._services, self._slices

    def _update(self) -> None:
        """Puts what differs; from the thread of a reflector, or of who wants."""
        with self._lock:
            # Read inside: who comes later has what is newer.
            services, slices = self._services.copy(), self._slices.copy()
            if not services.synced or not slices.synced:
                return
            by_service = _by_service(slices.objects.values())
            changed: dict[str, XdsResource | None] = {}
            for name in self._wanted:
                service = services.objects.get((self._name, name.service))
                inputs = service, tuple(by_service.get(name.service, ()))
                if self._seen.get(name) != inputs:
                    self._seen[name] = inputs
                    self._say(_about(name), self._assign(name, inputs, changed))
            self._say(self._about_all, "")
            if changed:
                self._put(changed)

    def _assign(self, name: EndpointsName, inputs: _Inputs, changed: dict[str, XdsResource | None]) -> str:
        """Adds what a name has now to ``changed``, unless what was put before is to stay; what is wrong with it."""
        try:
            changed[str(name)] = load_assignment(name, *inputs)
        except Exception as error:  # noqa: BLE001 - a bug, but slices are written by people we do not know
            if name in self._served:
                return f"{unread(error)}; what was there before is served on"
            changed[str(name)] = None
            return f"{unread(error)}; nothing is served"
        self._served.add(name)
        return _trouble(name, inputs[0])

    def _say(self, about: str, trouble: str) -> None:
        if self._troubles.get(about, "") != trouble:
            self._troubles[about] = trouble
            self._tell(about, trouble)


def _about(name: EndpointsName) -> str:
    return f"endpoints of {name}"


def _by_service(slices: Iterable[EndpointSlice]) -> dict[str, list[EndpointSlice]]:
    found: dict[str, list[EndpointSlice]] = defaultdict(list)
    for one in slices:
        found[one.service].append(one)
    return found


def _trouble(name: EndpointsName, service: Service | None) -> str:
    """Why a name has no endpoints, where it is not that there are none at the moment."""
    where = f"{name.namespace}/{name.service}"
    if service is None:
        return f"there is no Service {where}"
    if service.external:
        return f"Service {where} stands for the name {service.external}; leave out the resolver to have DNS asked"
    if all(port.number != name.port for port in service.ports):
        there = ", ".join(str(port.number) for port in service.ports) or "none"
        return f"Service {where} has no port {name.port}; it has {there}"
    return ""
