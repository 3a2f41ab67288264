"""The custom resources that are read, and which of their versions a server has."""

from collections.abc import Callable
from functools import cache
from typing import TypeAlias

from reconciler.cluster import ObjectType

_LANGUAGE = "getambassador.io"
_OWN = "reconciler.dev"
# Newest first: a server that converts between them gives each object in the version that is asked for.
_VERSIONS = {_LANGUAGE: ("v3alpha1", "v2", "v1"), _OWN: ("v1alpha1",)}

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


def newest_served(served: Callable[[ObjectType], frozenset[str]]) -> list[tuple[CustomKind, ObjectType | None]]:
    """Every kind with the newest version of it that a server has; None where it does not know the kind.

    Args:
        served: what the server has of the group and version of a type, by the names in paths.
    """
    asked = cache(lambda group, version: served(ObjectType(group, version, "", "")))
    found: list[tuple[CustomKind, ObjectType | None]] = []
    for group, plural, name in CUSTOM_KINDS:
        version = next((version for version in _VERSIONS[group] if plural in asked(group, version)), None)
        found.append(((group, plural, name), ObjectType(group, version, plural, name) if version else None))
    return found
