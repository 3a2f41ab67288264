"""A client for HTTP/3."""

import asyncio
import ssl
from collections.abc import Sequence
from pathlib import Path

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, QuicEvent

Head = Sequence[tuple[str, str]]


class _Exchange(QuicConnectionProtocol):
    """One request on one connection, and what comes back."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type] # aioquic makes its protocols itself
        self._http = H3Connection(self._quic)
        self._headers: list[tuple[str, str]] = []
        self._body = b""
        self._done: asyncio.Future[tuple[Head, bytes]] = asyncio.get_running_loop().create_future()

    def quic_event_received(self, event: QuicEvent) -> None:
        """Collects the answer until its end."""
        if isinstance(event, ConnectionTerminated) and not self._done.done():
            self._done.set_exception(ConnectionError(event.reason_phrase or f"closed with {event.error_code}"))
        for found in self._http.handle_event(event):
            if isinstance(found, HeadersReceived):
                self._headers += ((name.decode(), value.decode("latin-1")) for name, value in found.headers)
            elif isinstance(found, DataReceived):
                self._body += found.data
            if isinstance(found, HeadersReceived | DataReceived) and found.stream_ended and not self._done.done():
                self._done.set_result((self._headers, self._body))

    async def ask(self, head: Head, body: bytes) -> tuple[Head, bytes]:
        """Sends a request and waits for its answer."""
        stream = self._quic.get_next_available_stream_id()
        encoded = [(name.encode(), value.encode("latin-1")) for name, value in head]
        self._http.send_headers(stream, encoded, end_stream=not body)
        if body:
            self._http.send_data(stream, body, end_stream=True)
        self.transmit()
        return await self._done


async def ask_http3(
    port: int, server: str, head: Head, body: bytes, pair: tuple[Path, Path] | None
) -> tuple[Head, bytes]:
    """Headers (``:status`` among them) and body of the answer to one request.

    Args:
        port: UDP, on this machine.
        server: the name asked for in the handshake.
        head: pseudo-headers first.
        body: empty for none.
        pair: certificate and key to show; None for none.
    """
    configuration = QuicConfiguration(alpn_protocols=H3_ALPN, server_name=server, verify_mode=ssl.CERT_NONE)
    if pair is not None:
        configuration.load_cert_chain(*pair)
    async with connect("127.0.0.1", port, configuration=configuration, create_protocol=_Exchange) as protocol:
        assert isinstance(protocol, _Exchange)
        return await protocol.ask(head, body)
