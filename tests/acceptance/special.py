"""Servers that are no upstreams: authorisation, rate limits, access logs, traces.

Each is a server of ``tests.support`` that notes what it is told. To add one, give it a line in `SERVERS`: its name as
cases use it, and what makes a context manager of it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import MappingProxyType
from typing import Protocol

from reconciler.model.digest import Json
from tests.support.auth_servers import auth_grpc, auth_http
from tests.support.log_server import access_log_service
from tests.support.rate_limit_server import rate_limit
from tests.support.trace_collectors import datadog, opentelemetry, zipkin


class Special(Protocol):
    """A server on loopback.

    Attributes:
        seen: a JSON value for each thing it was told; one that mentions a request's id (header ``x-query``) is
            taken to be about that request.
    """

    @property
    def address(self) -> str:
        """``127.0.0.1:port``."""

    @property
    def seen(self) -> Sequence[Json]:
        """What it was told."""


SERVERS: MappingProxyType[str, Callable[[], AbstractContextManager[Special]]] = MappingProxyType(
    {
        "auth-http": auth_http,
        "auth-grpc": auth_grpc,
        "ratelimit": rate_limit,
        "als": access_log_service,
        "zipkin": zipkin,
        "otel": opentelemetry,
        "datadog": datadog,
    }
)


@contextmanager
def serving() -> Iterator[dict[str, Special]]:
    """All of them, by name."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(make()) for name, make in SERVERS.items()}
