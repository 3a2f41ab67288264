"""What the API answers with about the controller as it is now, as types."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.model.plain import plain
from reconciler.model.problem import Problem
from reconciler.model.resource import ResourceId
from reconciler.model.table import Cluster, Forward, Route, TcpRoute
from reconciler.web.api.entry_models import BlamedModel, PlaceModel, RouteChangeModel
from reconciler.web.view import Envoy, Matched


@dataclass(frozen=True, slots=True)
class NameModel:
    """A resource by kind, namespace and name."""

    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, name: ResourceId) -> "NameModel":
        """An identity as JSON has it."""
        return cls(str(name.kind), name.namespace, name.name)


@dataclass(frozen=True, slots=True)
class RouteModel:
    """A rule that is served: of HTTP requests (`path` is set), or of connections (`path` is null)."""

    kind: str
    namespace: str
    name: str
    host: str
    path: str | None
    path_kind: str | None
    to: str
    place: PlaceModel

    @classmethod
    def of(cls, route: Route | TcpRoute, clusters: dict[str, Cluster]) -> "RouteModel":
        """A rule as JSON has it."""
        named = str(route.id.kind), route.id.namespace, route.id.name
        place = PlaceModel.at(route.provenance)
        if isinstance(route, TcpRoute):
            hosts = ", ".join(str(host) for host, _ in route.servers) or "*"
            return cls(*named, hosts, None, None, _address(route.cluster, clusters), place)
        to = _address(route.action.cluster, clusters) if isinstance(route.action, Forward) else "Envoy"
        return cls(*named, str(route.host), route.path.value, str(route.path.kind.value), to, place)


@dataclass(frozen=True, slots=True)
class RoutePage:
    """Rules in the order in which they are tried. `found` counts all that were asked for; `next` goes into `first`."""

    routes: list[RouteModel]
    found: int
    next: int | None


@dataclass(frozen=True, slots=True)
class RouteWhole:
    """One route: the rules it is served as (none where it is not), each of its fields with its origin, its history."""

    namespace: str
    name: str
    rules: list[dict[str, Any]]
    places: list[PlaceModel]
    blame: list[BlamedModel]
    history: list[RouteChangeModel]

    @staticmethod
    def rule(route: Route | TcpRoute) -> dict[str, Any]:
        """All fields of a rule that are not as they are by default."""
        found = plain(route)
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class TakerModel:
    """A route that takes so many percent of such requests."""

    route: NameModel
    place: PlaceModel
    percent: int
    answer: str
    auth: str
    policies: list[str]


@dataclass(frozen=True, slots=True)
class MissModel:
    """A route that might have been meant, and what kept it from taking the request."""

    route: NameModel
    place: PlaceModel
    reason: str


@dataclass(frozen=True, slots=True)
class MatchModel:
    """What becomes of a request, by what is served now."""

    served: bool
    answer: str
    listener: str
    virtual_host: str
    takers: list[TakerModel]
    misses: list[MissModel]

    @classmethod
    def of(cls, found: Matched) -> "MatchModel":
        """A match as JSON has it."""
        takers = [
            TakerModel(
                NameModel.of(one.id),
                PlaceModel.at(one.provenance),
                one.percent,
                one.answer,
                one.auth,
                list(one.policies),
            )
            for one in found.takers
        ]
        misses = [MissModel(NameModel.of(one.id), PlaceModel.at(one.provenance), one.reason) for one in found.misses]
        return cls(found.served, found.answer, found.listener, found.virtual_host, takers, misses)


@dataclass(frozen=True, slots=True)
class ProblemModel:
    """A finding of the last revision that was looked at."""

    code: str
    severity: str
    resource: str
    field: str
    message: str
    expected: str
    got: str
    hint: str
    place: PlaceModel
    related: list[PlaceModel]

    @classmethod
    def of(cls, one: Problem) -> "ProblemModel":
        """A finding as JSON has it."""
        related = [PlaceModel.at(place) for place in one.related]
        words = str(one.code), str(one.severity), one.resource, one.field, one.message, one.expected, one.got, one.hint
        return cls(*words, PlaceModel.at(one.provenance), related)


@dataclass(frozen=True, slots=True)
class QuarantinedModel:
    """A resource that is not served as it is written."""

    kind: str
    namespace: str
    name: str
    older_version_served: bool


@dataclass(frozen=True, slots=True)
class ProblemPage:
    """Findings, best first. `found` counts them all."""

    problems: list[ProblemModel]
    found: int
    quarantined: list[QuarantinedModel]


@dataclass(frozen=True, slots=True)
class AckModel:
    """One Envoy's word on one type of resource."""

    type: str
    version: str
    state: str
    detail: str


@dataclass(frozen=True, slots=True)
class EnvoyModel:
    """A connected Envoy. `state` is the worst of `acks`; null before anything is served."""

    node: str
    cluster: str
    user_agent: str
    protocol: str
    connected_since: datetime
    state: str | None
    pushes: int
    accepted: int
    rejected: int
    acks: list[AckModel]

    @classmethod
    def of(cls, envoy: Envoy) -> "EnvoyModel":
        """An Envoy as JSON has it."""
        return cls(
            node=envoy.node,
            cluster=envoy.cluster,
            user_agent=envoy.user_agent,
            protocol=envoy.protocol,
            connected_since=envoy.connected_since,
            state=str(envoy.state) if envoy.state else None,
            pushes=envoy.pushes,
            accepted=envoy.accepted,
            rejected=envoy.rejected,
            acks=[AckModel(ack.type_url, ack.version, str(ack.state), ack.detail) for ack in envoy.acks],
        )


def _address(cluster: str, clusters: dict[str, Cluster]) -> str:
    found = clusters.get(cluster)
    return str(found.address) if found else cluster
