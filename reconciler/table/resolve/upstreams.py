"""The cluster of an upstream: one per address and way to talk to it."""

from dataclasses import replace
from functools import lru_cache

from reconciler.model.digest import digest_json
from reconciler.model.plain import plain
from reconciler.model.resource import ServiceAddress
from reconciler.model.table import Cluster
from reconciler.model.upstream import ANY_UPSTREAM, Discovery, DnsType, IpFamily, LoadBalancing, Upstream

_HEX = len("sha256:")
_DISTINCT = 10  # hex digits: enough for all upstreams of one address


def cluster_of(address: ServiceAddress, upstream: Upstream = ANY_UPSTREAM) -> Cluster:
    """The cluster of an address, named ``host:port``, with ``+tls`` where Envoy speaks TLS to it.

    Where anything is said about how to talk to it, ``~`` and a digest of that follow: a name that says the same on
    every machine, so that a Mapping next to it changes nothing.
    """
    name = f"{address.authority}:{address.port}{'+tls' if address.tls else ''}"
    return Cluster(name if upstream == ANY_UPSTREAM else f"{name}~{_fingerprint(upstream)}", address, upstream)


def shortest(upstream: Upstream) -> Upstream:
    """The same upstream without what holds anyway, so that Mappings that say it share connections with others."""
    plainly_v4 = upstream.ip_family is IpFamily.V4_ONLY
    return replace(
        upstream,
        balancing=None if upstream.balancing is LoadBalancing.ROUND_ROBIN else upstream.balancing,
        dns=None if upstream.dns is DnsType.STRICT else upstream.dns,
        respect_dns_ttl=upstream.respect_dns_ttl or None,
        ipv4=None if plainly_v4 else upstream.ipv4 is not False,
        ipv6=None if plainly_v4 else True,
        discovery=None if upstream.discovery is Discovery.DNS else upstream.discovery,
    )


@lru_cache(maxsize=4096)
def _fingerprint(upstream: Upstream) -> str:
    return digest_json(plain(upstream))[_HEX : _HEX + _DISTINCT]
