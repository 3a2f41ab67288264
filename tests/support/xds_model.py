"""A small model of Envoy's side of xDS, for driving sessions without a network, and snapshots to drive them to."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration

from reconciler.apply.xds.memory import Memory
from reconciler.apply.xds.session import Protocol, Session
from reconciler.apply.xds.state import Push, Request
from reconciler.model.snapshot import ResourceSet, Snapshot, TypeUrl, XdsResource

WHOLE = (TypeUrl.CLUSTER, TypeUrl.LISTENER, TypeUrl.SCOPED_ROUTE)
SCOPED = "*"  # in place of the route name of a listener whose routes come by scopes


def cluster(name: str, version: int = 1) -> XdsResource:
    """A cluster (a real message: its load assignment's name is looked at)."""
    message = Cluster(name=name, alt_stat_name=f"{name} v{version}")
    return XdsResource.of(name, message.SerializeToString(deterministic=True))


def endpoints(name: str, version: int = 1) -> XdsResource:
    """A stand-in for a load assignment."""
    return XdsResource.of(name, f"endpoints of {name} v{version}".encode())


def routes(name: str, clusters: Iterable[str] = (), version: int = 1) -> XdsResource:
    """A stand-in for a route configuration that refers to clusters."""
    return XdsResource.of(name, f"{','.join(sorted(clusters))} v{version}".encode())


def listener(name: str, port: int, route_name: str, version: int = 1) -> XdsResource:
    """A listener (a real message: its port is looked at) that names its route configuration."""
    message = Listener(name=name, stat_prefix=f"{route_name} v{version}")
    message.address.socket_address.port_value = port
    return XdsResource.of(name, message.SerializeToString(deterministic=True))


def scope(name: str, key: str, route_name: str) -> XdsResource:
    """A scope (a real message: its key is looked at): requests with a key have the routes of a configuration."""
    message = ScopedRouteConfiguration(name=name, route_configuration_name=route_name)
    message.key.fragments.add(string_key=key)
    return XdsResource.of(name, message.SerializeToString(deterministic=True))


def snapshot(
    clusters: Iterable[XdsResource] = (),
    listeners: Iterable[XdsResource] = (),
    route_configurations: Iterable[XdsResource] = (),
    assignments: Iterable[XdsResource] = (),
    secrets: Iterable[XdsResource] = (),
    scopes: Iterable[XdsResource] = (),
) -> Snapshot:
    """A snapshot of resources by type."""
    given = (clusters, assignments, listeners, scopes, route_configurations, secrets)
    return Snapshot.of({t: ResourceSet.of(resources) for t, resources in zip(TypeUrl, given, strict=True)})


@dataclass
class ModelEnvoy:
    """Speaks xDS as Envoy does, over two queues that a test empties as it likes.

    It takes clusters and listeners whole, asks for listeners once it has had clusters, and for the routes its
    listeners or their scopes name. Rejecting, it applies the first half of what a push changes, as Envoy may.
    """

    protocol: Protocol
    memory: Memory = field(default_factory=Memory)
    desired: Snapshot | None = None
    held: dict[TypeUrl, dict[str, XdsResource]] = field(default_factory=lambda: {t: {} for t in TypeUrl})
    version: dict[TypeUrl, str] = field(default_factory=lambda: dict.fromkeys(TypeUrl, ""))
    to_server: deque[Request] = field(default_factory=deque)
    to_client: deque[Push] = field(default_factory=deque)
    received: list[Push] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    clashes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._asked: set[TypeUrl] = set()
        self.connect()

    def connect(self) -> None:
        """Open a stream, the old one being gone with what was in flight; ask again for what was asked for."""
        self.session = Session(self.protocol, self.memory, self.desired)
        self.to_server.clear()
        self.to_client.clear()
        self._nonce = dict.fromkeys(TypeUrl, "")
        self._dirty: dict[TypeUrl, set[str]] = {t: set() for t in TypeUrl}
        self._answered: dict[TypeUrl, bool] = dict.fromkeys(TypeUrl, False)
        self._route_names: frozenset[str] = frozenset()
        self._ask(TypeUrl.CLUSTER)
        if TypeUrl.LISTENER in self._asked:
            self._ask(TypeUrl.LISTENER)
        if names := self._wanted_routes():
            self._ask_routes(names)
        if TypeUrl.SCOPED_ROUTE in self._asked:
            self._ask(TypeUrl.SCOPED_ROUTE)

    def aim(self, desired: Snapshot) -> None:
        """The server wants something else."""
        self.desired = desired
        self.session.aim(desired)
        self.to_client.extend(self.session.pushes())

    def serve_one(self) -> None:
        """The server takes the oldest request in and answers."""
        if self.to_server:
            self.session.receive(self.to_server.popleft())
            self.to_client.extend(self.session.pushes())

    def take_one(self, *, reject: bool = False) -> Push | None:
        """The client takes the oldest response in, and accepts or rejects it."""
        if not self.to_client:
            return None
        push = self.to_client.popleft()
        self.received.append(push)
        self._note_repeats(push)
        self._nonce[push.type_url] = push.nonce
        self._answered[push.type_url] = True
        changes = self._changes(push)
        if reject and changes:
            self._take(push, changes[: len(changes) // 2])
            self._dirty[push.type_url] |= {name for name, _ in changes}
        else:
            reject = False
            self._take(push, changes)
            self._dirty[push.type_url] -= {name for name, _ in changes} | {r.name for r in push.resources}
            self.version[push.type_url] = push.version
            if not self._dirty[push.type_url]:
                self.clashes += self._doubled_keys()
        self._answer(push, "bad resource" if reject else None)
        return push

    def settle(self) -> None:
        """Deliver everything and accept everything until nothing is in flight."""
        for _ in range(1000):
            if not self.to_server and not self.to_client:
                return
            self.serve_one()
            self.take_one()
        raise AssertionError("client and server never come to rest")

    def dangling(self) -> set[str]:
        """Clusters that routes in use refer to and that aren't there."""
        used = (self.held[TypeUrl.ROUTE][n] for n in self._wanted_routes() if n in self.held[TypeUrl.ROUTE])
        referred = {name for r in used for name in r.body.decode().rpartition(" ")[0].split(",") if name}
        return referred - self.held[TypeUrl.CLUSTER].keys()

    def names(self) -> dict[str, Mapping[str, XdsResource]]:
        """What is held, by the short names of the types."""
        return {t.name: self.held[t] for t in TypeUrl}

    def _wanted_routes(self) -> frozenset[str]:
        named = self._route_names_of_listeners()
        if SCOPED not in named:
            return named
        scopes = (ScopedRouteConfiguration.FromString(r.body) for r in self.held[TypeUrl.SCOPED_ROUTE].values())
        return (named - {SCOPED}) | {scope.route_configuration_name for scope in scopes}

    def _route_names_of_listeners(self) -> frozenset[str]:
        held = self.held[TypeUrl.LISTENER].values()
        return frozenset(Listener.FromString(r.body).stat_prefix.partition(" ")[0] for r in held)

    def _doubled_keys(self) -> list[str]:
        """Keys that two scopes have: Envoy would refuse the push that made it so."""
        scopes = (ScopedRouteConfiguration.FromString(r.body) for r in self.held[TypeUrl.SCOPED_ROUTE].values())
        counted = Counter(scope.key.fragments[0].string_key for scope in scopes)
        return [key for key, count in counted.items() if count > 1]

    def _changes(self, push: Push) -> list[tuple[str, XdsResource | None]]:
        held = self.held[push.type_url]
        changes: list[tuple[str, XdsResource | None]] = [(r.name, r) for r in push.resources if held.get(r.name) != r]
        if push.type_url is TypeUrl.ROUTE:  # what is no longer wanted may still arrive; it is ignored
            changes = [change for change in changes if change[0] in self._route_names]
        changes += [(name, None) for name in push.removed if name in held]
        if self.protocol is Protocol.SOTW and push.type_url in WHOLE:
            changes += [(name, None) for name in held if name not in {r.name for r in push.resources}]
        return changes

    def _take(self, push: Push, changes: list[tuple[str, XdsResource | None]]) -> None:
        held = self.held[push.type_url]
        for name, resource in changes:
            if resource is None:
                del held[name]
            else:
                held[name] = resource

    def _answer(self, push: Push, error: str | None) -> None:
        if push.type_url in (TypeUrl.LISTENER, TypeUrl.SCOPED_ROUTE):  # before the acknowledgement, as Envoy does
            if SCOPED in self._route_names_of_listeners() and TypeUrl.SCOPED_ROUTE not in self._asked:
                self._ask(TypeUrl.SCOPED_ROUTE)
            self._ask_routes(self._wanted_routes())
        names = tuple(sorted(self._route_names)) if push.type_url is TypeUrl.ROUTE else ()
        version = self.version[push.type_url]
        if self.protocol is Protocol.SOTW:
            self.to_server.append(Request(push.type_url, push.nonce, error, names, version=version))
        else:
            self.to_server.append(Request(push.type_url, push.nonce, error))
        if push.type_url is TypeUrl.CLUSTER and TypeUrl.LISTENER not in self._asked:
            self._ask(TypeUrl.LISTENER)

    def _ask(self, type_url: TypeUrl) -> None:
        self._asked.add(type_url)
        self.to_server.append(self._request(type_url, (), ()))

    def _ask_routes(self, names: frozenset[str]) -> None:
        added, dropped = names - self._route_names, self._route_names - names
        if not added and not dropped:
            return
        if self.protocol is Protocol.SOTW:
            self.to_server.append(self._request(TypeUrl.ROUTE, tuple(sorted(names)), ()))
        else:
            self.to_server.append(self._request(TypeUrl.ROUTE, tuple(sorted(added)), tuple(sorted(dropped))))
        for name in dropped:
            self.held[TypeUrl.ROUTE].pop(name, None)
        self._answered[TypeUrl.ROUTE] = False
        self._asked.add(TypeUrl.ROUTE)
        self._route_names = names

    def _request(self, type_url: TypeUrl, names: tuple[str, ...], dropped: tuple[str, ...]) -> Request:
        if self.protocol is Protocol.SOTW:
            return Request(type_url, self._nonce[type_url], names=names, version=self.version[type_url])
        first = type_url not in self._began()
        held = self.held[type_url] if first else {}
        return Request(type_url, names=names, dropped=dropped, versions=tuple((n, r.digest) for n, r in held.items()))

    def _began(self) -> set[TypeUrl]:
        queued = {request.type_url for request in self.to_server}
        return queued | {t for t in TypeUrl if self._nonce[t] or (self._route_names and t is TypeUrl.ROUTE)}

    def _note_repeats(self, push: Push) -> None:
        """Whatever comes though the client accepted exactly that, on this stream, and didn't ask anew."""
        held, dirty = self.held[push.type_url], self._dirty[push.type_url]
        same = {r.name for r in push.resources if held.get(r.name) == r}
        if self.protocol is Protocol.DELTA:
            self.repeated += sorted(same - dirty)
        elif self._answered[push.type_url] and not dirty and not self._changes(push):
            self.repeated += sorted(same) or ["nothing"]
