"""Who speaks for everybody, as far as the place where a document stands tells."""

from collections.abc import Iterable, Sequence

from reconciler.model.provenance import namespace_of
from reconciler.model.resource import HostResource

EVERY_NAMESPACE = "*"


def is_guest(path: str, platform_namespaces: Sequence[str]) -> bool:
    """Whether a document speaks for its own namespace alone.

    Those do that stand in an object of the cluster, which any team may have written, but for those of the platform.

    Args:
        path: of its `Provenance`.
        platform_namespaces: those whose objects speak for everybody; ``*`` for all.
    """
    namespace = namespace_of(path)
    return namespace is not None and not any(one in (namespace, EVERY_NAMESPACE) for one in platform_namespaces)


def serves_all_that_is_named(hosts: Iterable[HostResource], platform_namespaces: Sequence[str]) -> bool:
    """Whether every host is served that a Mapping names, and not those of Hosts alone.

    That is so until there is a Host, but for those of guests: the first one in an annotation would take the edge from
    everybody.
    """
    return all(is_guest(host.origin.provenance.path, platform_namespaces) for host in hosts)
