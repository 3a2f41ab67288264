"""Ownership: which folders, namespaces and teams may claim which hosts, prefixes and ports.

GitHub's code owners have the idea of the file (https://docs.github.com/articles/about-code-owners), ``allowedRoutes``
of the Gateway API that of asking where an object stands (https://gateway-api.sigs.k8s.io/concepts/security-model/).
"""

from dataclasses import dataclass

from reconciler.model.match import HostMatch
from reconciler.model.origin import Kind, Origin

WHOLE = "/"  # the prefix of all paths

# Kinds that claim hosts. What the others say is either for everybody (`PLATFORM_KINDS`) or claims nothing.
CLAIMING_KINDS = (Kind.MAPPING, Kind.TCP_MAPPING, Kind.HOST, Kind.TLS_CONTEXT)


@dataclass(frozen=True, slots=True)
class Owners:
    """Who may claim something; each sorted.

    Attributes:
        teams: by name.
        namespaces: of objects of the cluster. What a file says of its namespace is no proof of anything.
        paths: folders and files of the repository, ``.`` for all of it.
        everyone: it is shared.
    """

    teams: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    everyone: bool = False


@dataclass(frozen=True, slots=True)
class Team:
    """Namespaces of the cluster and paths of the repository that belong together."""

    name: str
    namespaces: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OwnershipRule:
    """Who owns some hosts, or parts of them, or ports.

    Attributes:
        hosts: names, suffixes and the one for all; empty where ``ports`` are meant.
        prefixes: of paths, plain text as in a Mapping.
        ports: of TCPMappings.
        kinds: whose claims it is about.
        line: in the file of its document.
    """

    hosts: tuple[HostMatch, ...]
    prefixes: tuple[str, ...]
    ports: tuple[int, ...]
    kinds: tuple[Kind, ...]
    owners: Owners
    line: int = 0


@dataclass(frozen=True, slots=True)
class OwnershipResource:
    """One Ownership.

    Attributes:
        platform: who may write what concerns everybody; None where it does not say.
        deny: what no rule is about belongs to nobody, instead of everybody.
        enforce: False: what would be refused is only told.
    """

    origin: Origin
    teams: tuple[Team, ...] = ()
    rules: tuple[OwnershipRule, ...] = ()
    platform: Owners | None = None
    deny: bool = False
    enforce: bool = True
