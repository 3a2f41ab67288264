"""The least client of incremental ADS: sees when everything is served, and costs next to nothing itself."""

import queue
import socket
import time
from contextlib import suppress
from types import TracebackType

import grpc
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DeltaDiscoveryResponse

from reconciler.apply.xds.service import SERVICE
from reconciler.model.snapshot import TypeUrl
from tests.bench.patience import PATIENCE_S

_PAUSE_S = 0.002


class Client:
    """Connects as soon as somebody listens, while entered.

    Args:
        port: of a server on loopback.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._requests: queue.SimpleQueue[DeltaDiscoveryRequest | None] = queue.SimpleQueue()

    def __enter__(self) -> "Client":
        _await_listener(self._port)
        unlimited = (("grpc.max_receive_message_length", -1),)
        self._channel = grpc.insecure_channel(f"127.0.0.1:{self._port}", options=unlimited)
        method = self._channel.stream_stream(
            f"/{SERVICE}/DeltaAggregatedResources",
            request_serializer=DeltaDiscoveryRequest.SerializeToString,
            response_deserializer=DeltaDiscoveryResponse.FromString,
        )
        self._responses = method(iter(self._requests.get, None), timeout=PATIENCE_S)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._requests.put(None)
        self._channel.close()

    def everything(self) -> float:
        """When clusters, listeners, and the routes of all listeners have come, in seconds of the machine's clock."""
        for type_url in (TypeUrl.CLUSTER, TypeUrl.LISTENER):
            self._ask(type_url)
        missing = {TypeUrl.CLUSTER, TypeUrl.LISTENER, TypeUrl.ROUTE}
        for response in self._responses:
            came_at = time.perf_counter()
            if response.resources:
                missing -= {TypeUrl(response.type_url)}
            if not missing:
                return came_at
            acknowledged = DeltaDiscoveryRequest(type_url=response.type_url, response_nonce=response.nonce)
            self._requests.put(acknowledged)
            if response.type_url == TypeUrl.LISTENER and response.resources:
                self._ask(TypeUrl.ROUTE, [resource.name for resource in response.resources])
        raise AssertionError("the stream ended")

    def _ask(self, type_url: TypeUrl, names: list[str] | None = None) -> None:
        request = DeltaDiscoveryRequest(type_url=type_url, resource_names_subscribe=names or [])
        request.node.id = "restarted"
        self._requests.put(request)


def _await_listener(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(_PAUSE_S)
    raise AssertionError(f"nobody listens on port {port}")
