"""Plain calls of the Kubernetes API: HTTP and JSON, without a client library between a test and the server."""

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPResponse, HTTPSConnection, IncompleteRead
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.support.cluster.users import Address, User

Document = dict[str, Any]  # an object of Kubernetes as its API takes and gives it

MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
_TIMEOUT_S = 30


class Refused(Exception):
    """The server answered with an error.

    Attributes:
        code: the HTTP status.
        reason: as the server names it, e.g. ``Forbidden``, ``Conflict``, ``Expired``.
        retry_after: the header ``Retry-After``, empty if there is none.
    """

    def __init__(self, response: HTTPResponse, body: bytes) -> None:
        status = _document(body)
        self.code, self.reason = response.status, str(status.get("reason", ""))
        self.retry_after = response.getheader("Retry-After", "")
        super().__init__(f"{self.code} {self.reason}: {status.get('message', '')}")


@dataclass(frozen=True)
class Calls:
    """One user's calls of one server; threads may share it."""

    address: Address
    user: User

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.address.ca))

    def call(
        self,
        method: str,
        path: str,
        body: Document | None = None,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
        query: Mapping[str, object] = {},
        seconds: float = _TIMEOUT_S,
        over: HTTPSConnection | None = None,
    ) -> Document:
        """One request and its answer.

        Args:
            method: of HTTP.
            path: e.g. ``/api/v1/namespaces``.
            body: what is sent, if anything.
            content_type: what the body is, e.g. :data:`MERGE`.
            accept: what is asked for.
            query: added to the path.
            seconds: how long the server may be silent.
            over: a connection from :meth:`connected`; by default one of its own.

        Raises:
            Refused: the status is 400 or above.
            TimeoutError: the server was silent for longer.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = self._headers | {"Content-Type": content_type, "Accept": accept}
        with nullcontext(over) if over else self.connected(seconds) as connection:
            connection.request(method, _target(path, query), data, headers)
            response = connection.getresponse()
            answer = response.read()
        if response.status >= 400:
            raise Refused(response, answer)
        return _document(answer)

    @contextmanager
    def watch(
        self, path: str, *, query: Mapping[str, object] = {}, seconds: float = _TIMEOUT_S
    ) -> Iterator[Iterator[Document]]:
        """The events of a watch, one after the other; the connection is closed at the end.

        Args:
            path: of what is watched.
            query: added to the path.
            seconds: how long the server may be silent.

        Raises:
            Refused: the status is 400 or above.
            OSError: the connection was broken before the watch was over, or silent for too long (``TimeoutError``).
        """
        with self.connected(seconds) as connection:
            connection.request("GET", _target(path, {"watch": "true", **query}), headers=self._headers)
            response = connection.getresponse()
            if response.status >= 400:
                raise Refused(response, response.read())
            yield map(json.loads, lines(response))

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.user.token}"}

    @contextmanager
    def connected(self, seconds: float = _TIMEOUT_S) -> Iterator[HTTPSConnection]:
        """A connection for one call after the other; with one for each, most of the time goes into TLS."""
        parts = urlsplit(self.address.url)
        assert parts.hostname
        with closing(HTTPSConnection(parts.hostname, parts.port, timeout=seconds, context=self._context)) as connection:
            yield connection


def lines(response: HTTPResponse) -> Iterator[bytes]:
    """The lines of a streamed body, each as soon as it is there.

    Raises:
        OSError: the body was cut off; iterating over the response itself would hide that.
    """
    rest = b""
    try:
        while data := response.read1(1 << 16):
            *whole, rest = (rest + data).split(b"\n")
            yield from (line + b"\n" for line in whole)
    except IncompleteRead as cut:
        raise ConnectionResetError("the stream was cut off") from cut


def _target(path: str, query: Mapping[str, object]) -> str:
    return f"{path}?{urlencode(dict(query))}" if query else path


def _document(answer: bytes) -> Document:
    try:
        value = json.loads(answer)
    except ValueError:
        value = {"message": answer.decode(errors="replace")}
    return value if isinstance(value, dict) else {"value": value}
