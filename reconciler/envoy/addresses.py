"""Socket addresses as Envoy messages."""

from ipaddress import ip_address

from envoy.config.core.v3.address_pb2 import Address, SocketAddress
from envoy.config.endpoint.v3.endpoint_components_pb2 import Endpoint, LbEndpoint, LocalityLbEndpoints
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment


def socket_address(host: str, port: int) -> Address:
    """A TCP address; ``host`` is an IP address or a name to resolve."""
    return Address(socket_address=SocketAddress(address=host, port_value=port))


def split(address: str, default_port: int = 0) -> tuple[str, int]:
    """``host:port``, ``[ipv6]:port``, or a host alone, which gets ``default_port``."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal() and (":" not in host or host.startswith("[")):
        return host.strip("[]"), int(port)
    return address.strip("[]"), default_port


def is_ip(host: str) -> bool:
    """Whether ``host`` is an IP address and needs no DNS."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def single_endpoint(cluster: str, host: str, port: int, hostname: str = "") -> ClusterLoadAssignment:
    """One endpoint; ``hostname`` is what ``auto_host_rewrite`` writes, by default ``host`` where that is a name."""
    endpoint = Endpoint(address=socket_address(host, port), hostname=hostname)
    return ClusterLoadAssignment(
        cluster_name=cluster, endpoints=[LocalityLbEndpoints(lb_endpoints=[LbEndpoint(endpoint=endpoint)])]
    )
