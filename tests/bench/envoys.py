"""Real Envoys that are measured: fed by a server of xDS, held to one CPU, and what the kernel says they cost."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.apply import XdsTarget
from reconciler.apply.envoy_process import EnvoyProcess
from reconciler.envoy import xds_bootstrap
from reconciler.loop import Loop
from tests.bench.patience import PATIENCE_S
from tests.support.envoys import envoy_path, running_envoy
from tests.support.ports import reserve_port


@contextmanager
def fed_envoy(xds_port: int, directory: Path, node: str) -> Iterator[EnvoyProcess]:
    """An Envoy that takes everything over incremental ADS; it may not be ready yet."""
    bootstrap = xds_bootstrap(f"127.0.0.1:{xds_port}", node_id=node)
    envoy = EnvoyProcess(envoy_path(), bootstrap, directory / node, ready_timeout_s=PATIENCE_S)
    try:
        envoy.start(wait=False)
        yield envoy
    finally:
        envoy.stop()


def xds_port(loop: Loop) -> int:
    """Of a controller whose only target is xDS."""
    (target,) = loop.edges.targets
    assert isinstance(target, XdsTarget)
    return target.port


@contextmanager
def upstream(directory: Path) -> Iterator[tuple[str, EnvoyProcess]]:
    """An Envoy that answers everything with an empty 200, as fast as Envoy can; its ``host:port`` and process."""
    port = reserve_port()
    with running_envoy(json.dumps(_answering(port)), directory / "upstream") as envoy:
        yield f"127.0.0.1:{port}", envoy


def _answering(port: int) -> dict[str, object]:
    kind = "type.googleapis.com/envoy.extensions.filters"
    router = {"name": "router", "typed_config": {"@type": f"{kind}.http.router.v3.Router"}}
    route = {"match": {"prefix": "/"}, "direct_response": {"status": 200}}
    manager = {
        "@type": f"{kind}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "upstream",
        "http_filters": [router],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    return {
        "admin": {"address": _address(0)},
        "static_resources": {"listeners": [{"name": "all", "address": _address(port), "filter_chains": [chain]}]},
    }


def _address(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def pin(pid: int, cpu: int) -> None:
    """Hold all threads of a process to one CPU, where the machine has as many."""
    allowed = sorted(os.sched_getaffinity(0))
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {allowed[cpu % len(allowed)]})


def cpu_seconds(pid: int) -> float:
    """CPU that the threads of a process have used up to now, in seconds, to the nanosecond; see proc(5)."""
    spent = (task.joinpath("schedstat").read_text().split()[0] for task in Path(f"/proc/{pid}/task").iterdir())
    return sum(map(int, spent)) / 1e9


def idle_cpu(pid: int, seconds: float) -> float:
    """CPU seconds per second that a process uses while nobody asks it anything."""
    before = cpu_seconds(pid)
    time.sleep(seconds)
    return (cpu_seconds(pid) - before) / seconds


def resident_mb(pid: int, line: str = "VmRSS") -> float:
    """Memory of a process in use, in MB; ``VmHWM`` is the most it ever was."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(text.split()[1]) for text in lines if text.startswith(f"{line}:")) / 1024
