"""Real Envoys with a configuration as the command printed it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.apply.envoy_binary import find_envoy
from reconciler.apply.envoy_process import EnvoyProcess
from tests.support.http import get


def envoy_path() -> Path:
    """The Envoy that was installed with the tests."""
    binary = find_envoy("auto")
    assert binary, "make setup installs Envoy"
    return binary


@contextmanager
def running_envoy(bootstrap: str, directory: Path, *, wait: bool = True) -> Iterator[EnvoyProcess]:
    """An Envoy in ``directory``; ``wait`` for it to be ready, which it is not before its control plane speaks."""
    process = EnvoyProcess(envoy_path(), bootstrap.encode(), directory / "envoy")
    try:
        process.start(wait=wait)
        yield process
    finally:
        process.stop()


def only_port(envoy: EnvoyProcess) -> int:
    """The port of its only listener, 0 while there is none."""
    listeners = json.loads(envoy.admin("/listeners?format=json")).get("listener_statuses", [])
    return int(listeners[0]["local_address"]["socket_address"]["port_value"]) if listeners else 0


def serves(envoy: EnvoyProcess, path: str) -> bool:
    """Whether its only listener answers a path with 200; False too while there is none that takes connections."""
    port = only_port(envoy)
    try:
        return bool(port) and get(port, path).status == 200
    except ConnectionRefusedError:
        return False  # a first listener is told of before its workers have started
