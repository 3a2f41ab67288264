"""Thousands of annotated Services of which many change each second: how soon is a change served, at what cost?

    python -m tests.bench.annotations [SERVICES CHANGES_PER_SECOND SECONDS]

A real API server, the whole controller without a Git repository, and a real Envoy that acknowledges. Prints one line
of JSON; the API server, the writer and Envoy share the machine with the controller.
"""

import json
import random
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from reconciler.apply import XdsTarget
from reconciler.cli.wiring import controller
from reconciler.envoy import xds_bootstrap
from reconciler.loop import Loop
from reconciler.model.outcome import Outcome
from reconciler.model.table import Forward
from reconciler.settings import load
from tests.support.envoys import running_envoy
from tests.support.kubernetes import ApiServer, Client, Document
from tests.support.processes import resident_kib
from tests.support.waiting import eventually

_NAMESPACE = "bench"
_MS_PER_S = 1000


def _service(number: int, version: int) -> Document:
    annotation = (
        f"---\napiVersion: ambassador/v1\nkind: Mapping\nname: m{number}\nprefix: /m{number}/\n"
        f"service: s{number}.bench:80\ntimeout_ms: {_MS_PER_S + version}\n"
    )
    metadata = {"name": f"s{number}", "annotations": {"getambassador.io/config": annotation}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"clusterIP": "None"}}


@dataclass(slots=True)
class Watch:
    """When each write was made, and when it was seen to be served.

    Attributes:
        written: by Mapping the newest version, and when the API server had confirmed it.
        delays: seconds from then to the outcome of the reconcile that served this version or a newer one.
    """

    written: dict[str, tuple[int, float]] = field(default_factory=dict)
    delays: list[float] = field(default_factory=list)
    reconciles: int = 0

    def look(self, loop: Loop, outcome: Outcome) -> None:
        """After a reconcile."""
        if outcome.quiet:
            return
        self.reconciles += 1
        now = time.monotonic()
        routes = {route.name: route.action for route in loop.state.applied.table.routes}
        for name, (version, at) in list(self.written.items()):
            action = routes.get(name)
            if isinstance(action, Forward) and action.timeout_ms >= _MS_PER_S + version:
                self.delays.append(now - at)
                del self.written[name]


def _write(client: Client, services: int, rate: float, until: float, watch: Watch) -> int:
    """Change one Service after the other at a rate; returns how many."""
    chance, count, began = random.Random(0), 0, time.monotonic()
    while time.monotonic() < until:
        time.sleep(max(0.0, began + count / rate - time.monotonic()))
        number, count = chance.randrange(services), count + 1
        client.apply(_service(number, count), namespace=_NAMESPACE)
        watch.written[f"{_NAMESPACE}/m{number}"] = (count, time.monotonic())
    return count


def main(services: int, rate: float, seconds: float) -> None:
    """Run it and print what was found."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory()))
        (scratch / "api").mkdir()
        api = ApiServer(scratch / "api")
        api.start()
        stack.callback(api.stop)
        api.admin.create_namespace(_NAMESPACE)
        for number in range(services):
            api.admin.apply(_service(number, 0), namespace=_NAMESPACE)
        flags = {
            "annotations": "true",
            "kubeconfig": api.kubeconfig(scratch / "kubeconfig"),
            "namespaces": (_NAMESPACE,),
            "target": ("xds",),
            "xds_address": "127.0.0.1:0",
            "listen": "127.0.0.1:0",
            "access_log": "",
            "service_address": ("*=127.0.0.1:1",),  # names that nobody knows would keep Envoy waiting
            "state": scratch / "state",
        }
        watch, loops = Watch(), list[Loop]()
        began, cpu = time.monotonic(), time.process_time()
        loop = stack.enter_context(controller(load(flags, {}, None), lambda o: watch.look(loops[0], o)))
        loops.append(loop)
        (target,) = (one for one in loop.edges.targets if isinstance(one, XdsTarget))
        stack.enter_context(running_envoy(xds_bootstrap(f"127.0.0.1:{target.port}").decode(), scratch, wait=False))
        thread = threading.Thread(target=loop.forever, daemon=True)
        thread.start()
        eventually(lambda: len(loop.state.applied.table.routes) == services, seconds=120, what="the first table")
        first, first_cpu = time.monotonic() - began, time.process_time() - cpu
        watch.reconciles, cpu = 0, time.thread_time()
        spent = time.process_time()
        count = _write(api.admin, services, rate, time.monotonic() + seconds, watch)
        writer = time.thread_time() - cpu
        eventually(lambda: not watch.written, seconds=60, what="the last change")
        spent = time.process_time() - spent - writer
        loop.stop()
        thread.join(30)
    delays = sorted(watch.delays)
    found = {
        "services": services,
        "changes": count,
        "changes_per_second": round(count / seconds, 1),
        "first_served_s": round(first, 2),
        "first_cpu_s": round(first_cpu, 2),
        "served_after_ms": {str(q): round(delays[int(q / 100 * (len(delays) - 1))] * 1000) for q in (50, 95, 100)},
        "reconciles": watch.reconciles,
        "controller_cpu_share": round(spent / seconds, 2),
        "controller_rss_mib": resident_kib() // 1024,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    given = [float(word) for word in sys.argv[1:]]
    main(*(int(given[0]), given[1], given[2]) if given else (5000, 50, 20))
