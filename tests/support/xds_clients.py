"""Fake Envoys, many in one process of their own: gRPC's asyncio side doesn't bear two event loops in a process.

Run as a script with, as JSON, the port and how each node behaves; ends when its standard input does.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc
import grpc.aio
from envoy.service.discovery.v3.discovery_pb2 import DiscoveryRequest, DiscoveryResponse

from reconciler.apply.xds.service import SERVICE
from reconciler.model.snapshot import TypeUrl

Behaviour = Mapping[str, str]
"""``refuse`` and ``silent`` name the type (the end of its URL) that a client rejects or never answers."""


class FakeEnvoys:
    """Clients that ask for all types and answer what they get, while entered.

    Args:
        port: of the server on loopback.
        clients: node to behaviour.
    """

    def __init__(self, port: int, clients: Mapping[str, Behaviour]) -> None:
        self._spec = json.dumps({"port": port, "clients": clients})

    def __enter__(self) -> "FakeEnvoys":
        command = [sys.executable, "-m", "tests.support.xds_clients", self._spec]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=Path(__file__).parents[2])
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._child.communicate(timeout=30)


async def _client(channel: grpc.aio.Channel, node: str, behaviour: Behaviour) -> None:
    method: Any = channel.stream_stream(  # the stubs know nothing of the asyncio side
        f"/{SERVICE}/StreamAggregatedResources",
        request_serializer=DiscoveryRequest.SerializeToString,
        response_deserializer=DiscoveryResponse.FromString,
    )
    stream = method()
    for type_url in (TypeUrl.CLUSTER, TypeUrl.LISTENER, TypeUrl.ROUTE):
        request = DiscoveryRequest(type_url=type_url, resource_names=["web"] if type_url is TypeUrl.ROUTE else [])
        request.node.id = node
        await stream.write(request)
    while message := await stream.read():
        answer = DiscoveryRequest(type_url=message.type_url, response_nonce=message.nonce)
        if message.type_url == TypeUrl.ROUTE:
            answer.resource_names.append("web")
        if behaviour.get("refuse") and message.type_url.endswith(behaviour["refuse"]):
            answer.error_detail.message = "x" * 5000
        if not behaviour.get("silent") or not message.type_url.endswith(behaviour["silent"]):
            await stream.write(answer)


async def _main(port: int, clients: Mapping[str, Behaviour]) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        tasks = [asyncio.create_task(_client(channel, node, behaviour)) for node, behaviour in clients.items()]
        await asyncio.to_thread(sys.stdin.read)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(_main(**json.loads(sys.argv[1])))
