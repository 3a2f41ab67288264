"""The custom resources that are read, and which of their versions a server has."""

from collections.abc import Callable

from reconciler.cluster import ObjectType

_LANGUAGE = "getambassador.io"
_OWN = "reconciler.dev"
# Newest first: a server that converts between them gives each object in the version that is asked for.
_VERSIONS = {_LANGUAGE: ("v3alpha1", "v2", "v1"), _OWN: ("v1alpha1",)}

# What a Mapping needs others for stands beside them, so that all of a group are read or none.
CUSTOM_KINDS: tuple[tuple[str, str, str], ...] = (
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


def newest_served(kind: tuple[str, str, str], serves: Callable[[ObjectType], bool]) -> ObjectType | None:
    """The newest version of a kind that a server has; None where it does not know the kind.

    Args:
        kind: one of `CUSTOM_KINDS`.
        serves: whether the server has a type.
    """
    group, plural, name = kind
    versions = (ObjectType(group, version, plural, name) for version in _VERSIONS[group])
    return next(filter(serves, versions), None)
