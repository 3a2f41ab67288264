"""What a copy of the cluster's Services costs: this project's door, and the informer of the `kubernetes` client.

``make bench-copies`` measures 5000 Services of which 50 a second change, each way in a process of its own.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from reconciler.cluster import SERVICES, Body, ClusterSettings, Reflector, connect
from tests.support.kubernetes import ADMIN, ApiServer, FaultyProxy, kubeconfig
from tests.support.waiting import eventually

COUNT, RATE, SECONDS = 5000, 50, 20
_MAPPING = (
    "---\napiVersion: getambassador.io/v3alpha1\nkind: Mapping\nname: {name}\n"
    "hostname: '*'\nprefix: /{name}/\nservice: {name}.shop:8080\ntimeout_ms: {number}\n"
)
_NOTE = "getambassador.io/config"


def service(number: int) -> dict[str, Any]:
    """A Service with an annotation; without an address, of which the server has few."""
    name = f"service-{number}"
    notes = {_NOTE: _MAPPING.format(name=name, number=0)}
    spec = {"type": "ExternalName", "externalName": "example.test", "ports": [{"name": "http", "port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "annotations": notes}, "spec": spec}


def by_door(config: Path) -> tuple[Callable[[], int], Callable[[], int]]:
    """Starts a reflector; how many objects it has, and how many changes it saw."""
    cluster = connect(ClusterSettings(kubeconfig=config))
    assert cluster
    seen = [0]

    def reduce(body: Body) -> str:
        seen[0] += 1
        metadata = body["metadata"]
        assert isinstance(metadata, dict)
        notes = metadata.get("annotations")
        return str(notes[_NOTE]) if isinstance(notes, dict) and _NOTE in notes else ""

    reflector = Reflector(cluster, SERVICES, reduce, lambda: None)
    reflector.start()
    return lambda: len(reflector.copy().objects), lambda: seen[0]


def by_library(config: Path) -> tuple[Callable[[], int], Callable[[], int]]:
    """The same with the client's own SharedInformer."""
    from kubernetes.client import CoreV1Api  # noqa: PLC0415 - memory of this way alone
    from kubernetes.config import load_kube_config  # noqa: PLC0415
    from kubernetes.informer import ADDED, MODIFIED, SharedInformer  # noqa: PLC0415

    load_kube_config(str(config))
    informer = SharedInformer(CoreV1Api().list_service_for_all_namespaces)
    seen = [0]

    def count(_: object) -> None:
        seen[0] += 1

    informer.add_event_handler(ADDED, count)
    informer.add_event_handler(MODIFIED, count)
    informer.start()
    return lambda: len(informer.cache.list()), lambda: seen[0]


def measured(way: str, config: Path) -> None:
    """The child: list, say so, follow until told to stop; prints what it cost."""
    count, seen = (by_door if way == "door" else by_library)(config)
    began = time.process_time(), time.monotonic()
    eventually(lambda: count() > COUNT, seconds=120, pause=0.01)
    listed = time.process_time() - began[0], time.monotonic() - began[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("ready", flush=True)
    before, known = time.process_time(), seen()
    sys.stdin.readline()
    found = {"list CPU s": listed[0], "list s": listed[1], "peak MiB": peak}
    found |= {"changes": seen() - known, "CPU s for them": time.process_time() - before}
    print(json.dumps(found), flush=True)
    sys.stdin.readline()


def main() -> None:
    """Prints a line for each way."""
    with tempfile.TemporaryDirectory() as scratch:
        _compare(Path(scratch))


def _compare(directory: Path) -> None:
    api = ApiServer(directory, users=())
    api.start()
    try:
        namespace = api.admin.create_namespace()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: api.admin.create(service(number), namespace), range(COUNT)))
        for way in ("door", "library", "door", "library"):
            with FaultyProxy(api.address, directory).serving() as proxy:
                _measure(way, api, proxy, namespace, directory)
    finally:
        api.stop()


def _measure(way: str, api: ApiServer, proxy: FaultyProxy, namespace: str, directory: Path) -> None:
    config = kubeconfig(directory / "config", proxy.address, ADMIN)
    command = [sys.executable, "-m", "tests.bench.copies", way, str(config)]
    quiet = subprocess.DEVNULL  # the informer logs each refusal
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=quiet, text=True) as child:
        assert child.stdin
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
        began = time.monotonic()
        for number in range(RATE * SECONDS):
            name = f"service-{number}"
            notes = {_NOTE: _MAPPING.format(name=name, number=time.monotonic_ns())}
            api.admin.patch("Service", name, {"metadata": {"annotations": notes}}, namespace)
            time.sleep(max(0.0, began + number / RATE - time.monotonic()))
        took = time.monotonic() - began
        time.sleep(0.5)
        asked = {"seconds": took, "lists": proxy.count("list"), "watches": proxy.count("watch")}
        child.stdin.write("\n")
        child.stdin.flush()
        found = json.loads(child.stdout.readline()) | asked
        found["requests in 5 s of 403"] = _refused(proxy)
        child.kill()
    print(way, " ".join(f"{k}: {round(v, 2)}" for k, v in found.items()), flush=True)


def _refused(proxy: FaultyProxy) -> int:
    """Requests in five seconds after the permission to watch is gone."""
    proxy.forget()
    proxy.refuse(403, "watch", times=1_000_000)
    proxy.cut_watches()
    time.sleep(5)
    return proxy.count()


if __name__ == "__main__":
    main() if len(sys.argv) == 1 else measured(sys.argv[1], Path(sys.argv[2]))
