"""The ports that are listened on, and the Hosts each serves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from reconciler.model.chains import tls_chains
from reconciler.model.resource import HostResource, ListenerResource, SecurityModel
from reconciler.model.table import Listener, VirtualHost


@dataclass(frozen=True, slots=True)
class DefaultListener:
    """Where to listen: ``address`` for all listeners, ``port`` when no Listener resource names one."""

    address: str = "0.0.0.0"  # noqa: S104 an edge proxy listens on all interfaces
    port: int = 8080


Binding: TypeAlias = tuple[Listener, list[HostResource]]


def bind(
    listeners: Sequence[ListenerResource], hosts: Sequence[HostResource], default: DefaultListener
) -> list[Binding]:
    """Every listener, still without virtual hosts, and the Hosts it binds; by port, TCP before UDP."""
    if not listeners:
        return [(Listener(f"listener-{default.port}", default.address, default.port, SecurityModel.XFP, ()), [*hosts])]
    quic = {one.port for one in listeners if one.stack.udp}
    found = []
    for one in sorted(listeners, key=lambda one: (one.port, one.stack.udp)):
        port = Listener(
            f"listener-{one.port}{'-udp' if one.stack.udp else ''}",
            default.address,
            one.port,
            one.security_model,
            (),
            one.trusted_hops,
            one.stack,
            one.stats_prefix,
            one.max_streams,
            advertises_http3=one.stack.http and not one.stack.udp and one.port in quic,
        )
        found.append((port, [host for host in hosts if one.stack.http and one.binds(host)]))
    return found


def unwritten(listener: Listener) -> Listener:
    """The listener that no Listener describes: it ends TLS, too, where a Host or a TLSContext says how."""
    if any(one.termination is not None for one in listener.virtual_hosts):
        return replace(listener, stack=replace(listener.stack, tls=True))
    return listener


def serves(listener: Listener) -> bool:
    """Whether anything happens on a port: Envoy opens none for which there is no filter chain."""
    if listener.tcp_routes:
        return True
    return listener.stack.http and (not listener.stack.udp or bool(tls_chains(listener)))


def reachable(listener: Listener, virtual_host: VirtualHost) -> bool:
    """Whether requests can come to a virtual host: over HTTP/3 only with a certificate."""
    return not listener.stack.udp or virtual_host.termination is not None
