"""Mappings, Hosts and an Ownership made by chance, each document in a folder of somebody."""

from dataclasses import dataclass
from random import Random

import yaml

from reconciler.model.match import HostMatch, MatchKind
from reconciler.model.origin import Kind, Origin, ResourceId
from reconciler.model.ownership import CLAIMING_KINDS, Owners, OwnershipResource, OwnershipRule
from reconciler.model.provenance import Provenance
from reconciler.model.resource import HostResource, MappingResource, Resource
from reconciler.model.source import SourceFile
from reconciler.model.table import Request
from reconciler.resources import load
from tests.support.generated_tables import Document, documents, requests
from tests.support.mappings import host, host_match, mapping

WRITERS = ("teams/a", "teams/b", "teams/c")
_HOSTS = ("*", "*.test", "*.a.test", "a.test", "b.test", "x.a.test", "a.b.c")
_PREFIXES = ("/a", "/a/", "/b/", "/A/", "/ab/", "/a/b", "/a/a/")

# A smaller world, where all come near each other.
_NEAR_HOSTS = (*("*",) * 6, *("a.test",) * 4, "*.test", "~[ab]\\.test", "~a\\.test:80", "a.*", "~.*")
_NEAR_PATHS = ("/", "/", "/a/", "/a/", "/A/", "/a/b", "/b")
_NEAR_PATTERNS = ("/a/.*", "/(a|b)/?.*", ".*", "(?i)/A/.*")


@dataclass(frozen=True)
class Owned:
    """A repository and what to ask of it."""

    resources: tuple[Resource, ...]
    requests: tuple[Request, ...]

    @property
    def rules(self) -> tuple[OwnershipRule, ...]:
        """Of its Ownership."""
        return next(one.rules for one in self.resources if isinstance(one, OwnershipResource))


def owned(seed: int, count: int) -> Owned:
    """Documents of all sorts, and so many requests."""
    chance = Random(f"owned {seed}")
    text = documents(seed).text
    found = list(yaml.safe_load_all(text))
    files = [
        SourceFile(f"{chance.choice(WRITERS)}/{number:03d}.yaml", "", yaml.safe_dump(document).encode())
        for number, document in enumerate(found)
    ]
    return Owned((*load(files).resources, ownership(chance, _HOSTS, _PREFIXES)), tuple(requests(seed, count, text)))


def duel(seed: int) -> Owned:
    """A few Mappings, and sometimes Hosts, around very few hosts and paths."""
    chance = Random(f"duel {seed}")
    mappings = [_near(chance, f"m{number}") for number in range(chance.randint(2, 4))]
    hosts = [_near_host(chance, name) for name in ("*", "a.test")] if chance.random() < 0.3 else []
    asked = tuple(
        Request(name, path, headers=(("x-a", "1"),) if given else ())
        for name in ("a.test", "b.test", "a.test:80")
        for path in ("/", "/a/", "/a/b", "/A/b", "/b")
        for given in (False, True)
    )
    return Owned(
        (*mappings, *hosts, ownership(chance, ("*", "*.test", "a.test"), ("/a/", "/a/", "/a/b", "/A/"))), asked
    )


def _near(chance: Random, name: str) -> MappingResource:
    regex, exact = chance.random() < 0.15, chance.random() < 0.1
    return mapping(
        name,
        chance.choice(_NEAR_PATTERNS if regex else _NEAR_PATHS),
        host=None if chance.random() < 0.1 else chance.choice(_NEAR_HOSTS),
        kind=MatchKind.REGEX if regex else MatchKind.EXACT if exact else MatchKind.PREFIX,
        case_sensitive=regex or chance.random() < 0.8,
        method="GET" if chance.random() < 0.1 else None,
        headers={"x-a": "1"} if chance.random() < 0.2 else None,
        precedence=chance.choice((0, 0, 0, 1, -1)),
        labels={"l": "1"} if chance.random() < 0.3 else None,
        path=f"{chance.choice(WRITERS)}/{name}.yaml",
    )


def _near_host(chance: Random, hostname: str) -> HostResource:
    selector = {"l": "1"} if chance.random() < 0.3 else None
    return host(f"h{hostname.strip('*')}", hostname, selector=selector)


def ownership(chance: Random, hosts: tuple[str, ...], prefixes: tuple[str, ...]) -> OwnershipResource:
    """An Ownership of some rules. Of Hosts it says nothing, so that all of them are served."""
    origin = Origin(ResourceId(Kind.OWNERSHIP, "default", "owners"), Provenance("platform/owners.yaml", 1), b"")
    rules = tuple(_rule(chance, hosts, prefixes) for _ in range(chance.randint(1, 4)))
    return OwnershipResource(origin, rules=rules, deny=chance.random() < 0.1)


def ownership_of(hostname: str, prefix: str, path: str) -> OwnershipResource:
    """An Ownership of one rule."""
    origin = Origin(ResourceId(Kind.OWNERSHIP, "default", "owners"), Provenance("platform/owners.yaml", 1), b"")
    rule = OwnershipRule((host_match(hostname),), (prefix,), (), CLAIMING_KINDS, Owners(paths=(path,)), line=1)
    return OwnershipResource(origin, rules=(rule,))


def _rule(chance: Random, hosts: tuple[str, ...], prefixes: tuple[str, ...]) -> OwnershipRule:
    shared = chance.random() < 0.1
    some = tuple(sorted(chance.sample(WRITERS, chance.choice((1, 1, 2)))))
    parts = {chance.choice(prefixes) for _ in range(chance.choice((1, 2)))} if chance.random() < 0.5 else {"/"}
    names: set[HostMatch] = {host_match(chance.choice(hosts)) for _ in range(chance.choice((1, 2)))}
    owners = Owners(everyone=True) if shared else Owners(paths=some)
    kinds = tuple(kind for kind in CLAIMING_KINDS if kind is not Kind.HOST)
    return OwnershipRule(tuple(sorted(names)), tuple(sorted(parts)), (), kinds, owners, line=1)


def an_ownership(chance: Random, name: str, writers: tuple[str, ...]) -> Document:
    """An Ownership as a document."""
    rules: list[Document] = []
    for _ in range(chance.randint(1, 3)):
        rule: Document = {"hosts": sorted({chance.choice(_HOSTS), chance.choice(_HOSTS)})}
        if chance.random() < 0.6:
            rule["prefixes"] = [chance.choice(_PREFIXES)]
        rules.append(rule | {"owners": {"paths": sorted(chance.sample(writers, 1))}})
    spec: Document = {"rules": rules}
    if chance.random() < 0.2:
        spec["enforce"] = False
    metadata = {"name": name}
    return {"apiVersion": "reconciler.dev/v1alpha1", "kind": "Ownership", "metadata": metadata, "spec": spec}
