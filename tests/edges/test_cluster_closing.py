"""An API server that does not answer any more delays an end once, and not once for each thing that was watched."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from reconciler.cluster import Cluster, connect
from reconciler.discovery import EndpointDiscovery
from reconciler.sources.cluster import ClusterReading, ClusterSource
from tests.support.scripted_api import ScriptedApi

NAMESPACES = ("a", "b", "c")


@contextmanager
def silent(directory: Path) -> Iterator[tuple[Cluster, socket.socket]]:
    """The door to something that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        cluster = connect(ScriptedApi([], listener.getsockname()[1]).settings(directory, request_s=60.0))
        assert cluster
        try:
            yield cluster, listener
        finally:
            cluster.close()


def held(listener: socket.socket, stack: ExitStack) -> None:
    """Waits until each reflector of Services and one of another type per namespace has asked."""
    listener.settimeout(10)
    for _ in range(2 * len(NAMESPACES)):
        connection, _address = listener.accept()
        stack.enter_context(connection).recv(1)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own proxies."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_a_source_ends_in_the_time_of_one_watch(tmp_path: Path) -> None:
    """Six threads that wait for an answer are given two seconds together."""
    with silent(tmp_path) as (cluster, listener), ExitStack() as stack:
        source = ClusterSource(cluster, ClusterReading(namespaces=NAMESPACES), lambda: None)
        source.start()
        held(listener, stack)
        began = time.monotonic()
        source.close()
        assert time.monotonic() - began < 5


def test_discovery_ends_in_the_time_of_one_watch(tmp_path: Path) -> None:
    """As the source does."""
    with silent(tmp_path) as (cluster, listener), ExitStack() as stack:
        discovery = EndpointDiscovery(cluster, lambda _: None, lambda _about, _trouble: None, patience_s=0)
        discovery.want(frozenset(f"{namespace}/web:80" for namespace in NAMESPACES))
        held(listener, stack)
        began = time.monotonic()
        discovery.close()
        assert time.monotonic() - began < 5
