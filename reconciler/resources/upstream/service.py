"""``service``: where a Mapping sends its requests.

``[http(s)://]name[.namespace][:port]``. A name without a dot is looked up in the Mapping's own namespace.
"""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache

from reconciler.model.addresses import address_of, why_no_upstream
from reconciler.model.resource import ServiceAddress

# Most services: a name or two that nothing need be said about, and a port.
_COMMON = re.compile(r"([a-z](?:[a-z0-9-]{0,60}[a-z0-9])?(?:\.[a-z](?:[a-z0-9-]{0,60}[a-z0-9])?)?)(?::([0-9]{1,5}))?")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:]*)(?::(.*))?", re.DOTALL)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_LONGEST_HOST = 253
HTTPS_PORT = 443
# What the files of hosts of usual systems call it; resolvers do so with all of ``.localhost`` (RFC 6761, section 6.3).
_LOOPBACK = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})
_PORTS = {"": 80, "http": 80, "https": HTTPS_PORT}


class InvalidService(ValueError):
    """A service that cannot be; the message says why."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A service in its parts; ``scheme`` and ``port`` are empty and None where not written."""

    scheme: str
    host: str
    port: int | None

    @property
    def written(self) -> str:
        """``host[:port]``, an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


def parse_service(text: str, namespace: str) -> ServiceAddress:
    """The address of an upstream, fully qualified.

    Raises:
        InvalidService: it cannot be one.
    """
    return _remembered(text, namespace) if len(text) <= _LONGEST_HOST else _parse_service(text, namespace)


def _parse_service(text: str, namespace: str) -> ServiceAddress:
    parts = parse_authority(text)
    host = parts.host
    if "." not in host and ":" not in host and host != "localhost":
        host = f"{host}.{namespace.lower()}"
        if namespace != "default" and not all(_LABEL.fullmatch(label) for label in namespace.lower().split(".")):
            raise InvalidService(f"the namespace {namespace!r} cannot be part of a host name")
    # Whether it may be Envoy's own machine is for the settings to say.
    if why := why_no_upstream(host, loopback=True):
        raise InvalidService(f"{host} {why}")
    port = _PORTS[parts.scheme] if parts.port is None else parts.port
    return ServiceAddress(host, port, tls=parts.scheme == "https")


_remembered = lru_cache(maxsize=4096)(_parse_service)  # many Mappings share a service, and then its value too


def is_loopback(host: str) -> bool:
    """Whether a host is Envoy's own machine."""
    address = address_of(host)
    if address is not None:
        return address.is_loopback
    name = host.rstrip(".")
    return name in _LOOPBACK or name.endswith(".localhost")


def same_host(one: str, other: str) -> bool:
    """Whether two hosts are the same name, or two spellings of one address."""
    address = address_of(one)
    return one.rstrip(".") == other.rstrip(".") if address is None else address == address_of(other)


def parse_authority(text: str) -> Authority:
    """Scheme, host and port as written, the host in lower case.

    Raises:
        InvalidService: a part is not allowed.
    """
    common = _COMMON.fullmatch(text)
    if common is not None:
        return Authority("", common[1], None if common[2] is None else _port(common[2]))
    match = _SCHEME.fullmatch(text)
    scheme, rest = (match[1].lower(), match[2]) if match else ("", text)
    if scheme not in _PORTS:
        raise InvalidService(f"the scheme {scheme[:20]!r} is not known; expected http or https")
    if any(mark in rest for mark in "/?#"):
        raise InvalidService("a service has no path; write it under rewrite, that of a redirect under path_redirect")
    if "@" in rest:
        raise InvalidService("a service has no user name or password")
    if rest.count(":") > 1 and not rest.startswith("["):
        raise InvalidService("more than one colon; an IPv6 address stands in brackets")
    authority = _AUTHORITY.fullmatch(rest)
    if authority is None:
        raise InvalidService("text follows the bracket; expected [address]:port")
    return Authority(scheme, _host(authority[1].lower()), _port(authority[2]))


def _host(host: str) -> str:
    if host.startswith("["):
        try:
            return str(ipaddress.IPv6Address(host[1:-1]))
        except ValueError:
            raise InvalidService(f"{host[:60]} is not an IPv6 address") from None
    if not host:
        raise InvalidService("the host is missing")
    if host.replace(".", "").isdecimal():
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise InvalidService(f"{host[:60]} is not an IPv4 address") from None
    if len(host) > _LONGEST_HOST or not all(_LABEL.fullmatch(label) for label in host.removesuffix(".").split(".")):
        form = "" if host.isascii() else "; write an international name in its ASCII form (xn--…)"
        raise InvalidService(f"{host[:60]!r} is not a host name{form}")
    return host


def _port(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and 1 <= int(text) <= 65535):  # noqa: PLR2004 - TCP's
        raise InvalidService(f"port {text[:20]} is not one; expected 1 to 65535")
    return int(text)
