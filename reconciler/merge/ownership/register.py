"""All that Ownerships say, and what they say of a document."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from reconciler.merge.ownership.holders import Claimant, Holders, folders, of_teams, united
from reconciler.merge.ownership.secrets import foreign_secret
from reconciler.merge.ownership.spaces import Space, Spaces
from reconciler.model.match import ANY_HOST, HostMatch, MatchKind, PathMatch
from reconciler.model.origin import PLATFORM_KINDS, Kind, Origin, ResourceId
from reconciler.model.ownership import CLAIMING_KINDS, WHOLE, Owners, OwnershipResource, OwnershipRule, Team
from reconciler.model.platform import serves_all_that_is_named
from reconciler.model.ports import TcpMappingResource
from reconciler.model.problem import Code
from reconciler.model.provenance import Provenance
from reconciler.model.resource import HostResource, MappingResource, Resource
from reconciler.model.tls_context import TlsContextResource

_ALL_PATHS = PathMatch(MatchKind.PREFIX, WHOLE)


@dataclass(frozen=True, slots=True)
class Trespass:
    """Why a document is not its author's to write.

    Attributes:
        claims: what it asks for, in words.
        holders: whose that is; None where nobody owns it, and so nobody may have it.
        rule: where that is said; None where an object of the cluster bears the namespace of another.
        field: of the document.
        remedy: what helps besides asking the holders.
        code: of the problem that it is.
    """

    claims: str
    holders: Holders | None
    rule: Provenance | None
    field: str
    remedy: str = ""
    code: Code = Code.NOT_OWNER


@dataclass(frozen=True, slots=True)
class Register:
    """Who owns what.

    Attributes:
        spaces: by the kind that claims them.
        ports: of TCPMappings.
        platform: who may write what concerns everybody; None: anybody may.
        bound: namespaces of teams, each with who may bear it.
        sharing: the namespaces of each team.
        deny: where it says that what nobody owns belongs to nobody; None where it does not.
        unknown: teams that rules name and nobody declares, each with where.
        platform_namespaces: see `Limits`.
    """

    spaces: Mapping[Kind, Spaces]
    ports: Mapping[int, Space]
    platform: Space | None
    bound: Mapping[str, Space]
    sharing: tuple[frozenset[str], ...]
    deny: Provenance | None
    unknown: tuple[tuple[str, Origin, Provenance], ...]
    empty: bool
    platform_namespaces: tuple[str, ...] = ()

    @classmethod
    def of(cls, ownerships: Iterable[OwnershipResource], platform_namespaces: tuple[str, ...] = ()) -> "Register":
        """What some Ownerships say together; the same for every order of them."""
        listed = sorted(ownerships, key=lambda one: one.origin.id)
        return replace(_Entering(listed).register(), platform_namespaces=platform_namespaces)

    def may_bear(self, name: ResourceId, claimant: Claimant) -> bool:
        """Whether somebody may speak of an identity, by its namespace."""
        return self._of_namespace(name, claimant) is None

    def trespass(
        self, resource: Resource, claimant: Claimant, hosts: Callable[[], Sequence[HostResource]]
    ) -> Trespass | None:
        """Why a document may not stand where it does; None if it may.

        Args:
            resource: it; of a MappingPolicy only its namespace is looked at.
            claimant: who wrote it, or a policy about it.
            hosts: the Hosts that are served, asked for only where they matter.
        """
        found = self._of_namespace(resource.origin.id, claimant) or self._of_secrets(resource, claimant)
        if found is not None or self.empty:
            return found
        match resource:
            case MappingResource():
                return self._of_mapping(resource, claimant, hosts)
            case HostResource():
                return self._of_hosts(resource, [resource.hostname], claimant, "spec.hostname")
            case TlsContextResource():
                return self._of_hosts(resource, resource.hosts, claimant, "spec.hosts")
            case TcpMappingResource():
                return self._of_connections(resource, claimant)
        if resource.origin.id.kind in PLATFORM_KINDS and not isinstance(resource, OwnershipResource):
            return self.of_platform(resource.origin.id.kind, claimant)
        return None

    def of_platform(self, kind: Kind, claimant: Claimant) -> Trespass | None:
        """Why somebody may not write what concerns everybody."""
        if self.platform is None or self.platform.holders.include(claimant):
            return None
        return Trespass(f"what a {kind} says, which concerns everybody", self.platform.holders, self.platform.rule, "")

    def lends(self, namespace: str, claimant: Claimant) -> bool:
        """Whether somebody may use what is a namespace's own. Files may: whoever reviews them sees what they name."""
        own = claimant.namespace
        if own in (None, namespace) or any({own, namespace} <= shared for shared in self.sharing):
            return True
        return self.platform is not None and self.platform.holders.include(claimant)

    def _of_secrets(self, resource: Resource, claimant: Claimant) -> Trespass | None:
        """Envoy has the keys of all, and shows none for whoever could not read it in Kubernetes."""
        found = foreign_secret(resource, lambda space: self.lends(space, claimant)) if claimant.namespace else None
        return None if found is None else Trespass(str(found[1]), None, None, found[0], code=Code.NOT_ALLOWED)

    def _of_namespace(self, name: ResourceId, claimant: Claimant) -> Trespass | None:
        """An object of the cluster speaks for its own namespace, and for others of its team; a file as teams say."""
        namespace = name.namespace
        own, bound = claimant.namespace, self.bound.get(namespace)
        if own == namespace or (own is None and bound is None) or name.kind is Kind.OWNERSHIP:
            return None
        if own is not None and self.lends(namespace, claimant):
            return None
        if self.platform is not None and self.platform.holders.include(claimant):
            return None
        if own is None and bound is not None and bound.holders.include(claimant):
            return None
        claims, field = f"the namespace {namespace}", "metadata.namespace"
        if bound is None:
            remedy = f"Write {own}, or write it in an object there, or declare both as namespaces of one team"
            return Trespass(claims, None, None, field, remedy)
        return Trespass(claims, bound.holders, bound.rule, field, "use another namespace")

    def _of_mapping(
        self, mapping: MappingResource, claimant: Claimant, hosts: Callable[[], Sequence[HostResource]]
    ) -> Trespass | None:
        """All that it may match must be its author's. Hosts leave of it only what they serve, which may be less."""
        found = self._of_requests(mapping, mapping.host or ANY_HOST, claimant)
        if found is None:
            return None
        served = hosts()
        if mapping.host is not None and serves_all_that_is_named(served, self.platform_namespaces):
            return found
        for host in served:
            if host.takes(mapping):
                reached = self._of_requests(mapping, _narrower(mapping.host or ANY_HOST, host.hostname), claimant)
                if reached is not None:
                    if mapping.host in (None, ANY_HOST):
                        more = f"it is served at {host.hostname} since it names no other host"
                        reached = replace(reached, remedy=f"{reached.remedy}; {more}")
                    return reached
        return None

    def _of_requests(self, mapping: MappingResource, host: HostMatch, claimant: Claimant) -> Trespass | None:
        spaces = self.spaces[Kind.MAPPING]
        found = spaces.trespass(claimant, host, mapping.path, lambda space: _comes_behind(mapping, space))
        if isinstance(found, Space):
            where = f"requests of {found.host}{'' if found.prefix == WHOLE else found.prefix + '…'}"
            field = "spec.hostname" if found.prefix == WHOLE else "spec.prefix"
            remedy = "ask for less" if mapping.precedence <= 0 else "ask for less, without a precedence"
            return Trespass(where, found.holders, found.rule, field, remedy)
        return self._unowned(f"requests of {host}", "spec.hostname") if found else None

    def _of_hosts(
        self, resource: Resource, hosts: Iterable[HostMatch], claimant: Claimant, field: str
    ) -> Trespass | None:
        """A wider host gives way to all that are narrower, by the domains of Envoy and the names clients ask for."""
        spaces = self.spaces[resource.origin.id.kind]
        for host in hosts:
            found = spaces.trespass(claimant, host, _ALL_PATHS, partial(_wider_than, host))
            if isinstance(found, Space):
                return Trespass(f"the host {found.host}", found.holders, found.rule, field, "name another host")
            if found and self.deny is not None:
                return self._unowned(f"the host {host}", field)
        return None

    def _of_connections(self, mapping: TcpMappingResource, claimant: Claimant) -> Trespass | None:
        port = self.ports.get(mapping.port)
        if port is not None and not port.holders.include(claimant):
            return Trespass(f"the port {mapping.port}", port.holders, port.rule, "spec.port", "use another port")
        if mapping.host is not None:
            return self._of_hosts(mapping, [mapping.host], claimant, "spec.host")
        return self._unowned(f"the port {mapping.port}", "spec.port") if port is None else None

    def _unowned(self, claims: str, field: str) -> Trespass | None:
        return None if self.deny is None else Trespass(claims, None, self.deny, field)


