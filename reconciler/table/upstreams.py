"""The cluster of an upstream: one per address and way to talk to it."""

from functools import lru_cache

from reconciler.model.digest import digest_json
from reconciler.model.plain import plain
from reconciler.model.resource import ServiceAddress
from reconciler.model.table import Cluster
from reconciler.model.upstream import ANY_UPSTREAM, Upstream

_HEX = len("sha256:")
_DISTINCT = 10  # hex digits: enough for all upstreams of one address


def cluster_of(address: ServiceAddress, upstream: Upstream = ANY_UPSTREAM) -> Cluster:
    """The cluster of an address, named ``host:port``, with ``+tls`` where Envoy speaks TLS to it.

    Where anything is said about how to talk to it, ``~`` and a digest of that follow: a name that says the same on
    every machine, so that a Mapping next to it changes nothing.
    """
    name = f"{address.authority}:{address.port}{'+tls' if address.tls else ''}"
    return Cluster(name if upstream == ANY_UPSTREAM else f"{name}~{_fingerprint(upstream)}", address, upstream)


@lru_cache(maxsize=4096)
def _fingerprint(upstream: Upstream) -> str:
    return digest_json(plain(upstream))[_HEX : _HEX + _DISTINCT]
