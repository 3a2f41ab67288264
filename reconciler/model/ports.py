"""What a port speaks, and what it forwards without looking into it."""

from dataclasses import dataclass
from typing import TypeAlias

from reconciler.model.match import HostMatch
from reconciler.model.origin import Origin
from reconciler.model.upstream import ANY_UPSTREAM, ServiceAddress, Upstream


@dataclass(frozen=True, slots=True, order=True)
class Stack:
    """The protocols of a port, from the connection up.

    Attributes:
        udp: QUIC instead of TCP; HTTP over it is HTTP/3, which has TLS built in.
        proxy: each connection begins with a PROXY header, which tells the client's address
            (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt).
        tls: connections may be TLS; whether one is, its first bytes say.
        http: HTTP; otherwise bytes.
    """

    http: bool = True
    tls: bool = False
    proxy: bool = False
    udp: bool = False

    def __str__(self) -> str:
        layers = {"HTTP": self.http, "TLS": self.tls, "PROXY": self.proxy, "UDP": self.udp, "TCP": not self.udp}
        return ", ".join(name for name, there in layers.items() if there)

    @property
    def transport(self) -> str:
        """``tcp`` or ``udp``: a port number is one port of each."""
        return "udp" if self.udp else "tcp"


PLAIN_HTTP = Stack()
RAW_TCP = Stack(http=False)

TcpContest: TypeAlias = tuple[int, str, HostMatch | None]


@dataclass(frozen=True, slots=True)
class TcpMappingResource:
    """One TCPMapping: connections to a port are forwarded as they are.

    Attributes:
        address: the port is opened at; empty for where all Listeners listen.
        host: only TLS connections that ask for such a host (SNI); None for all connections.
        idle_timeout_ms: a connection without a byte for so long is closed; 0 for never, None for Envoy's hour.
        weight: percent of the connections of its group, 0..100; None takes the rest, or a share of it.
        tls_context: name of a TLSContext for the way to the service, as written; empty for none.
        resolver: name of a resolver, as written; empty for the Module's.
    """

    origin: Origin
    port: int
    service: ServiceAddress
    address: str = ""
    host: HostMatch | None = None
    weight: int | None = None
    idle_timeout_ms: int | None = None
    upstream: Upstream = ANY_UPSTREAM
    tls_context: str = ""
    resolver: str = ""

    @property
    def group(self) -> TcpContest:
        """The connections this TCPMapping asks for."""
        return (self.port, self.address, self.host)
