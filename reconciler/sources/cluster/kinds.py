"""The custom resources that are read, and which of their versions a server has."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TypeAlias

from reconciler.cluster import ObjectType

_LANGUAGE = "getambassador.io"
_OWN = "reconciler.dev"
# Newest first: a server that converts between them gives each object in the version that is asked for.
_VERSIONS = {_LANGUAGE: ("v3alpha1", "v2", "v1"), _OWN: ("v1alpha1",)}

_CERTAIN = 2  # answers in a row: what only one of several API servers does not know yet is no reason to give it up

# Group, plural and kind.
CustomKind: TypeAlias = tuple[str, str, str]

# What a Mapping needs others for stands beside them, so that all of a group are read or none.
CUSTOM_KINDS: tuple[CustomKind, ...] = (
    (_LANGUAGE, "authservices", "AuthService"),
    (_LANGUAGE, "consulresolvers", "ConsulResolver"),
    (_LANGUAGE, "hosts", "Host"),
    (_LANGUAGE, "kubernetesendpointresolvers", "KubernetesEndpointResolver"),
    (_LANGUAGE, "kubernetesserviceresolvers", "KubernetesServiceResolver"),
    (_LANGUAGE, "listeners", "Listener"),
    (_LANGUAGE, "logservices", "LogService"),
    (_LANGUAGE, "mappings", "Mapping"),
    (_LANGUAGE, "modules", "Module"),
    (_LANGUAGE, "ratelimitservices", "RateLimitService"),
    (_LANGUAGE, "tcpmappings", "TCPMapping"),
    (_LANGUAGE, "tlscontexts", "TLSContext"),
    (_LANGUAGE, "tracingservices", "TracingService"),
    (_OWN, "mappingpolicies", "MappingPolicy"),
)


@dataclass(slots=True)
class _Heard:
    """What was heard of one kind.

    Attributes:
        known: whether anything is believed of it.
        believed: the version to follow; None where the server does not know the kind.
        doubt: what was heard last that is not believed yet, and how often in a row.
    """

    known: bool = False
    believed: ObjectType | None = None
    doubt: tuple[ObjectType | None, int] = (None, 0)

    def take(self, served: ObjectType | None) -> None:
        """One answer. A newer version is believed at once, an older one or none only when it was said again."""
        before = self.doubt[1] if self.doubt[0] == served else 0
        if self._is_gain(served) or before + 1 >= _CERTAIN:
            self.known, self.believed, self.doubt = True, served, (None, 0)
        else:
            self.doubt = served, before + 1

    def _is_gain(self, served: ObjectType | None) -> bool:
        if not self.known:
            return served is not None and served.version == _VERSIONS[served.group][0]
        return not is_less(served, self.believed)


def is_less(kind: ObjectType | None, than: ObjectType | None) -> bool:
    """Whether it is an older version of a kind, or none, where there was another."""
    return _age(kind) > _age(than)


def _age(kind: ObjectType | None) -> int:
    """How far a version is from the newest; that no version is served is the farthest."""
    return _VERSIONS[kind.group].index(kind.version) if kind else len(max(_VERSIONS.values(), key=len))


@dataclass(slots=True)
class ServedKinds:
    """What a server knows of all kinds that are read, as far as that is certain. Not safe for threads."""

    _heard: dict[CustomKind, _Heard] = field(default_factory=lambda: {kind: _Heard() for kind in CUSTOM_KINDS})

    @property
    def certain(self) -> bool:
        """Whether something is believed of every kind."""
        return all(heard.known for heard in self._heard.values())

    def ask(self, served: Callable[[ObjectType], frozenset[str]]) -> dict[CustomKind, ObjectType | None]:
        """Ask once more; every kind of which something is believed, with the version to follow, or None for none.

        Args:
            served: what the server has of the group and version of a type, by the names in paths.

        Raises:
            ReconcileError: whatever ``served`` raises; then nothing was heard.
        """
        for kind, found in newest_served(served).items():
            self._heard[kind].take(found)
        return {kind: heard.believed for kind, heard in self._heard.items() if heard.known}


def newest_served(served: Callable[[ObjectType], frozenset[str]]) -> dict[CustomKind, ObjectType | None]:
    """Every kind with the newest version of it that a server has; None where it does not know the kind."""
    asked = cache(lambda group, version: served(ObjectType(group, version, "", "")))
    found: dict[CustomKind, ObjectType | None] = {}
    for group, plural, name in CUSTOM_KINDS:
        version = next((version for version in _VERSIONS[group] if plural in asked(group, version)), None)
        found[group, plural, name] = ObjectType(group, version, plural, name) if version else None
    return found
