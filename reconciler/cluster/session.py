"""One identity's connections to the API server: HTTP with bounded answers, credentials that are read anew."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from reconciler import __version__
from reconciler.cluster import certificates
from reconciler.cluster.connection import ClusterSettings, address, load
from reconciler.cluster.depth import decoded
from reconciler.cluster.failures import Answer, Silent, bounded, unreadable
from reconciler.model.digest import Json
from reconciler.model.errors import ReconcileError, Stalled, Transient

if TYPE_CHECKING:
    from kubernetes.client.configuration import Configuration
    from kubernetes.client.rest import RESTClientObject
    from urllib3 import HTTPResponse

_PIECE = 64 << 10
_ERROR_BYTES = 256 << 10
_OK = range(200, 300)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request.

    Attributes:
        path: without the server.
        body: sent as JSON.
        content_type: of the body.
    """

    method: str
    path: str
    query: Mapping[str, str]
    body: dict[str, Json] | None = None
    content_type: str = "application/json"


class TooLarge(Stalled):
    """An answer passes its bound."""


class Refusal(Exception):
    """The server answered, but with an error.

    Attributes:
        answer: what it said.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.code)
        self.answer = answer


class Unsent(Transient):
    """There was no connection: whatever was asked, nothing of it reached the server."""


@dataclass(frozen=True, slots=True)
class _Link:
    """Configuration and client of one reading of the credentials.

    Attributes:
        host: the URL; the library sets its configuration's anew with each token, and forgets our own settings then.
        server: the same, for words about its certificate.
    """

    configuration: "Configuration"
    client: "RESTClientObject"
    host: str
    server: certificates.Server


class Session:
    """Sends requests; threads may share it. Knows HTTP, TLS and credentials, nothing of objects."""

    def __init__(self, settings: ClusterSettings) -> None:
        self._settings = settings
        self._lock, self._tokens = threading.Lock(), threading.Lock()  # the second while plugins run: others go on
        self._link = _linked(settings)
        self._open: set[HTTPResponse] = set()
        self._closed = False

    @property
    def address(self) -> str:
        """The URL of the API server, as people may see it."""
        return address(self._link.host)

    @property
    def identity(self) -> object:
        """Changes when the credentials were read anew."""
        return self._link

    def renew(self, since: object) -> None:
        """Read configuration and credentials anew, unless another thread has done so since.

        Args:
            since: the `identity` that was refused.

        Raises:
            Stalled, Transient: they can't be read.
        """
        with self._tokens:
            if self._link is since:
                self._link = _linked(self._settings)

    def ask(self, request: Request, seconds: float, limit: int) -> dict[str, Json]:
        """A request and its whole answer, a JSON object.

        Args:
            request: what is sent.
            seconds: for everything: connecting, and each byte of the answer.
            limit: of the answer, in bytes.

        Raises:
            Refusal: the status is no success.
            TooLarge: the answer passes the limit.
            Unsent, Transient, Stalled: there is no answer.
        """
        deadline = time.monotonic() + seconds
        with self.answer(request, seconds) as response:
            return document(b"".join(self._pieces(response, limit, deadline)))

    @contextmanager
    def answer(self, request: Request, seconds: float, silence_s: float = 0.0) -> "Iterator[HTTPResponse]":
        """A successful answer of which nothing has been read yet.

        Args:
            request: what is sent.
            seconds: longest time to connect, until the answer begins, and between two bytes of it.
            silence_s: between two bytes, where that is another time.
        """
        response = self._send(request, seconds)
        with self._lock:
            if self._closed:
                response.close()
                raise Transient("ClusterClosed", "the connection to the cluster is being closed")
            self._open.add(response)
        try:
            with self._faults():
                if response.status not in _OK:
                    raise Refusal(self._refusal(response, time.monotonic() + seconds))
                if silence_s:
                    _allow_silence(response, silence_s)
                yield response
        finally:
            with self._lock:
                self._open.discard(response)
            if not response.closed:
                response.close()  # what is left of it must not be the beginning of the next answer
            response.release_conn()

    def pieces(self, response: "HTTPResponse") -> Iterator[bytes]:
        """What arrives, as it arrives, until the server ends it."""
        while piece := response.read1(_PIECE):
            yield piece

    def close(self) -> None:
        """End what is under way, in whatever thread; nothing is sent any more."""
        with self._lock:
            self._closed = True
            for response in self._open:
                with suppress(ValueError, RuntimeError, OSError):
                    response.shutdown()
        self._link.client.close()

    def _send(self, request: Request, seconds: float) -> "HTTPResponse":
        link = self._link
        if self._closed:
            raise Transient("ClusterClosed", "the connection to the cluster is closed")
        url = link.host + request.path + (f"?{urlencode(request.query)}" if request.query else "")
        headers = {
            "Accept": "application/json",
            "Content-Type": request.content_type,
            "User-Agent": f"reconciler/{__version__}",
        }
        timeout = (min(seconds, 10.0), seconds)
        with self._faults():
            with self._tokens:  # a plugin that asks somebody is run once
                headers |= _authorization(link.configuration)
            response: HTTPResponse = link.client.request(
                request.method, url, headers=headers, body=request.body, _request_timeout=timeout
            ).response
        return response

    def _pieces(self, response: "HTTPResponse", limit: int, deadline: float) -> Iterator[bytes]:
        held = 0
        for piece in self.pieces(response):
            held += len(piece)
            if held > limit:
                raise TooLarge("ClusterAnswerTooLarge", f"{self.address}: an answer of more than {limit} bytes")
            if time.monotonic() > deadline:
                raise Transient("ClusterUnreachable", f"{self.address}: the answer does not come to its end")
            yield piece

    def _refusal(self, response: "HTTPResponse", deadline: float) -> Answer:
        try:
            status = document(b"".join(self._pieces(response, _ERROR_BYTES, deadline)))
        except (TooLarge, Transient):
            status = {}
        after = str(response.headers.get("Retry-After", ""))
        return Answer(response.status, status, min(float(after), 60.0) if after.isascii() and after.isdigit() else 0.0)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Faults of the libraries below, as errors that say what to do."""
        from kubernetes.client.exceptions import ApiException  # noqa: PLC0415 - see connection.load
        from urllib3 import exceptions as faults  # noqa: PLC0415

        try:
            yield
        except ApiException as error:  # the library's cloak around TLS errors
            raise self._untrusted(str(error.reason)) from None
        except faults.SSLError as error:
            raise self._untrusted(str(error)) from None
        except (faults.NewConnectionError, faults.ConnectTimeoutError, faults.ProxyError) as error:
            raise Unsent("ClusterUnreachable", f"{self.address}: {_reason(error)}", _UNREACHABLE) from None
        except (faults.ReadTimeoutError, TimeoutError):
            raise Silent("ClusterUnreachable", f"{self.address}: no answer in time", _UNREACHABLE) from None
        except (faults.HTTPError, OSError) as error:
            said = f"{self.address}: the connection broke: {_reason(error)}"
            raise Transient("ClusterUnreachable", said, _UNREACHABLE) from None

    def _untrusted(self, words: str) -> ReconcileError:
        return certificates.error_of(bounded(words), self._link.server)


