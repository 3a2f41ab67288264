"""The route table: the intermediate representation. It knows nothing of YAML, Git, Kubernetes or Envoy."""

from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.model.edge import PLAIN_EDGE, Edge
from reconciler.model.origin import Attached
from reconciler.model.policy import NO_POLICY, DirectResponse, RoutePolicy
from reconciler.model.ports import PLAIN_HTTP, Stack
from reconciler.model.provenance import Provenance
from reconciler.model.rank import FIRST, Rank
from reconciler.model.resource import (
    HostMatch,
    InsecureAction,
    NamedMatch,
    PathMatch,
    Redirect,
    RegexRewrite,
    ResourceId,
    SecurityModel,
    ServiceAddress,
    StringMatch,
)
from reconciler.model.tls import Termination
from reconciler.model.upstream import ANY_UPSTREAM, Upstream


@dataclass(frozen=True, slots=True)
class Cluster:
    """An upstream, named; one per distinct address and way to talk to it."""

    name: str
    address: ServiceAddress
    upstream: Upstream = ANY_UPSTREAM


@dataclass(frozen=True, slots=True, order=True)
class Mirror:
    """Copy ``percent`` of the requests to ``cluster`` and drop its answers."""

    cluster: str
    percent: int


@dataclass(frozen=True, slots=True)
class Forward:
    """Send the request to a cluster. At most one of ``prefix_rewrite`` and ``regex_rewrite`` is set.

    A REGEX path with a ``rewrite`` becomes a ``regex_rewrite`` of the whole match here.
    """

    cluster: str
    prefix_rewrite: str | None = None
    regex_rewrite: RegexRewrite | None = None
    host_rewrite: str | None = None
    auto_host_rewrite: bool = False
    timeout_ms: int = 3000
    mirrors: tuple[Mirror, ...] = ()


Action: TypeAlias = Forward | Redirect | DirectResponse


@dataclass(frozen=True, slots=True)
class Route:
    """One Mapping as a rule: if every condition holds and no earlier rule did, take ``action``.

    Attributes:
        name: ``namespace/name`` of the Mapping.
        threshold: of a weighted group: the rule holds for requests whose random number in 0..99 is below
            it, so that thresholds of a group add up; None holds for all. The last of a group has None.
        policies: the MappingPolicies that had a say in it, sorted by name.
        rank: its place in the match order, the same in every list of rules.
    """

    name: str
    id: ResourceId
    provenance: Provenance
    host: HostMatch
    path: PathMatch
    method: StringMatch | None
    headers: tuple[NamedMatch, ...]
    query: tuple[NamedMatch, ...]
    precedence: int
    threshold: int | None
    action: Action
    policy: RoutePolicy = NO_POLICY
    policies: tuple[Attached, ...] = ()
    rank: Rank = field(default=FIRST, compare=False, repr=False)


# What an ACME server asks for in clear text to see who owns a host (RFC 8555, section 8.3): never guarded.
ACME_CHALLENGES = "/.well-known/acme-challenge/"


@dataclass(frozen=True, slots=True)
class Guard:
    """What a virtual host does with insecure requests instead of routing them, `ACME_CHALLENGES` excepted.

    Attributes:
        by_header: only those whose ``x-forwarded-proto`` says ``http`` (XFP); otherwise all.
        past_auth: they are answered without the auth service.
    """

    action: InsecureAction
    by_header: bool
    past_auth: bool = False


@dataclass(frozen=True, slots=True)
class VirtualHost:
    """The rules, in match order, for requests to ``host``.

    ``termination``: how TLS ends for its clients on a listener that ends TLS; None: it is not served there.
    """

    host: HostMatch
    routes: tuple[Route, ...]
    guard: Guard | None = None
    termination: Termination | None = None


@dataclass(frozen=True, slots=True)
class TcpRoute:
    """One TCPMapping as a rule of its port: ``percent`` of the connections it is about go to ``cluster``.

    Attributes:
        name: ``namespace/name`` of the TCPMapping.
        servers: the TLS connections meant, by the name the client asks for, each with how their TLS ends; none: all
            connections, as they come.
        idle_timeout_ms: a connection without a byte for so long is closed; 0 for never, None for Envoy's hour.
    """

    name: str
    id: ResourceId
    provenance: Provenance
    servers: tuple[tuple[HostMatch, Termination], ...]
    cluster: str
    percent: int = 100
    idle_timeout_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    """A port, its virtual hosts and its TCP routes. ``name`` also names its route configuration for clear text.

    Attributes:
        trusted_hops: proxies in front whose ``x-forwarded-*`` are believed.
        stats_prefix: of Envoy's statistics; empty for the usual one.
        max_streams: HTTP/2 requests of one connection at a time; None for Envoy's limit.
        advertises_http3: answers tell clients that there is HTTP/3 (RFC 7838).
        tcp_routes: sorted by name; those of one ``servers`` share the connections.
    """

    name: str
    address: str
    port: int
    security_model: SecurityModel
    virtual_hosts: tuple[VirtualHost, ...]
    trusted_hops: int = 0
    stack: Stack = PLAIN_HTTP
    stats_prefix: str = ""
    max_streams: int | None = None
    advertises_http3: bool = False
    tcp_routes: tuple[TcpRoute, ...] = ()


@dataclass(frozen=True, slots=True)
class RouteTable:
    """Everything that is to be served.

    Attributes:
        listeners: sorted by port.
        routes: every rule once, in the order of the language; the first that matches a request wins.
        clusters: sorted by name.
        edge: what all listeners have in common.
    """

    listeners: tuple[Listener, ...]
    routes: tuple[Route, ...]
    clusters: tuple[Cluster, ...]
    edge: Edge = PLAIN_EDGE

    @property
    def tcp_routes(self) -> tuple[TcpRoute, ...]:
        """The rules for connections, by port."""
        return tuple(route for listener in self.listeners for route in listener.tcp_routes)


EMPTY_TABLE = RouteTable((), (), ())


@dataclass(frozen=True, slots=True)
class Request:
    """A request to ask the table about; ``headers`` names are lower case, ``port`` the listener's or None for any.

    ``tls``: it comes over TLS, which the client began by asking for ``host`` (SNI).
    ``query``: parameters as they are sent; the value of one without ``=`` is None.
    """

    host: str
    path: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    query: tuple[tuple[str, str | None], ...] = ()
    port: int | None = None
    tls: bool = False
