"""The gRPC shell: the aggregated discovery service on a `Fleet`. Moves bytes, decides nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import grpc
import grpc.aio
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DiscoveryRequest

from reconciler.apply.xds import wire
from reconciler.apply.xds.credentials import Certificates, ServerTls, admitted, unheard
from reconciler.apply.xds.fleet import Connection, Fleet
from reconciler.apply.xds.session import Protocol
from reconciler.apply.xds.state import Request
from reconciler.model.addresses import on_loopback
from reconciler.model.errors import Stalled

SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"

OPTIONS: tuple[tuple[str, int], ...] = (
    # Two controllers must not share a port without knowing: each Envoy would get one or the other.
    ("grpc.so_reuseport", 0),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ("grpc.max_concurrent_streams", 1_000_000),
    # A half-open connection is found in 35 s; Envoys may ping us as often as every 10 s.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
)

_STOP_GRACE_S = 2.0

Message = TypeVar("Message", DiscoveryRequest, DeltaDiscoveryRequest)
Context = grpc.aio.ServicerContext[Any, bytes]


class DiscoveryService:
    """One server on one address.

    Args:
        fleet: who is connected, and what each is to get.
        tls: None for clear text.
        tell: told in words that a renewed certificate can't be used; nothing, once it can.
    """

    def __init__(self, fleet: Fleet, tls: ServerTls | None = None, tell: Callable[[str], None] = unheard) -> None:
        self._fleet = fleet
        self._certificates = None if tls is None else Certificates(tls, tell)
        self._names = () if tls is None else tls.client_names
        self._encoder = wire.Encoder()
        self._server: grpc.aio.Server | None = None
        self._stopping = False

    async def start(self, address: str, *, insecure: bool = False) -> int:
        """Listen on ``host:port`` and return the bound port.

        Args:
            address: where.
            insecure: listen in clear text where other machines can reach it, too.

        Raises:
            Stalled: the address can't be bound, the certificate can't be used, or there is none and others would read.
        """
        if self._certificates is None and not insecure and not on_loopback(address):
            raise Stalled(
                "XdsInsecure",
                f"the xDS server would listen on {address} in clear text, for everybody who reaches it",
                "give it a certificate with --xds-cert-file and --xds-key-file, or allow it with --xds-insecure",
            )
        server = grpc.aio.server(options=OPTIONS)
        handlers = {
            "StreamAggregatedResources": grpc.stream_stream_rpc_method_handler(
                self._sotw, request_deserializer=DiscoveryRequest.FromString
            ),
            "DeltaAggregatedResources": grpc.stream_stream_rpc_method_handler(
                self._delta, request_deserializer=DeltaDiscoveryRequest.FromString
            ),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        try:
            if self._certificates is None:
                port = server.add_insecure_port(address)
            else:
                port = server.add_secure_port(address, self._certificates.credentials())
        except RuntimeError as error:
            raise Stalled(
                "XdsAddressUnavailable",
                f"the xDS server can't listen on {address}: the address is taken or not on this machine",
                "stop what listens there (another controller?) or choose another --xds-address",
            ) from error
        await server.start()
        self._server = server
        return port

    async def stop(self) -> None:
        """End every stream and stop listening."""
        if self._server is None:
            return
        # Streams return by themselves once woken; cancelled from outside, gRPC would log each as an error.
        self._stopping = True
        ending = asyncio.ensure_future(self._server.stop(_STOP_GRACE_S))
        self._fleet.wake()
        await ending
        self._server = None

    async def _sotw(self, requests: AsyncIterator[DiscoveryRequest], context: Context) -> None:
        await self._stream(Protocol.SOTW, wire.sotw_request, requests, context)

    async def _delta(self, requests: AsyncIterator[DeltaDiscoveryRequest], context: Context) -> None:
        await self._stream(Protocol.DELTA, wire.delta_request, requests, context)

    async def _stream(
        self,
        protocol: Protocol,
        parse: Callable[[Message], Request | None],
        requests: AsyncIterator[Message],
        context: Context,
    ) -> None:
        if not admitted(self._names, context.auth_context()):
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "no name of the certificate may come in")
        first = await anext(requests, None)
        if first is None:
            return
        connection = self._fleet.join(wire.client_of(first.node, context.peer()), protocol)
        try:
            self._fleet.receive(connection, parse(first))
            reader = asyncio.create_task(self._read(connection, parse, requests))
            try:
                await self._write(connection, reader, context.write)
            finally:
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)
        finally:
            self._fleet.leave(connection)

    async def _read(
        self, connection: Connection, parse: Callable[[Message], Request | None], requests: AsyncIterator[Message]
    ) -> None:
        try:
            async for message in requests:
                self._fleet.receive(connection, parse(message))
        finally:
            connection.wake.set()

    async def _write(
        self, connection: Connection, reader: "asyncio.Task[None]", write: Callable[[bytes], Awaitable[None]]
    ) -> None:
        # write() returns once the transport took the message: a slow Envoy holds up its own stream only.
        while not reader.done() and not self._stopping:
            await connection.wake.wait()
            connection.wake.clear()
            for push in self._fleet.pushes(connection):
                message = self._encoder.encode(connection.protocol, push)
                await write(message)
                self._fleet.sent(connection, push, len(message))