def _comes_behind(mapping: MappingResource, space: Space) -> bool:
    """Whether a Mapping is asked after all that lie in a space, unless those say by ``precedence`` that they are last.

    Rules are asked by precedence, then by the length of the path, then by conditions, the host counting as one.
    """
    if mapping.path.kind is not MatchKind.PREFIX or mapping.precedence > 0:
        return False
    if len(mapping.path.value) < len(space.prefix):
        return True
    plain = not (mapping.headers or mapping.query or mapping.method)
    same = mapping.path.value == space.prefix and mapping.path.case_sensitive
    return plain and same and mapping.host != space.host and _is_wider(mapping.host or ANY_HOST, space.host)


def _wider_than(host: HostMatch, space: Space) -> bool:
    return _is_wider(host, space.host)


def _is_wider(host: HostMatch, other: HostMatch) -> bool:
    return host != other and host.kind is not MatchKind.REGEX and host.covers(other)


def _narrower(asked: HostMatch, served: HostMatch) -> HostMatch:
    """What both mean, or more than that."""
    return asked if served.covers(asked) else served


class _Entering:
    """Gathers what Ownerships say."""

    def __init__(self, ownerships: Sequence[OwnershipResource]) -> None:
        self._ownerships = ownerships
        self._teams: dict[str, list[Team]] = defaultdict(list)
        for ownership in ownerships:
            for team in ownership.teams:
                self._teams[team.name].append(team)
        self._unknown: list[tuple[str, Origin, Provenance]] = []

    def register(self) -> Register:
        """All of it."""
        rules = [(one, rule) for one in self._ownerships for rule in one.rules]
        holders = [self._holders(rule.owners, one.origin, _at(one, rule)) for one, rule in rules]
        listed = [(rule, who, _at(one, rule)) for (one, rule), who in zip(rules, holders, strict=True)]
        said = [(one.platform, one.origin) for one in self._ownerships if one.platform is not None]
        platform = [
            Space(ANY_HOST, WHOLE, self._holders(who, origin, origin.provenance), origin.provenance)
            for who, origin in said
        ]
        deny = [one.origin.provenance for one in self._ownerships if one.deny]
        return Register(
            spaces={kind: Spaces.of(_joined(_spaces(listed, kind))) for kind in CLAIMING_KINDS},
            ports=dict(self._ports(listed)),
            platform=next(iter(_joined(platform)), None),
            bound=dict(self._bound()),
            sharing=tuple(of_teams(teams).namespaces for teams in self._teams.values()),
            deny=deny[0] if deny else None,
            unknown=tuple(self._unknown),
            empty=not (rules or platform or deny),
        )

    def _holders(self, owners: Owners, origin: Origin, at: Provenance) -> Holders:
        self._unknown += [(team, origin, at) for team in owners.teams if team not in self._teams]
        named = (*(f"namespace {one}" for one in owners.namespaces), *owners.paths)
        teams = [of_teams(self._teams.get(team, [Team(team)])) for team in owners.teams]
        own = Holders(named, frozenset(owners.namespaces), folders(owners.paths), owners.everyone)
        return united([own, *teams])

    def _ports(self, listed: Iterable[tuple[OwnershipRule, Holders, Provenance]]) -> Iterator[tuple[int, Space]]:
        by_port: dict[int, list[Space]] = defaultdict(list)
        for rule, holders, at in listed:
            for port in rule.ports:
                by_port[port].append(Space(ANY_HOST, WHOLE, holders, at))
        return ((port, joined) for port, spaces in by_port.items() for joined in _joined(spaces))

    def _bound(self) -> Iterator[tuple[str, Space]]:
        """Each namespace of a team with all teams that have it."""
        having: dict[str, list[Space]] = defaultdict(list)
        for one in self._ownerships:
            for team in one.teams:
                for namespace in team.namespaces:
                    holders = of_teams(self._teams[team.name])
                    having[namespace].append(Space(ANY_HOST, WHOLE, holders, one.origin.provenance))
        return ((namespace, joined) for namespace, spaces in having.items() for joined in _joined(spaces))


def _at(ownership: OwnershipResource, rule: OwnershipRule) -> Provenance:
    return replace(ownership.origin.provenance, line=rule.line or ownership.origin.provenance.line)


def _spaces(listed: Iterable[tuple[OwnershipRule, Holders, Provenance]], kind: Kind) -> Iterator[Space]:
    """What a kind may ask for: only Mappings ask for less than a whole host."""
    for rule, holders, at in listed:
        if kind in rule.kinds:
            prefixes = [prefix for prefix in rule.prefixes if kind is Kind.MAPPING or prefix == WHOLE]
            yield from (Space(host, prefix, holders, at) for host in rule.hosts for prefix in prefixes)


def _joined(spaces: Iterable[Space]) -> Iterator[Space]:
    """Each space once, with the holders of all rules about it; the first of them is named."""
    same: dict[tuple[HostMatch, str], list[Space]] = defaultdict(list)
    for space in spaces:
        same[space.host, space.prefix].append(space)
    for found in same.values():
        yield replace(found[0], holders=united(one.holders for one in found)) if len(found) > 1 else found[0]
