"""Who may see what: from the facts of one request to a viewer, or to a refusal. Pure."""

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network

ALL_NAMESPACES = "*"
_LONGEST_NAME = 256
_LONGEST_TOKEN = 1024
_MOST_GROUPS = 200
_BEARER = re.compile(r"bearer +([\x21-\x7e]+) *", re.IGNORECASE)
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, slots=True)
class Scope:
    """What somebody may see.

    Attributes:
        namespaces: what concerns routes of these; None for everything.
    """

    namespaces: frozenset[str] | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is kept from them."""
        return self.namespaces is None

    def sees(self, namespace: str) -> bool:
        """Whether what belongs to a namespace may be shown."""
        return self.namespaces is None or namespace in self.namespaces

    @classmethod
    def of(cls, names: Iterable[str]) -> "Scope":
        """The namespaces of these names; ``*`` is everything."""
        named = frozenset(names)
        return cls(None if ALL_NAMESPACES in named else named)


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who was let in.

    Attributes:
        name: as the token or the proxy calls them; ``anonymous`` where no credentials are asked for.
        scope: what they may see.
        through: ``token``, ``session``, ``proxy``, or ``loopback``.
    """

    name: str
    scope: Scope
    through: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Somebody who was not: 400 for another machine's name, 401 for credentials, 403 for no rights.

    Attributes:
        message: one sentence that tells nothing of what is there.
    """

    status: int
    message: str


@dataclass(frozen=True, slots=True)
class Token:
    """Who may come in with a token of which only the hash is known: 64 hex digits of SHA-256."""

    sha256: str
    name: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class Grants:
    """What an access file says.

    Attributes:
        tokens: who comes in with which token.
        users, groups: what those may see whom a proxy names.
    """

    tokens: tuple[Token, ...] = ()
    users: Mapping[str, Scope] = field(default_factory=dict)
    groups: Mapping[str, Scope] = field(default_factory=dict)


NO_GRANTS = Grants()


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings say about who comes in.

    Attributes:
        open: no credentials are asked for; only ever where nothing but this machine can reach the pages.
        hosts: names that requests may be for, besides those of this machine; empty, and not ``local``: any.
        local: the pages are on loopback, where a browser may be led by a name that is somebody else's.
        peers: the proxies whose headers are believed.
        user_header, groups_header: their names, in lower case.
    """

    open: bool
    local: bool
    hosts: frozenset[str] = frozenset()
    peers: tuple[Network, ...] = ()
    user_header: str = "x-forwarded-user"
    groups_header: str = "x-forwarded-groups"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a request.

    Attributes:
        peer: address of the other end of the connection; empty where it has none.
        hosts: every Host header.
        authorizations: every Authorization header.
        users, groups: every header of the names that proxies use.
        session: the hash of the token that a session of a browser was begun with; empty for none.
    """

    peer: str
    hosts: tuple[str, ...]
    authorizations: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    session: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """One request that was answered, or turned away.

    Attributes:
        viewer: who asked; empty for nobody known.
        path: without the query, which may hold what people search for.
        ms: until the answer ended, in milliseconds.
    """

    viewer: str
    through: str
    peer: str
    method: str
    path: str
    status: int
    ms: int


def digest_of(token: str) -> str:
    """What an access file holds of a token."""
    return sha256(token.encode(errors="replace")).hexdigest()


def decide(facts: Facts, rules: Rules, grants: Grants) -> Viewer | Refused:
    """Whether a request is let in, and who it then comes from.

    A token counts before what a proxy says; a wrong one is refused, whatever else is there.

    Args:
        facts: the request.
        rules: from the settings.
        grants: from the access file.
    """
    if not _for_us(facts.hosts, rules):
        return Refused(400, "this name is not one of these pages'")
    if rules.open:
        return Viewer("anonymous", EVERYTHING, "loopback")
    if facts.authorizations:
        bearer = _BEARER.fullmatch(facts.authorizations[0]) if len(facts.authorizations) == 1 else None
        return _holder(digest_of(bearer[1]), grants, "token") if bearer else _UNKNOWN
    if facts.users and _believed(facts.peer, rules):
        return _proxied(facts, grants)
    return _holder(facts.session, grants, "session") if facts.session else _UNKNOWN


_UNKNOWN = Refused(401, "credentials are needed: a token, or a proxy that knows you")


def holder_of(token: str, grants: Grants) -> Viewer | Refused:
    """Who may begin a session with a token."""
    return _holder(digest_of(token), grants, "session") if 0 < len(token) <= _LONGEST_TOKEN else _UNKNOWN


def _holder(digest: str, grants: Grants, through: str) -> Viewer | Refused:
    """Compares with every token, so that the time it takes tells of none of them."""
    found: Token | None = None
    for token in grants.tokens:
        if hmac.compare_digest(token.sha256.encode(), digest.encode(errors="replace")):
            found = token
    if found is None:
        return _UNKNOWN
    return Viewer(found.name, found.scope, through)


def _proxied(facts: Facts, grants: Grants) -> Viewer | Refused:
    """Who a proxy says it is. A name that came twice is none: one of them may be the client's own."""
    if len(facts.users) != 1 or not 0 < len(facts.users[0].strip()) <= _LONGEST_NAME:
        return Refused(401, "the proxy names nobody")
    user = facts.users[0].strip()
    named = [group.strip() for header in facts.groups for group in header.split(",")]
    if len(named) > _MOST_GROUPS:
        return Refused(403, "the proxy names too many groups")
    scopes = [grants.groups[group] for group in named if group in grants.groups]
    scopes += [grants.users[user]] if user in grants.users else []
    if not scopes:
        return Refused(403, "nothing here is for you")
    if any(scope.everything for scope in scopes):
        return Viewer(user, EVERYTHING, "proxy")
    return Viewer(user, Scope(frozenset[str]().union(*(s.namespaces or () for s in scopes))), "proxy")


def _believed(peer: str, rules: Rules) -> bool:
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any(mapped in network for network in rules.peers if network.version == mapped.version)


def _for_us(hosts: tuple[str, ...], rules: Rules) -> bool:
    """Whether the request means us. A page of somebody else's could let its name point to this machine."""
    if len(hosts) != 1:
        return False
    name = re.sub(r":[0-9]*$", "", hosts[0].strip().lower()).removesuffix(".")
    if name in rules.hosts or (rules.local and name in _LOOPBACK_NAMES):
        return True
    return not rules.local and not rules.hosts
