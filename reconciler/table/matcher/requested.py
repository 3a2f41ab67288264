"""From what people type to the request the table is asked about."""

from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import SplitResult, urlsplit

from reconciler.model.table import Request, RouteTable


def requested(url: str, method: str = "GET", headers: Iterable[str] = ()) -> Request:
    """The request for a URL, as it is sent.

    Args:
        url: with or without ``http://``.
        method: in any case.
        headers: each as ``NAME: VALUE``; ``Host`` is stronger than that of the URL.

    Raises:
        ValueError: that is no URL with a host, or no header; in words.
    """
    parts = _split(url)
    named = []
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon:
            raise ValueError(f"{header!r} is not NAME: VALUE")
        named.append((name.strip().lower(), value.strip()))
    host = next((value for name, value in named if name == "host"), parts.netloc.rpartition("@")[2])
    return Request(
        host=host,
        path=parts.path or "/",
        method=method.upper(),
        headers=tuple(pair for pair in named if pair[0] != "host"),
        query=_query(parts.query),
        port=_port(parts),
        tls=parts.scheme == "https",
    )


def at_listener(table: RouteTable, request: Request) -> Request:
    """The request as it reaches a listener: something in front may end TLS, and clients may know another port."""
    listeners = [listener for listener in table.listeners if listener.stack.http]
    tls = request.tls and any(listener.stack.tls for listener in listeners)
    ports = {listener.port for listener in listeners if listener.stack.tls >= tls}
    return replace(request, tls=tls, port=request.port if request.port in ports else None)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host = parts.hostname
    except ValueError as error:
        raise ValueError(f"{url!r} is no URL") from error
    if not host:
        raise ValueError(f"{url!r} has no host; write it as http://HOST/PATH")
    return parts


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        raise ValueError(f"{parts.netloc!r} has no port from 0 to 65535") from None


def _query(text: str) -> tuple[tuple[str, str | None], ...]:
    """Parameters as they are sent: Envoy compares them without decoding."""
    pairs = (part.partition("=") for part in text.split("&") if part)
    return tuple((name, value if equals else None) for name, equals, value in pairs)
