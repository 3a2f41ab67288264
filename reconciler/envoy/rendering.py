"""The stage with a memory: a changed rule costs its virtual host and the resource that holds it, and nothing else.

`Rendering.of` renders a table, `Rendering.change` a table that differs from the last one in a few rules. What comes of
both is the same.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Protocol

from envoy.config.cluster.v3.cluster_pb2 import Cluster as EnvoyCluster
from envoy.config.listener.v3.listener_pb2 import Listener as EnvoyListener

from reconciler.envoy.clusters.cluster import cluster
from reconciler.envoy.endpoints import names_asked, placeholder
from reconciler.envoy.listeners.listener import listener
from reconciler.envoy.options import RenderOptions
from reconciler.envoy.protobuf import serialise
from reconciler.envoy.routes.configuration import Piece, piece_resource, pieces
from reconciler.envoy.routes.rendered import HostRules, edited, host_rules
from reconciler.envoy.tls.secrets import secret_named
from reconciler.envoy.tls.sockets import secret_names
from reconciler.model.chains import clear_text_host
from reconciler.model.match import HostMatch
from reconciler.model.snapshot import EMPTY_SNAPSHOT, Snapshot, TypeUrl, XdsResource
from reconciler.model.table import Cluster, Listener, Route, RouteTable, VirtualHost

Place = tuple[str, HostMatch]  # listener and virtual host
Named = tuple[TypeUrl, str]


class Edit(Protocol):
    """How the rules of a virtual host differ."""

    @property
    def gone(self) -> Sequence[Route]:
        """Rules that went."""

    @property
    def come(self) -> Sequence[Route]:
        """Rules that came."""


@dataclass(slots=True)
class Rendering:
    """What was rendered of a table. It is changed in place, so it has one owner.

    Attributes:
        snapshot: the resources of the table.
        asked: how many clusters and listeners ask for each secret, and for the endpoints of each service.
        pieces: what holds virtual hosts, by name.
        rules: what was rendered of these, in the order of each piece.
        places: where a virtual host of a listener stands: in which pieces, and at which position in them.
    """

    options: RenderOptions
    snapshot: Snapshot
    asked: Counter[Named]
    pieces: dict[str, Piece] = field(default_factory=dict)
    rules: dict[str, list[HostRules]] = field(default_factory=dict)
    places: dict[Place, list[tuple[str, int]]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, table: RouteTable, options: RenderOptions) -> "Rendering":
        """What an Envoy is to hold: clusters, listeners, the secrets these name, and the routes of each listener.

        A service is one DNS name, which Envoy resolves itself, or has its endpoints come by discovery. Of those, and of
        secrets that come from Kubernetes, there are only placeholders here.
        """
        clusters = [cluster(upstream, options) for upstream in table.clusters]
        listeners = [listener(port, table.edge, options) for port in table.listeners]
        asked = Counter(named for message in (*clusters, *listeners) for named in _asked(message))
        found = cls(options, EMPTY_SNAPSHOT, asked)
        found._enter(table)
        resources: list[tuple[TypeUrl, XdsResource]] = [
            *((TypeUrl.CLUSTER, XdsResource.of(one.name, serialise(one))) for one in clusters),
            *((TypeUrl.LISTENER, XdsResource.of(one.name, serialise(one))) for one in listeners),
            *((named[0], _discovered(named, options)) for named in asked),
            *(piece_resource(piece, [one.field for one in found.rules[name]]) for name, piece in found.pieces.items()),
        ]
        found.snapshot = found._with((), resources)
        return found

    def change(
        self, table: RouteTable, edits: Mapping[Place, Edit], gone: Sequence[Cluster], come: Sequence[Cluster]
    ) -> tuple[Named, ...]:
        """Goes on to a table that differs in some rules and clusters only.

        Args:
            table: the table.
            edits: the virtual hosts whose rules differ.
            gone: clusters that it has no more.
            come: clusters that it has besides.

        Returns:
            The resources that differ, sorted.
        """
        removed: list[Named] = [(TypeUrl.CLUSTER, one.name) for one in gone]
        put: list[tuple[TypeUrl, XdsResource]] = []
        asked, touched = self.asked.copy(), set[Named]()
        for one, more in (*((one, -1) for one in gone), *((one, 1) for one in come)):
            message = cluster(one, self.options)
            if more > 0:
                put.append((TypeUrl.CLUSTER, XdsResource.of(message.name, serialise(message))))
            for named in _asked(message):
                asked[named] += more
                touched.add(named)
        removed += (named for named in touched if not asked[named])
        put += ((named[0], _discovered(named, self.options)) for named in touched - self.asked.keys() if asked[named])
        for named in touched:
            if not asked[named]:
                del asked[named]
        rules = self._edited(table, edits)
        put += (piece_resource(self.pieces[name], [one.field for one in rules[name]]) for name in rules)
        # Nothing fails from here on: who goes on from this finds all of it changed, or nothing.
        self.snapshot, self.asked = self._with(removed, put), asked
        self.rules.update(rules)
        return tuple(sorted((*removed, *((type_url, one.name) for type_url, one in put))))

    def _enter(self, table: RouteTable) -> None:
        """Renders every virtual host, those that several listeners have alike only once."""
        probes, known = table.edge.http.probes, _Known()
        for port in table.listeners:
            for piece in pieces(port, self.options.sharding):
                self.pieces[piece.name] = piece
                self.rules[piece.name] = []
                for position, host in enumerate(piece.hosts):
                    found = known.get(host) or known.add(host_rules(host, probes, self.options.routing))
                    self.rules[piece.name].append(found)
                    if piece.clear or host.termination is not None:  # the others only keep requests out
                        self.places[port.name, host.host].append((piece.name, position))

    def _edited(self, table: RouteTable, edits: Mapping[Place, Edit]) -> dict[str, list[HostRules]]:
        """Renders the virtual hosts that differ; returns what is then rendered of their pieces."""
        by_name = {port.name: port for port in table.listeners}
        found: dict[str, list[HostRules]] = {}
        done: dict[int, tuple[HostRules, HostRules]] = {}  # of listeners that have a virtual host alike, once
        for (port, name), edit in edits.items():
            host = _virtual_host(by_name[port], name)
            for piece, position in self.places[port, name]:
                before = self.rules[piece][position]
                there = clear_text_host(host) if self.pieces[piece].clear else host
                _, after = done.get(id(before), (None, None))
                if after is None or after.host.guard != there.guard or not _same(after.host.routes, there.routes):
                    after = self._again(before, there, edit, whole=there is host)
                    done[id(before)] = before, after
                if piece not in found:
                    found[piece] = self.rules[piece].copy()
                found[piece][position] = after
        return found

    def _again(self, before: HostRules, host: VirtualHost, edit: Edit, *, whole: bool) -> HostRules:
        """Renders a virtual host anew; ``whole``: with all its rules, so that those that stay are there."""
        if whole:
            return edited(before, host, edit.gone, edit.come, self.options.routing)
        return host_rules(host, before.checks, self.options.routing)

    def _with(self, removed: Iterable[Named], put: Iterable[tuple[TypeUrl, XdsResource]]) -> Snapshot:
        fewer: dict[TypeUrl, list[str]] = defaultdict(list)
        more: dict[TypeUrl, list[XdsResource]] = defaultdict(list)
        for type_url, name in removed:
            fewer[type_url].append(name)
        for type_url, resource in put:
            more[type_url].append(resource)
        touched = fewer.keys() | more.keys()
        return self.snapshot.with_changes({t: self.snapshot[t].with_changes(fewer[t], more[t]) for t in touched})


class _Known:
    """Virtual hosts that were rendered, for others that are the same at another listener."""

    def __init__(self) -> None:
        self._by_host: dict[HostMatch, list[HostRules]] = defaultdict(list)

    def get(self, host: VirtualHost) -> HostRules | None:
        """What was rendered of one with the same guard and rules; how its TLS ends makes no difference here."""
        alike = (r for r in self._by_host[host.host] if r.host.guard == host.guard and r.host.routes == host.routes)
        return next(alike, None)

    def add(self, rules: HostRules) -> HostRules:
        """Keeps it."""
        self._by_host[rules.host.host].append(rules)
        return rules


def _same(some: Sequence[Route], others: Sequence[Route]) -> bool:
    return some is others or some == others  # most often they are, which a tuple doesn't ask itself


def _virtual_host(port: Listener, name: HostMatch) -> VirtualHost:
    return port.virtual_hosts[bisect_left(port.virtual_hosts, name, key=attrgetter("host"))]


def _asked(message: EnvoyCluster | EnvoyListener) -> set[Named]:
    """What a cluster or listener has come by discovery."""
    found: set[Named] = {(TypeUrl.SECRET, name) for name in secret_names(message)}
    if isinstance(message, EnvoyCluster):
        found.update((TypeUrl.ENDPOINT, name) for name in names_asked(message))
    return found


def _discovered(named: Named, options: RenderOptions) -> XdsResource:
    type_url, name = named
    if type_url is TypeUrl.ENDPOINT:
        return placeholder(name)
    return XdsResource.of(name, serialise(secret_named(name, options)))
