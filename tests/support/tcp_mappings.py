"""TCPMappings and TLS in a few words."""

from reconciler.model.ports import TcpMappingResource
from reconciler.model.resource import Kind, Origin, ResourceId
from reconciler.model.tls import SecretRef, Termination
from reconciler.model.upstream import ServiceAddress
from tests.support.mappings import host_match, provenance


def tcp_mapping(
    name: str,
    port: int = 6379,
    host: str | None = None,
    *,
    address: str = "",
    weight: int | None = None,
    idle_timeout_ms: int | None = None,
    day: int | None = 1,
    document: bytes = b"",
) -> TcpMappingResource:
    """A TCPMapping to a service of its own name."""
    origin = Origin(
        ResourceId(Kind.TCP_MAPPING, "default", name), provenance(name, day), document or f"{name}{host}".encode()
    )
    return TcpMappingResource(
        origin,
        port,
        ServiceAddress(name, port),
        address=address,
        host=host_match(host) if host else None,
        weight=weight,
        idle_timeout_ms=idle_timeout_ms,
    )


def termination(name: str, *, secret: str = "", required: bool = False) -> Termination:
    """How TLS ends: with a Secret of that name, and with clients' certificates if required."""
    authorities = SecretRef("default", "authorities") if required else None
    return Termination(f"Host default/{name}", SecretRef("default", secret or name), authorities, required)
