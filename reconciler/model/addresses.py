"""Addresses that nobody's upstream has, however they are written: in a service, in an endpoint."""

from ipaddress import IPv4Address, IPv6Address, ip_address

# Metadata services of clouds beyond 169.254.0.0/16 and fe80::/10.
_METADATA_NAMES = frozenset({"metadata.google.internal"})
_METADATA = frozenset(map(ip_address, ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200")))


def address_of(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is, None where it is a name; that of IPv4 where one of IPv6 stands for it.

    The kernel connects to ``::ffff:127.0.0.1`` as to ``127.0.0.1``, of which `ipaddress` says nothing before Python
    3.13. The zone of an address goes.
    """
    if not (host[:1].isdigit() or ":" in host):
        return None
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def why_no_upstream(host: str, *, loopback: bool) -> str:
    """Why requests may not be sent to a host, to be said after its name; empty where they may.

    Args:
        host: a name in lower case, or an address.
        loopback: whether Envoy's own machine may be one, as an address.
    """
    address = address_of(host)
    if address is None:
        is_metadata = host.removesuffix(".") in _METADATA_NAMES
    else:
        is_metadata = address.is_link_local or address in _METADATA
    if is_metadata:
        return "is no service: clouds hand out credentials of the machine there"
    if address is not None and (address.is_unspecified or address.is_multicast):
        return "is not the address of one machine"
    if address is not None and address.is_loopback and not loopback:
        return "is Envoy's own machine"
    return ""


def on_loopback(address: str) -> bool:
    """Whether only this machine can reach a ``host:port``."""
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
