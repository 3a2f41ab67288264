"""The upstreams of the cases: real servers on loopback, all on one event loop."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import hypercorn.asyncio
import hypercorn.config
from aiohttp import WSMsgType, web

from tests.acceptance.certificates import client_names
from tests.acceptance.sighting import QUERY_HEADER, Board, Sighting, joined

_PLAIN = ("echo", "other", "another", "flaky", "slow", "websocket")
# grpc.health.v1.HealthCheckResponse: field 1, SERVING and NOT_SERVING.
_HEALTH, _SERVING, _NOT_SERVING = "/grpc.health.v1.Health/Check", b"\x08\x01", b"\x08\x02"
_ASKED_FOR = "asked_for"
_NEVER_MS = 60_000  # longer than any timeout of a case


@asynccontextmanager
async def serving(board: Board, certificates: Path) -> AsyncIterator[dict[str, str]]:
    """All peers; gives the ``host:port`` of each by name."""
    async with AsyncExitStack() as stack:
        ports: dict[str, int] = {}
        for name in _PLAIN:
            ports[name] = await stack.enter_async_context(_http1(name, board, None))
        for name, wanted in (("tls", None), ("mtls", certificates / "client.crt")):
            context = server_context(certificates / f"{name}.pem", wanted)
            ports[name] = await stack.enter_async_context(_http1(name, board, context))
        ports["h2"] = await stack.enter_async_context(_http2("h2", board, None))
        ports["h2-tls"] = await stack.enter_async_context(_http2("h2-tls", board, certificates))
        ports["grpc"] = await stack.enter_async_context(_grpc("grpc", board))
        for name in ("tcp", "tcp-other"):
            ports[name] = await stack.enter_async_context(_tcp(name, board, None))
        context = server_context(certificates / "tcp-tls.pem", None)
        ports["tcp-tls"] = await stack.enter_async_context(_tcp("tcp-tls", board, context))
        ports["nobody"] = stack.enter_context(_closed())
        yield {name: f"127.0.0.1:{port}" for name, port in ports.items()}


def server_context(certificate: Path, wanted: Path | None) -> ssl.SSLContext:
    """A server with a certificate that remembers which name it was asked for; ``wanted``: of its clients."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if wanted:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(wanted)

    def remember(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _context: ssl.SSLContext) -> None:
        vars(connection)[_ASKED_FOR] = name or ""

    context.sni_callback = remember
    return context


def _sni(tls: ssl.SSLObject | None) -> str:
    return str(vars(tls).get(_ASKED_FOR, "")) if tls else ""


def _bound() -> socket.socket:
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listening.setblocking(False)
    return listening


def _port(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])


class _closed:  # noqa: N801 - used as a function
    """A port that refuses connections: bound, so that nobody else gets it, and never listened on."""

    def __enter__(self) -> int:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        return _port(self._socket)

    def __exit__(self, *_: object) -> None:
        self._socket.close()


class Behaviour:
    """What a request asks of a peer by its headers."""

    def __init__(self, peer: str, headers: Mapping[str, str], times: int) -> None:
        failing = times <= int(headers.get("x-fail", 0))
        status = headers.get("x-fail-status", "503") if failing else headers.get("x-answer-status", "200")
        self.reset = status == "reset"
        self.status = 0 if self.reset else int(status)
        self.delay_s = int(headers.get("x-delay-ms", _NEVER_MS if peer == "slow" else 0)) / 1000
        self.headers: dict[str, str] = {
            "x-peer": peer,
            "content-type": "application/json",
            **json.loads(headers.get("x-answer-headers", "{}")),
        }
        self.length = int(headers.get("x-answer-bytes", -1))

    def body(self, seen: Sighting) -> bytes:
        """What it answers with."""
        return b"x" * self.length if self.length >= 0 else told(seen)


def told(seen: Sighting) -> bytes:
    """A sighting as JSON."""
    short = ("peer", "method", "path", "host", "headers", "body", "protocol")
    return json.dumps({key: getattr(seen, key) for key in short}).encode()


