"""Typed input objects, old spellings already normalised to one form.

Field meanings follow the Emissary ``Mapping`` language (getambassador.io/v3alpha1); defaults are
applied on the way in, so that everything after the ``resources`` stage sees one explicit value.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TypeAlias

from reconciler.model.mapping_policy import MappingPolicyResource
from reconciler.model.match import ANY_HOST, HostMatch, MatchKind, NamedMatch, PathMatch, StringMatch
from reconciler.model.module import ModuleResource
from reconciler.model.origin import Attached, Kind, Origin, ResourceId
from reconciler.model.ownership import OwnershipResource
from reconciler.model.policy import NO_POLICY, DirectResponse, RoutePolicy
from reconciler.model.ports import PLAIN_HTTP, Stack, TcpContest, TcpMappingResource
from reconciler.model.services import (
    AuthServiceResource,
    LogServiceResource,
    RateLimitServiceResource,
    TracingServiceResource,
)
from reconciler.model.tls import NO_TLS, HostTls
from reconciler.model.tls_context import TlsContextResource
from reconciler.model.tls_module import TlsModuleResource
from reconciler.model.upstream import ANY_UPSTREAM, ServiceAddress, Upstream
from reconciler.model.upstream_resources import UpstreamResource

__all__ = [
    "ANY_HOST",
    "Competitor",
    "Contest",
    "HostMatch",
    "HostResource",
    "InsecureAction",
    "Kind",
    "LabelSelector",
    "ListenerResource",
    "MappingPolicyResource",
    "MappingResource",
    "MatchGroup",
    "MatchKind",
    "NamedMatch",
    "Origin",
    "OwnershipResource",
    "PathMatch",
    "Redirect",
    "RedirectCode",
    "RegexRewrite",
    "Rejected",
    "Resource",
    "ResourceId",
    "Scheme",
    "SecurityModel",
    "ServiceAddress",
    "StringMatch",
    "TcpMappingResource",
    "TlsContextResource",
    "TlsModuleResource",
    "contest",
]


@dataclass(frozen=True, slots=True, order=True)
class RegexRewrite:
    r"""RE2 ``pattern`` and ``substitution`` with ``\1`` references; applies to the path, not the query."""

    pattern: str
    substitution: str


class RedirectCode(IntEnum):
    """The statuses Envoy can redirect with (``RedirectAction.RedirectResponseCode``)."""

    MOVED_PERMANENTLY = 301
    FOUND = 302
    SEE_OTHER = 303
    TEMPORARY = 307
    PERMANENT = 308


class Scheme(StrEnum):
    """The schemes a redirect can change to."""

    HTTP = "http"
    HTTPS = "https"


@dataclass(frozen=True, slots=True)
class Redirect:
    """Answer with a redirect to ``host`` (``host[:port]``); at most one of path, prefix, regex is set.

    Without a ``scheme`` it keeps that of the request.
    """

    host: str
    path: str | None = None
    prefix: str | None = None
    regex: RegexRewrite | None = None
    code: RedirectCode = RedirectCode.MOVED_PERMANENTLY
    scheme: Scheme | None = None


MatchGroup: TypeAlias = tuple[
    int, HostMatch | None, PathMatch, StringMatch | None, tuple[NamedMatch, ...], tuple[NamedMatch, ...]
]


@dataclass(frozen=True, slots=True)
class MappingResource:
    """One Mapping.

    Attributes:
        host: None when none was given and only a Host's ``mappingSelector`` can place it.
        service: None for a redirect.
        rewrite: what replaces the matched prefix; None leaves the path alone.
        timeout_ms: whole-request timeout in milliseconds; 0 means none, None what the Module says.
        weight: percent of the requests of its group, 0..100; None takes the rest, or a share of it.
        policy: what else its route does.
        upstream: how Envoy talks to the service.
        tls_context: name of a TLSContext, ``name`` or ``name.namespace``, as written; empty for none.
        resolver: name of a resolver, as written; empty for the Module's.
        circuit_breaker, outlier_detection: names of such documents, as written; empty for none.
        emptied: fields written without content, sorted, so that the Module's default is not meant.
        answer: what Envoy answers instead of all that, as a MappingPolicy says.
        policies: the MappingPolicies that had a say, sorted by name; like ``answer`` the table stage fills it in.
    """

    origin: Origin
    labels: tuple[tuple[str, str], ...]
    host: HostMatch | None
    path: PathMatch
    method: StringMatch | None
    headers: tuple[NamedMatch, ...]  # sorted
    query: tuple[NamedMatch, ...]  # sorted
    service: ServiceAddress | None
    redirect: Redirect | None
    rewrite: str | None
    regex_rewrite: RegexRewrite | None
    host_rewrite: str | None
    auto_host_rewrite: bool
    timeout_ms: int | None
    precedence: int
    weight: int | None
    shadow: bool
    policy: RoutePolicy = NO_POLICY
    upstream: Upstream = ANY_UPSTREAM
    tls_context: str = ""
    resolver: str = ""
    circuit_breaker: str = ""
    outlier_detection: str = ""
    emptied: tuple[str, ...] = ()
    answer: DirectResponse | None = None
    policies: tuple[Attached, ...] = ()

    @property
    def group(self) -> "MatchGroup":
        """The requests this Mapping asks for; Mappings of one group compete for the same requests."""
        return (self.precedence, self.host, self.path, self.method, self.headers, self.query)


class InsecureAction(StrEnum):
    """What a Host does with a request that came without TLS."""

    ROUTE = "Route"
    REDIRECT = "Redirect"
    REJECT = "Reject"


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All ``match_labels`` must be there. ``None`` in a resource means everything is selected."""

    match_labels: tuple[tuple[str, str], ...]

    def selects(self, labels: tuple[tuple[str, str], ...]) -> bool:
        """Whether every wanted label is among ``labels``."""
        return set(self.match_labels) <= set(labels)


