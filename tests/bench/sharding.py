"""What it costs Envoy to have its hosts in pieces: each request, and each changed Mapping.

Run it with ``python -m tests.bench.sharding``. 10,000 rules that Envoy answers itself, on 500 hosts. Requests are
measured in rounds over all ways to divide them, so that quotients compare what ran at the same time; updates go over
xDS to an Envoy each. CPU is that of Envoy, from ``/proc``: all of it for requests, its main thread for updates.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Thread

from reconciler.apply.envoy_binary import EnvoyProcess
from reconciler.apply.xds import XdsTarget
from reconciler.envoy import RenderOptions, Sharding, render, static_bootstrap, xds_bootstrap
from reconciler.model.match import HostMatch, MatchKind
from reconciler.model.policy import DirectResponse
from reconciler.model.snapshot import Snapshot
from reconciler.model.table import VirtualHost
from tests.support.envoys import envoy_path
from tests.support.ports import reserve_port
from tests.support.routing import listener, rule, table
from tests.support.waiting import eventually

HOSTS = tuple(f"service-{number:05d}.example.com" for number in range(500))
RULES = 20  # of each host
CHANGED = 7
REQUESTS, ROUNDS, UPDATES = 2000, 15, 15


def virtual_host(name: str, version: int | None = None) -> VirtualHost:
    """A host, which one more rule tells the version of."""
    host = HostMatch(MatchKind.EXACT, name)
    paths = [f"/team-{number:02d}/p/" for number in range(RULES)]
    if version is not None:
        paths.append(f"/version-{version}/")
    return VirtualHost(host, tuple(rule(f"{name}{path}", path, DirectResponse(200), host=host) for path in paths))


def snapshot(options: RenderOptions, port: int, version: int | None = None) -> Snapshot:
    """All hosts on one port, one of them in a version."""
    hosts = [virtual_host(name, version if number == CHANGED else None) for number, name in enumerate(HOSTS)]
    return render(table([listener(*hosts, port=port)]), options)


def milliseconds_of(pid: int, *, all_threads: bool) -> float:
    """CPU time so far."""
    process = Path(f"/proc/{pid}/task")
    threads = process.iterdir() if all_threads else [process / str(pid)]
    return sum(int((one / "schedstat").read_text().split()[0]) for one in threads) / 1e6


class Client:
    """A connection that stays open."""

    def __init__(self, port: int) -> None:
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, host: str, path: str) -> bytes:
        """The status of an answer without a body."""
        self.connection.sendall(f"GET {path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: bench\r\n\r\n".encode())
        return self.connection.recv(4096)[9:12]


def requests() -> Iterator[str]:
    """Microseconds of CPU for each request, and how much that is of what it costs where there is one piece."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        clients, envoys = {}, {}
        for sharding in Sharding:
            options, port = RenderOptions(access_log_path="", sharding=sharding), reserve_port()
            bootstrap = static_bootstrap(snapshot(options, port), options)
            envoys[sharding] = stack.enter_context(EnvoyProcess(envoy_path(), bootstrap, folder / sharding))
            clients[sharding] = Client(port)
            stack.callback(clients[sharding].connection.close)
        costs: dict[Sharding, list[float]] = {sharding: [] for sharding in Sharding}
        for _ in range(ROUNDS):
            for sharding, client in clients.items():
                before = milliseconds_of(envoys[sharding].pid, all_threads=True)
                for number in range(REQUESTS):
                    found = client.ask(HOSTS[number * 37 % len(HOSTS)], f"/team-{number % RULES:02d}/p/")
                    assert found == b"200", found
                spent = milliseconds_of(envoys[sharding].pid, all_threads=True) - before
                costs[sharding].append(spent * 1000 / REQUESTS)
        for sharding, spent_in in costs.items():
            share = median(one / whole for one, whole in zip(spent_in, costs[Sharding.NONE], strict=True))
            yield f"{sharding}: {median(spent_in):.1f} us, {share:.2f} of none"


def updates(sharding: Sharding) -> str:
    """Until a new rule is served, and the CPU of Envoy's main thread for it."""
    options, port = RenderOptions(access_log_path="", sharding=sharding), reserve_port()
    versions = [snapshot(options, port, version) for version in range(UPDATES)]
    with TemporaryDirectory() as folder, closing(XdsTarget("127.0.0.1:0")) as target:
        bootstrap = xds_bootstrap(f"127.0.0.1:{target.port}")
        target.apply(snapshot(options, port))
        with EnvoyProcess(envoy_path(), bootstrap, Path(folder)) as envoy:
            eventually(lambda: envoy.listener_port("http-8080"))
            client = Client(port)
            served, spent = [], []
            for version, one in enumerate(versions):
                before, since = milliseconds_of(envoy.pid, all_threads=False), time.perf_counter()
                applying = Thread(target=target.apply, args=(one,))
                applying.start()
                while client.ask(HOSTS[CHANGED], f"/version-{version}/") != b"200":
                    pass
                served.append((time.perf_counter() - since) * 1000)
                applying.join()
                spent.append(milliseconds_of(envoy.pid, all_threads=False) - before)
            client.connection.close()
    return f"{sharding}: served after {median(served):.1f} ms, {median(spent):.2f} ms of CPU"


if __name__ == "__main__":
    for line in requests():
        print(line, flush=True)
    for way in Sharding:
        print(updates(way), flush=True)