@asynccontextmanager
async def _http1(name: str, board: Board, tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    """HTTP/1.1 and WebSocket."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        transport = request.transport
        secured = transport.get_extra_info("ssl_object") if transport else None
        headers = joined(request.raw_headers)
        upgrade = headers.get("upgrade", "").lower() == "websocket"
        seen = Sighting(
            peer=name,
            method=request.method,
            path=request.raw_path,
            host=headers.get("host", ""),
            headers=headers,
            names=tuple(raw.decode() for raw, _ in request.raw_headers),
            body="" if upgrade else (await request.read()).decode("latin-1"),
            protocol="websocket" if upgrade else f"HTTP/{request.version.major}.{request.version.minor}",
            sni=_sni(secured),
            certificate=client_names(secured),
        )
        behaviour = Behaviour(name, headers, board.note(headers.get(QUERY_HEADER, ""), seen))
        if behaviour.delay_s:
            await asyncio.sleep(behaviour.delay_s)
        if behaviour.reset:
            if transport:
                transport.abort()
            return web.Response()
        if upgrade and behaviour.status == web.HTTPOk.status_code:
            return await _converse(request, seen)
        return web.Response(status=behaviour.status, headers=behaviour.headers, body=behaviour.body(seen))

    server = web.Server(answer, access_log=None)
    runner = web.ServerRunner(server, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    listening = _bound()
    await web.SockSite(runner, listening, ssl_context=tls).start()
    try:
        yield _port(listening)
    finally:
        await runner.cleanup()


async def _converse(request: web.BaseRequest, seen: Sighting) -> web.WebSocketResponse:
    """Answers the first message with what was seen and what the message said."""
    socket_ = web.WebSocketResponse(
        protocols=[p.strip() for p in seen.headers.get("sec-websocket-protocol", "").split(",")]
    )
    socket_.headers["x-peer"] = seen.peer
    await socket_.prepare(request)
    message = await socket_.receive()
    if message.type == WSMsgType.TEXT:
        await socket_.send_str(json.dumps(json.loads(told(seen)) | {"body": message.data}))
    await socket_.close()
    return socket_


@asynccontextmanager
async def _http2(name: str, board: Board, certificates: Path | None) -> AsyncIterator[int]:
    """HTTP/2, with prior knowledge or over TLS."""

    async def answer(scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        if scope["type"] != "http":
            return
        body = b""
        more = True
        while more:
            event = await receive()
            body += event.get("body", b"")
            more = event.get("more_body", False)
        headers = joined(scope["headers"])
        query = scope["query_string"]
        path = scope["raw_path"] + (b"?" + query if query and b"?" not in scope["raw_path"] else b"")
        seen = Sighting(
            peer=name,
            method=scope["method"],
            path=path.decode("latin-1"),
            host=headers.get("host", headers.get(":authority", "")),
            headers=headers,
            names=tuple(raw.decode() for raw, _ in scope["headers"]),
            body=body.decode("latin-1"),
            protocol=f"HTTP/{scope['http_version']}",
        )
        behaviour = Behaviour(name, headers, board.note(headers.get(QUERY_HEADER, ""), seen))
        if behaviour.delay_s:
            await asyncio.sleep(behaviour.delay_s)
        pairs = [(key.encode(), value.encode()) for key, value in behaviour.headers.items()]
        await send({"type": "http.response.start", "status": behaviour.status or 503, "headers": pairs})
        await send({"type": "http.response.body", "body": behaviour.body(seen)})

    listening = _bound()
    config = hypercorn.config.Config()
    config.bind = [f"fd://{listening.fileno()}"]
    config.include_server_header = False
    config.graceful_timeout = 0.1
    config.errorlog = None
    if certificates:
        config.certfile, config.keyfile = (str(certificates / f"{name}.{suffix}") for suffix in ("crt", "key"))
    port = _port(listening)
    ended = asyncio.Event()
    listening.detach()  # hypercorn closes what it is given
    task = asyncio.create_task(hypercorn.asyncio.serve(answer, config, shutdown_trigger=ended.wait, mode="asgi"))
    try:
        yield port
    finally:
        ended.set()
        await task


@asynccontextmanager
async def _grpc(name: str, board: Board) -> AsyncIterator[int]:
    """Every unary call of every service; answers JSON instead of a protobuf message."""

    async def answer(method: str, request: bytes, context: Any) -> bytes:
        pairs = context.invocation_metadata() or ()
        headers = joined((key.encode(), value if isinstance(value, bytes) else value.encode()) for key, value in pairs)
        seen = Sighting(
            peer=name,
            method="POST",
            path=method,
            headers=headers,
            body=request.decode("latin-1"),
            protocol="grpc",
        )
        times = board.note(headers.get(QUERY_HEADER, ""), seen)
        if "x-delay-ms" in headers:
            await asyncio.sleep(int(headers["x-delay-ms"]) / 1000)
        if times <= int(headers.get("x-fail", 0)):
            context.set_trailing_metadata((("x-peer", name),))  # nothing goes before it, so that a proxy may retry
            await context.abort(grpc.StatusCode[headers.get("x-fail-status", "UNAVAILABLE")], "asked to fail")
        await context.send_initial_metadata((("x-peer", name),))
        if method == _HEALTH:
            return _NOT_SERVING if b"down" in request else _SERVING
        return told(seen)

    class Handler(grpc.GenericRpcHandler):  # type: ignore[type-arg] # no generic at run time
        def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
            async def called(request: bytes, context: Any) -> bytes:
                return await answer(handler_call_details.method, request, context)

            return grpc.unary_unary_rpc_method_handler(called)

    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


@asynccontextmanager
async def _tcp(name: str, board: Board, tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    """Answers one line, in which the id of the request is the first word, with JSON."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = (await reader.readline()).decode("latin-1")
            secured = writer.get_extra_info("ssl_object")
            seen = Sighting(name, body=line, protocol="tcp", sni=_sni(secured), certificate=client_names(secured))
            if line:
                board.note(line.split()[0] if line.split() else "", seen)
                writer.write(told(seen))
                await writer.drain()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    listening = _bound()
    server = await asyncio.start_server(answer, sock=listening, ssl=tls)
    try:
        yield _port(listening)
    finally:
        server.close()
