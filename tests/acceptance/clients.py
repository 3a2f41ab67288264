"""Clients for every protocol: a request as it stands in a case goes out, what comes back is told whole."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import aiohttp
import grpc
import httpcore
from yarl import URL

from tests.acceptance.case import Request
from tests.acceptance.certificates import client_names
from tests.acceptance.http3 import ask_http3
from tests.acceptance.sighting import QUERY_HEADER

_PATIENCE_S = 30.0
_PATIENCE: dict[str, float] = dict.fromkeys(("connect", "read", "write", "pool"), _PATIENCE_S)
_TLS_VERSIONS = {f"1.{minor}": ssl.TLSVersion[f"TLSv1_{minor}" if minor else "TLSv1"] for minor in range(4)}


@dataclass(frozen=True, slots=True)
class Call:
    """One sending of a request.

    Attributes:
        id: what peers tell it apart by.
        port: where Envoy really listens.
        certificates: the folder of the certificates.
    """

    id: str
    request: Request
    port: int
    certificates: Path

    @property
    def headers(self) -> list[tuple[str, str]]:
        """All of them, the host left out."""
        given = self.request.headers.items()
        pairs = [(name, value) for name, values in given for value in ([values] if isinstance(values, str) else values)]
        return [*((name, value.replace("@{query}", self.id)) for name, value in pairs), (QUERY_HEADER, self.id)]

    @property
    def path(self) -> str:
        """Path and query as they are sent."""
        return self.request.path.replace("@{query}", self.id)

    @property
    def body(self) -> bytes:
        """What is sent after the head."""
        return self.request.body.replace(b"@{query}", self.id.encode())


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``error`` when nothing whole did.

    Attributes:
        status: HTTP; 0 where there is none.
        certificate: names in the certificate Envoy showed.
        took_ms: until the end of the answer.
    """

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    protocol: str = ""
    grpc_status: str = ""
    error: str = ""
    certificate: tuple[str, ...] = ()
    tls_version: str = ""
    alpn: str = ""
    took_ms: float = 0.0

    def header(self, name: str) -> str | None:
        """The values of a header, joined with a comma; None if it is absent."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ",".join(values) if values else None


Ask = Callable[[list[Call]], Awaitable[list[Answer]]]


def tls_context(call: Call) -> ssl.SSLContext:
    """The client's side of TLS."""
    tls = call.request.tls
    assert tls is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # the cases say which name they expect
    context.verify_mode = ssl.CERT_REQUIRED if tls.verify else ssl.CERT_NONE
    context.load_verify_locations(call.certificates / "ca.crt")
    if tls.client:
        context.load_cert_chain(call.certificates / f"{tls.client}.pem")
    if tls.min:
        context.minimum_version = _TLS_VERSIONS[tls.min]
    if tls.max:
        context.maximum_version = _TLS_VERSIONS[tls.max]
    if tls.alpn:
        context.set_alpn_protocols(list(tls.alpn))
    return context


async def _http(calls: list[Call]) -> list[Answer]:
    """HTTP/1.1 and HTTP/2: the calls of one query share connections."""
    first = calls[0].request
    http2 = first.protocol == "http2"
    pool = httpcore.AsyncConnectionPool(
        ssl_context=tls_context(calls[0]) if first.tls else None,
        http1=not http2,
        http2=http2,
        max_connections=first.at_once,
        local_address=first.client or None,
    )
    limit = asyncio.Semaphore(calls[0].request.at_once)

    async def ask(call: Call) -> Answer:
        async with limit:
            return await _timed(_http_once(pool, call))

    async with pool:
        return await asyncio.gather(*map(ask, calls))


async def _http_once(pool: httpcore.AsyncConnectionPool, call: Call) -> Answer:
    request = call.request
    scheme = "https" if request.tls else "http"
    headers = [("host", request.host), *call.headers]
    if (
        call.body
        and request.protocol == "http1"
        and not request.headers.keys() & {"content-length", "transfer-encoding"}
    ):
        headers.append(("content-length", str(len(call.body))))
    extensions: dict[str, object] = {"timeout": _PATIENCE}
    if request.tls:
        extensions["sni_hostname"] = request.tls.sni or "127.0.0.1"  # an address: none is sent
    async with pool.stream(
        request.method,
        httpcore.URL(scheme=scheme, host="127.0.0.1", port=call.port, target=call.path.encode("latin-1")),
        headers=[(name.encode(), value.encode("latin-1")) for name, value in headers],
        content=call.body or None,
        extensions=extensions,
    ) as response:
        secured = response.extensions["network_stream"].get_extra_info("ssl_object")
        body = await response.aread()
        answer = Answer(
            status=response.status,
            headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers),
            body=body,
            protocol=response.extensions["http_version"].decode(),
        )
        return _with_tls(answer, secured)