_UNREACHABLE = "is the API server running, and does the network let us reach it?"


def _linked(settings: ClusterSettings) -> _Link:
    from kubernetes.client.rest import RESTClientObject  # noqa: PLC0415 - see connection.load

    configuration = load(settings)
    host, name = configuration.host, configuration.tls_server_name
    try:
        client = RESTClientObject(configuration)
        parts = urlsplit(host)
        server = certificates.Server(
            parts.hostname or "",
            parts.port or 443,
            name or parts.hostname or "",
            configuration.ssl_ca_cert,
            proxied=bool(configuration.proxy),
        )
    except ValueError as error:  # its words may quote a proxy's URL, with a password
        raise Stalled("ClusterConfigInvalid", f"{address(host)}: a URL of the configuration can't be used") from error
    return _Link(configuration, client, host, server)


def _allow_silence(response: "HTTPResponse", seconds: float) -> None:
    """Set the time between two bytes; without a socket to set it on, that until the answer began stays."""
    sock = getattr(response.connection, "sock", None)
    if sock is not None:
        sock.settimeout(seconds)


def _authorization(configuration: "Configuration") -> dict[str, str]:
    """The header that says who asks; the library reads a service account's token anew each minute."""
    try:
        token = configuration.get_api_key_with_prefix("BearerToken")
    except Exception as error:  # noqa: BLE001 - the library runs plugins and reads files here, and raises anything
        raise Transient(
            "ClusterCredentialsMissing", f"the credentials can't be read ({type(error).__name__})"
        ) from None
    token = (token or "").strip()
    if not (token.isascii() and token.isprintable()):  # the HTTP library would show it in its complaint
        raise Transient("ClusterCredentialsMissing", "the token is not one line of ASCII characters")
    return {"Authorization": token} if token else {}


def _reason(error: Exception) -> str:
    """A library's words without its object addresses and repeated URLs."""
    return bounded(str(error).rpartition(": ")[2] or type(error).__name__)


def document(content: bytes) -> dict[str, Json]:
    """A JSON object.

    Raises:
        Transient: ``ClusterAnswerUnreadable``.
    """
    try:
        value = decoded(content)
    except ValueError:
        raise unreadable(repr(content[:60].decode(errors="replace"))) from None
    if not isinstance(value, dict):
        raise unreadable(f"a JSON {type(value).__name__}")
    return value
