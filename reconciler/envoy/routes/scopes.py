"""A listener's virtual hosts in pieces, so that a rule that changes makes Envoy build only its piece again.

Each piece is a scope, which holds its routes and is found by a key: the connections it is for, and a part of the host.
Scopes depend on the names of virtual hosts only, never on their rules.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/scoped_route.proto
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration

from reconciler.envoy.options import Sharding
from reconciler.envoy.protobuf import serialise
from reconciler.envoy.routes.buckets import BUCKETS, bucket
from reconciler.envoy.wire_format import Content, nested, resource, tag
from reconciler.model.match import HostMatch, MatchKind
from reconciler.model.snapshot import XdsResource

SCOPE_HEADER = "x-reconciler-scope"
"""The request header with the key: Envoy sets it when a request comes, and takes it off before it sends it on."""

_KEY = ScopedRouteConfiguration.Key
_ROUTES = tag(ScopedRouteConfiguration, "route_configuration")


@dataclass(frozen=True, slots=True)
class Scope:
    """Some virtual hosts of a chain.

    Attributes:
        name: its xDS name.
        key: what Envoy finds it by.
        hosts: the virtual hosts in it, sorted.
    """

    name: str
    key: str
    hosts: tuple[HostMatch, ...]


def scopes(chain_name: str, virtual_hosts: Sequence[HostMatch], sharding: Sharding) -> tuple[Scope, ...]:
    """The pieces of a chain, sorted by name; none where its routes are one, and by hosts none where there is no host.

    Args:
        chain_name: of the route configuration that has them all otherwise.
        virtual_hosts: the names of the chain's virtual hosts.
        sharding: what is asked for; see `sharding_of`.
    """
    match sharding_of(virtual_hosts, sharding):
        case Sharding.NONE:
            return ()
        case Sharding.HOSTS:
            pieces = _by_host(chain_name, virtual_hosts)
        case Sharding.BUCKETS:
            pieces = _by_bucket(chain_name, virtual_hosts)
            if sharding is Sharding.HOSTS:
                # The first pattern exchanges the listener: connections to the one before go on asking by host.
                pieces += _by_host(chain_name, filter(_is_one_host, virtual_hosts))
    return tuple(Scope(key, key, hosts) for key, hosts in sorted(pieces))


def sharding_of(virtual_hosts: Iterable[HostMatch], sharding: Sharding) -> Sharding:
    """How a chain with these virtual hosts is divided.

    By hosts only where each is one host: a pattern has no key that a request could ask for, nor has a literal IPv6
    address, which would be cut at its first colon as if a port came there.
    """
    if sharding is Sharding.HOSTS and not all(map(_is_one_host, virtual_hosts)):
        return Sharding.BUCKETS
    return sharding


def _is_one_host(host: HostMatch) -> bool:
    return host.kind is MatchKind.EXACT and ":" not in host.value


def _by_host(chain_name: str, virtual_hosts: Iterable[HostMatch]) -> list[tuple[str, tuple[HostMatch, ...]]]:
    return [(key_start(chain_name) + host.value, (host,)) for host in virtual_hosts]


def _by_bucket(chain_name: str, virtual_hosts: Iterable[HostMatch]) -> list[tuple[str, tuple[HostMatch, ...]]]:
    """All buckets, since a request may be for any host: each with its hosts, and with all patterns."""
    exact: defaultdict[int, list[HostMatch]] = defaultdict(list)
    patterns = []
    for host in virtual_hosts:
        if host.kind is MatchKind.EXACT:
            exact[bucket(host.value)].append(host)
        else:
            patterns.append(host)
    start = key_start(chain_name)
    return [(start + bucket_part(str(number)), tuple(sorted((*exact[number], *patterns)))) for number in range(BUCKETS)]


def key_start(chain_name: str) -> str:
    """What the keys of a chain begin with. There is no colon in it: Envoy cuts a host at the first, where a port comes.

    It is part of the keys because Envoy shows the scopes of all listeners to each of them.
    """
    return f"{quote(chain_name)}|"


def bucket_part(number: str) -> str:
    """How the key of a bucket ends: no host begins with an asterisk, so both kinds can be there during a change."""
    return f"*{number}"


def scoped(scope: Scope, route_configuration: Content) -> XdsResource:
    """A scope with its routes in it: one resource, so that it changes at once.

    Args:
        scope: from `scopes`.
        route_configuration: with the virtual hosts of the scope.
    """
    key = _KEY(fragments=[_KEY.Fragment(string_key=scope.key)])
    head = serialise(ScopedRouteConfiguration(name=scope.name, key=key))
    return resource(scope.name, [head, nested(_ROUTES, route_configuration)])
