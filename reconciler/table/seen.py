"""A request as Envoy's conditions see it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.model.table import Request

HTTP = "http"
HTTPS = "https"
_FORWARDED_PROTO = "x-forwarded-proto"


@dataclass(frozen=True, slots=True)
class Seen:
    """A request taken apart.

    Attributes:
        host: lower case, without port: what hosts are compared with.
        authority: the host as it was sent.
        path: without the query, as it was sent.
        query_string: with its ``?``; empty for no query.
        headers: all values by name; a condition holds if it holds for one of them.
        query: the first value by name; only that one is looked at.
    """

    host: str
    authority: str
    path: str
    query_string: str
    headers: Mapping[str, tuple[str, ...]]
    query: Mapping[str, str]

    @property
    def scheme(self) -> str:
        """``https`` where ``x-forwarded-proto`` says so, otherwise ``http``: every listener is plain HTTP."""
        return HTTPS if self.headers.get(_FORWARDED_PROTO) == (HTTPS,) else HTTP


def look_at(request: Request) -> Seen:
    """Takes a request apart; Envoy adds ``x-forwarded-proto: http`` where there is none."""
    headers: dict[str, list[str]] = defaultdict(list)
    for name, value in request.headers:
        headers[name.lower()].append(value)
    query_string = "?" + "&".join(_pair(pair) for pair in request.query) if request.query else ""
    headers[":method"] = [request.method]
    headers[":authority"] = headers["host"] = [request.host]
    headers[":path"] = [request.path + query_string]
    headers.setdefault(_FORWARDED_PROTO, [HTTP])
    return Seen(
        host=_without_port(request.host).lower(),
        authority=request.host,
        path=request.path,
        query_string=query_string,
        headers={name: tuple(values) for name, values in headers.items()},
        query=_first(request.query),
    )


def _first(query: Iterable[tuple[str, str]]) -> dict[str, str]:
    first: dict[str, str] = {}
    for name, value in query:
        first.setdefault(name, value)
    return first


def _pair(pair: tuple[str, str]) -> str:
    name, value = pair
    return f"{name}={value}" if value else name


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() and not (":" in name and not name.endswith("]")) else host