@dataclass(frozen=True, slots=True)
class HostResource:
    """One Host: a virtual host, which Mappings may attach to it, its TLS and its stance on clear text.

    ``insecure_port`` is where clear text is expected besides (``additionalPort``); None when nothing is said.
    """

    origin: Origin
    labels: tuple[tuple[str, str], ...]
    hostname: HostMatch
    mapping_selector: LabelSelector | None
    insecure_action: InsecureAction
    tls: HostTls = NO_TLS
    insecure_port: int | None = None

    def takes(self, mapping: MappingResource) -> bool:
        """Whether the Mapping attaches: hosts overlap and the selector, if any, selects its labels.

        A Mapping without a host attaches through a selector only.
        """
        if self.mapping_selector is None:
            return mapping.host is not None and mapping.host.overlaps(self.hostname)
        selected = self.mapping_selector.selects(mapping.labels)
        return selected and (mapping.host is None or mapping.host.overlaps(self.hostname))


class SecurityModel(StrEnum):
    """How a Listener tells whether a request is secure."""

    XFP = "XFP"
    SECURE = "SECURE"
    INSECURE = "INSECURE"


@dataclass(frozen=True, slots=True)
class ListenerResource:
    """One Listener.

    Attributes:
        host_namespaces: None binds Hosts of all namespaces.
        host_selector: which Hosts it binds.
        trusted_hops: proxies in front whose ``x-forwarded-*`` are believed (``l7Depth``).
        stats_prefix: of Envoy's statistics; empty for the usual one.
        max_streams: HTTP/2 requests of one connection at a time; None for Envoy's limit.
    """

    origin: Origin
    port: int
    security_model: SecurityModel
    host_namespaces: tuple[str, ...] | None
    host_selector: LabelSelector | None
    trusted_hops: int = 0
    stack: Stack = PLAIN_HTTP
    stats_prefix: str = ""
    max_streams: int | None = None

    def binds(self, host: HostResource) -> bool:
        """Whether this Listener serves the Host: by namespace and by selector."""
        in_reach = self.host_namespaces is None or host.origin.id.namespace in self.host_namespaces
        return in_reach and (self.host_selector is None or self.host_selector.selects(host.labels))


Resource: TypeAlias = (
    MappingResource
    | HostResource
    | ListenerResource
    | TcpMappingResource
    | TlsContextResource
    | TlsModuleResource
    | ModuleResource
    | UpstreamResource
    | MappingPolicyResource
    | OwnershipResource
    | AuthServiceResource
    | RateLimitServiceResource
    | TracingServiceResource
    | LogServiceResource
)

Competitor: TypeAlias = MappingResource | TcpMappingResource
Contest: TypeAlias = tuple[MatchGroup, tuple[ResourceId, ...]] | TcpContest


def contest(mapping: Competitor, selecting: Iterable[HostResource], *, implicit: bool = False) -> Contest:
    """What a Mapping competes for: the requests of its group, at the Hosts that select it by label.

    Mappings of one group that labels send to different Hosts never meet, unless they are served for being named.
    TCPMappings compete for connections.

    Args:
        mapping: the competitor.
        selecting: the Hosts that have a ``mapping_selector``, in order of identity.
        implicit: every host that a Mapping names is served.
    """
    if isinstance(mapping, TcpMappingResource):
        return mapping.group
    if implicit and mapping.host is not None:
        return mapping.group, ()
    return mapping.group, tuple(host.origin.id for host in selecting if host.takes(mapping))


@dataclass(frozen=True, slots=True)
class Rejected:
    """A document that gave no resource: what was served from it stays served.

    ``id`` is None when the document is too broken to say whose it is; then everything that was served
    from ``path`` and is not defined elsewhere stays. ``guard``: the kind it was to be, of
    those that guard every request.
    """

    path: str
    id: ResourceId | None = None
    guard: Kind | None = None