def _with_tls(answer: Answer, tls: ssl.SSLObject | None) -> Answer:
    """The answer with what is known of its connection."""
    if tls is None:
        return answer
    alpn = tls.selected_alpn_protocol() or ""
    return replace(answer, certificate=client_names(tls), tls_version=tls.version() or "", alpn=alpn)


async def _websocket_once(call: Call) -> Answer:
    """Upgrade, send the body as a message, take one message."""
    request = call.request
    connector = aiohttp.TCPConnector(local_addr=(request.client, 0) if request.client else None)
    url = URL(f"{'https' if request.tls else 'http'}://127.0.0.1:{call.port}{call.path}", encoded=True)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        try:
            conversation = await session.ws_connect(
                url,
                headers=[("host", request.host), *call.headers],
                ssl=tls_context(call) if request.tls else False,
                server_hostname=request.tls.sni or None if request.tls else None,
            )
        except aiohttp.WSServerHandshakeError as refused:
            headers = tuple((refused.headers or {}).items())
            return Answer(status=refused.status, headers=headers)
        async with conversation:
            await conversation.send_str(call.body.decode())
            message = await conversation.receive(_PATIENCE_S)
            text = message.data if message.type is aiohttp.WSMsgType.TEXT else ""
            response = conversation._response
            return Answer(response.status, tuple(response.headers.items()), text.encode(), "websocket")


def _as_it_is(message: bytes) -> bytes:
    return message


async def _grpc_once(call: Call) -> Answer:
    """A unary call with bytes for messages."""
    options = [("grpc.default_authority", call.request.host), ("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{call.port}", options) as channel:
        method = channel.unary_unary(call.path, _as_it_is, _as_it_is)
        metadata = tuple((name.lower(), value) for name, value in call.headers)
        calling = method(call.body, metadata=metadata, timeout=_PATIENCE_S)
        try:
            body = await calling
        except grpc.aio.AioRpcError as error:
            pairs = (*error.initial_metadata(), *error.trailing_metadata())
            return Answer(
                headers=_metadata(pairs), body=(error.details() or "").encode(), grpc_status=error.code().name
            )
        pairs = (*await calling.initial_metadata(), *await calling.trailing_metadata())
        return Answer(200, _metadata(pairs), body, "grpc", "OK")


def _metadata(pairs: tuple[tuple[str, str | bytes], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value if isinstance(value, str) else value.decode("latin-1")) for name, value in pairs)


async def _tcp_once(call: Call) -> Answer:
    """Bytes out, and all that comes back until the other side closes."""
    request = call.request
    reader, writer = await asyncio.open_connection(
        "127.0.0.1",
        call.port,
        ssl=tls_context(call) if request.tls else None,
        server_hostname=(request.tls.sni or "") if request.tls else None,
        local_addr=(request.client, 0) if request.client else None,
    )
    try:
        secured = writer.get_extra_info("ssl_object")
        writer.write(call.body)
        await writer.drain()
        body = await asyncio.wait_for(reader.read(), _PATIENCE_S)
        return _with_tls(Answer(body=body, protocol="tcp"), secured)
    finally:
        writer.close()


async def _http3_once(call: Call) -> Answer:
    """One request over QUIC; whom the certificate is for is not checked, as everywhere here."""
    request, tls = call.request, call.request.tls
    files = call.certificates
    pair = (files / f"{tls.client}.crt", files / f"{tls.client}.key") if tls and tls.client else None
    head = [
        (":method", request.method),
        (":scheme", "https"),
        (":authority", request.host),
        (":path", call.path),
        *((name.lower(), value) for name, value in call.headers),
    ]
    exchange = ask_http3(call.port, (tls.sni if tls else "") or request.host, head, call.body, pair)
    headers, body = await asyncio.wait_for(exchange, _PATIENCE_S)
    told = tuple(headers)
    return Answer(int(dict(told)[":status"]), tuple(p for p in told if p[0] != ":status"), body, "HTTP/3")


async def _timed(answer: Awaitable[Answer]) -> Answer:
    """The answer with its time; whatever keeps it away, as words."""
    started = time.monotonic()
    try:
        found = await answer
    except Exception as error:  # noqa: BLE001 - each library has its own, and the case says what it expects
        found = Answer(error=f"{type(error).__name__}: {error}")
    return replace(found, took_ms=(time.monotonic() - started) * 1000)


def _each(once: Callable[[Call], Awaitable[Answer]]) -> Ask:
    """Every call over a connection of its own."""

    async def ask(calls: list[Call]) -> list[Answer]:
        limit = asyncio.Semaphore(calls[0].request.at_once)

        async def one(call: Call) -> Answer:
            async with limit:
                return await _timed(once(call))

        return await asyncio.gather(*map(one, calls))

    return ask


CLIENTS: MappingProxyType[str, Ask] = MappingProxyType(
    {
        "http1": _http,
        "http2": _http,
        "websocket": _each(_websocket_once),
        "grpc": _each(_grpc_once),
        "tcp": _each(_tcp_once),
        "http3": _each(_http3_once),
    }
)
