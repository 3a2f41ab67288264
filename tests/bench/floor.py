"""Envoy's own floor: the least server of incremental ADS, which sends bytes that were made before.

Run as ``python -m tests.bench.floor DIRECTORY``: it prints its port, serves the responses in ``first-*.pb``, and for
each name it reads sends the responses in ``NAME-*.pb`` as they are and prints when it began to, in seconds of the
machine's clock.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc
import grpc.aio
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DeltaDiscoveryResponse, Resource

from reconciler.apply.xds.service import SERVICE
from reconciler.model.snapshot import EMPTY_SNAPSHOT, Snapshot, TypeUrl
from tests.support.command import PROJECT


class Floor:
    """The server in a process of its own, while entered.

    Args:
        directory: private to it.
        first: what it serves at first.
        ports: where Envoy is to listen instead of where ``first`` says.
    """

    def __init__(self, directory: Path, first: Snapshot, ports: dict[int, int]) -> None:
        self._directory = directory
        self._ports = ports
        directory.mkdir()
        self.write("first", EMPTY_SNAPSHOT, first)

    def __enter__(self) -> "Floor":
        command = [sys.executable, "-m", "tests.bench.floor", str(self._directory)]
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT, text=True, bufsize=1
        )
        self.port = int(self._line())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._child.kill()
        self._child.communicate()

    def write(self, name: str, before: Snapshot, after: Snapshot) -> int:
        """Make a change ready; what comes goes out in xDS order, what leaves with it. Returns how many bytes."""
        size = 0
        for number, response in enumerate(_responses(before, after, self._ports)):
            response.nonce = f"{name}-{number}"
            size += (self._directory / f"{name}-{number}.pb").write_bytes(response.SerializeToString())
        return size

    def push(self, name: str) -> float:
        """Send a change; returns when it began, in seconds of the machine's clock."""
        assert self._child.stdin
        self._child.stdin.write(f"{name}\n")
        return float(self._line())

    def _line(self) -> str:
        assert self._child.stdout
        line = self._child.stdout.readline().strip()
        assert line, "the server ended"
        return line


def _responses(before: Snapshot, after: Snapshot, ports: dict[int, int]) -> Iterator[DeltaDiscoveryResponse]:
    for type_url in TypeUrl:
        old, new = before[type_url].resources, after[type_url].resources
        changed = [resource for name, resource in new.items() if name not in old or old[name].digest != resource.digest]
        removed = [name for name in old if name not in new]
        if changed or removed:
            response = DeltaDiscoveryResponse(type_url=type_url, removed_resources=removed)
            for resource in changed:
                body = _moved(resource.body, ports) if type_url is TypeUrl.LISTENER else resource.body
                added = response.resources.add(name=resource.name, version=resource.digest)
                added.resource.type_url, added.resource.value = type_url, body
            yield response


def _moved(listener: bytes, ports: dict[int, int]) -> bytes:
    message = Listener.FromString(listener)
    address = message.address.socket_address
    address.port_value = ports[address.port_value]
    return bytes(message.SerializeToString())


class _Server:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._first: dict[str, dict[str, Resource]] = {}
        for body in self._read("first"):
            response = DeltaDiscoveryResponse.FromString(body)
            self._first[response.type_url] = {resource.name: resource for resource in response.resources}
        self._streams: list[Callable[[bytes], Any]] = []

    def _read(self, name: str) -> list[bytes]:
        return [path.read_bytes() for path in sorted(self._directory.glob(f"{name}-*.pb"))]

    async def stream(self, requests: AsyncIterator[DeltaDiscoveryRequest], context: Any) -> None:
        """What is asked for first; later changes are sent by `push`."""
        self._streams.append(context.write)
        asked: set[str] = set()
        async for request in requests:
            assert not request.HasField("error_detail"), request.error_detail.message
            names = request.resource_names_subscribe
            if names or request.type_url not in asked:
                known = self._first.get(request.type_url, {})
                whole = not names or "*" in names
                wanted = known.values() if whole else [known[name] for name in names if name in known]
                response = DeltaDiscoveryResponse(type_url=request.type_url, resources=wanted, nonce="first")
                await context.write(response.SerializeToString())
            asked.add(request.type_url)

    async def push(self, name: str) -> float:
        """Send the bytes of a change to the newest stream."""
        bodies = self._read(name)
        began = time.perf_counter()
        for body in bodies:
            await self._streams[-1](body)
        return began


async def _main(directory: Path) -> None:
    service = _Server(directory)
    server = grpc.aio.server(options=(("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0)))
    handler = grpc.stream_stream_rpc_method_handler(
        service.stream, request_deserializer=DeltaDiscoveryRequest.FromString
    )
    handlers = {"DeltaAggregatedResources": handler}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start()
    while name := (await asyncio.to_thread(sys.stdin.readline)).strip():
        print(await service.push(name), flush=True)
    await server.stop(0)


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
