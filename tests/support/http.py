"""A client that sends exactly what it is told."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any


@dataclass(frozen=True)
class Reply:
    """A status, headers with lower-case names, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def seen(self) -> dict[str, Any]:
        """What an echo upstream says it saw."""
        value: dict[str, Any] = json.loads(self.body)
        return value

    @property
    def upstream(self) -> str:
        """The name of the upstream that answered, or the status in brackets if none did."""
        return str(self.seen["upstream"]) if self.status == 200 else f"({self.status})"


def get(port: int, path: str, *, host: str = "a.test", method: str = "GET", headers: Mapping[str, str] = {}) -> Reply:
    """One request to loopback on a connection of its own."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        return ask(connection, path, host=host, method=method, headers=headers)
    finally:
        connection.close()


def ask(
    connection: HTTPConnection, path: str, *, host: str = "a.test", method: str = "GET", headers: Mapping[str, str] = {}
) -> Reply:
    """One request on a connection that stays open."""
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in {"host": host, **headers}.items():
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
