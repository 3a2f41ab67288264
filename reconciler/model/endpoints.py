"""Services of Kubernetes and the endpoints behind them, as far as Envoy needs to know them."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class ServicePort:
    """A TCP port of a Service; ``name`` is empty where a single port has none."""

    number: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """A Service; ``external`` is the DNS name that one of type ExternalName stands for."""

    ports: tuple[ServicePort, ...]
    external: str = ""


class AddressType(StrEnum):
    """Of which kind the addresses of a slice are; a third, FQDN, is deprecated and left out."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"


@dataclass(frozen=True, slots=True)
class SliceEndpoint:
    """An endpoint, which is mostly a Pod.

    Attributes:
        address: the first of its addresses; consumers may use no other.
        ready: it takes requests; also where its Service publishes addresses that are not ready.
        serving: it would, but for being about to end.
        zone: where it runs; empty where nobody knows.
    """

    address: str
    ready: bool = True
    serving: bool = True
    zone: str = ""


@dataclass(frozen=True, slots=True)
class EndpointSlice:
    """Some endpoints of a Service, and the ports they have; one without a port number takes any and is left out.

    Attributes:
        service: name of the Service, in the slice's namespace.
        ports: the port number of each named port of the Service; the name is empty where that port has none.
    """

    service: str
    addresses: AddressType
    ports: tuple[ServicePort, ...]
    endpoints: tuple[SliceEndpoint, ...]


class AddressChoice(StrEnum):
    """Which addresses are used; ``EITHER``: those of IPv6 where there are some, as DNS lookups do it."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"
    EITHER = "either"


@dataclass(frozen=True, slots=True, order=True)
class EndpointsName:
    """What endpoints are asked for by: ``namespace/service:port``, and ``/ipv6`` or ``/either`` behind it."""

    namespace: str
    service: str
    port: int
    addresses: AddressChoice = AddressChoice.IPV4

    def __str__(self) -> str:
        behind = "" if self.addresses is AddressChoice.IPV4 else f"/{self.addresses}"
        return f"{self.namespace}/{self.service}:{self.port}{behind}"

    @classmethod
    def parse(cls, text: str) -> "EndpointsName":
        """The name that was written so.

        Raises:
            ValueError: none is.
        """
        where, _, port = text.partition(":")
        namespace, _, service = where.partition("/")
        number, _, choice = port.partition("/")
        if not namespace or not service:
            raise ValueError(f"no endpoints have the name {text}")
        return cls(namespace, service, int(number), AddressChoice(choice or AddressChoice.IPV4))
