"""Which virtual hosts answer on a TLS connection: those of the name that the client asked for (SNI, RFC 6066).

A client must not ask for one host, which takes it without a certificate, and then send requests for another that wants
one. So each way to end TLS has its own set of virtual hosts, and requests for others find nothing there.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.model.match import ANY_HOST, HostMatch, MatchKind
from reconciler.model.names import Names
from reconciler.model.resource import InsecureAction
from reconciler.model.table import ACME_CHALLENGES, Guard, Listener, VirtualHost
from reconciler.model.tls import Termination


@dataclass(frozen=True, slots=True)
class TlsChain:
    """What happens to TLS connections that ask for one of ``servers``.

    Attributes:
        servers: sorted; ``*`` for all that no other chain takes, also those that ask for none.
        virtual_hosts: sorted by host. Those of other chains that a wildcard here would answer for have no rules.
    """

    termination: Termination
    servers: tuple[HostMatch, ...]
    virtual_hosts: tuple[VirtualHost, ...]


def tls_chains(listener: Listener) -> tuple[TlsChain, ...]:
    """The chains of a listener that ends TLS, by name; none on one that does not.

    Hosts with the same settings share a chain: a browser that holds a connection to one of them sends requests for
    others that the certificate is good for over it (RFC 9113, section 9.1.1).
    A host by its beginning (``example.*``) is no name Envoy can tell connections by; it answers where another host
    with the same settings is asked for.
    """
    if not (listener.stack.tls and listener.stack.http):
        return ()
    ended: dict[Termination, list[tuple[Termination, VirtualHost]]] = defaultdict(list)
    for virtual_host in listener.virtual_hosts:
        if virtual_host.termination is not None:
            same = replace(virtual_host.termination, name="")
            ended[same].append((virtual_host.termination, virtual_host))
    chains = []
    everyone = Names.of(one.host for one in listener.virtual_hosts)
    for members in ended.values():
        termination = min((how for how, _ in members), key=lambda how: how.name)
        own = [virtual_host for _, virtual_host in members]
        servers = tuple(sorted(one.host for one in own if one.host.kind is not MatchKind.PREFIX))
        if servers:
            chains.append(TlsChain(termination, servers, _with_strangers(own, everyone)))
    return tuple(sorted(chains, key=lambda chain: chain.termination.name))


def clear_text_hosts(listener: Listener) -> tuple[VirtualHost, ...]:
    """The virtual hosts of connections without TLS."""
    return tuple(map(clear_text_host, listener.virtual_hosts))


def clear_text_host(virtual_host: VirtualHost) -> VirtualHost:
    """What becomes of a virtual host without TLS: mostly nothing, and it stays the same object.

    Nobody shows a certificate there. So a host that requires one sends everybody to https, whatever is said of
    insecure requests, and whatever a client says in ``x-forwarded-proto``; only ACME challenges have their rules.
    """
    if virtual_host.termination is None or not virtual_host.termination.required:
        return virtual_host
    guard = virtual_host.guard or Guard(InsecureAction.REDIRECT, by_header=False)
    challenges = tuple(
        route
        for route in virtual_host.routes
        if route.path.kind is not MatchKind.REGEX and route.path.value.startswith(ACME_CHALLENGES)
    )
    return replace(virtual_host, guard=replace(guard, by_header=False), routes=challenges)


def _with_strangers(own: Sequence[VirtualHost], everyone: Names) -> tuple[VirtualHost, ...]:
    """The virtual hosts of a chain, and an empty one for each that its wildcards would answer for in its place."""
    names = {virtual_host.host for virtual_host in own}
    wild = [name for name in names if name.kind is not MatchKind.EXACT]
    strangers = {other for name in wild for other in everyone.overlapping(name)} - names
    return tuple(sorted((*own, *(VirtualHost(other, ()) for other in strangers)), key=lambda one: one.host))


def chain_for(chains: Sequence[TlsChain], server: str) -> TlsChain | None:
    """The chain Envoy picks for a name: exact, else the longest suffix, else the one for all; None: it hangs up.

    https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/listener/v3/listener_components.proto#config-listener-v3-filterchainmatch
    """
    by_name = {name: chain for chain in chains for name in chain.servers}
    server = server.lower()
    dots = (at for at, character in enumerate(server) if character == "." and at)
    suffixes = (HostMatch(MatchKind.SUFFIX, server[at:]) for at in dots)
    for name in (HostMatch(MatchKind.EXACT, server), *suffixes, ANY_HOST):
        if name in by_name:
            return by_name[name]
    return None
