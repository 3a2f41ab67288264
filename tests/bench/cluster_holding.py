"""What a change of one object costs among many: ``python -m tests.bench.cluster_holding [OBJECTS]``."""

import sys
import time
from itertools import pairwise
from typing import Any

from reconciler.cluster import ObjectKey
from reconciler.model.limits import Limits
from reconciler.sources.cluster import ClusterReading
from reconciler.sources.cluster.holding import Holding
from reconciler.sources.cluster.reduction import Reduced, reduce_service

_CHANGES = 300
_CREATED = "2026-03-01T08:00:00Z"
_OWNED: dict[str, Any] = {"f:metadata": {"f:annotations": {"f:getambassador.io/config": {}}}}


def _service(number: int, version: int) -> Reduced:
    text = f"apiVersion: ambassador/v1\nkind: Mapping\nname: m{number}\nprefix: /p{number}/\nservice: s{version}\n"
    metadata: dict[str, Any] = {
        "name": f"s{number}",
        "namespace": f"n{number % 50}",
        "uid": f"u{number}",
        "resourceVersion": str(version),
        "creationTimestamp": _CREATED,
        "annotations": {"getambassador.io/config": text},
        "managedFields": [{"manager": "kubectl", "time": _CREATED, "fieldsV1": _OWNED}],
    }
    found = reduce_service({"metadata": metadata}, ClusterReading(), annotations=True, ports=False)
    assert found is not None
    return found


def main(count: int) -> None:
    """Prints milliseconds of CPU for each step of a change."""
    objects: dict[ObjectKey, Reduced] = {(f"n{i % 50}", f"s{i}"): _service(i, 0) for i in range(count)}
    holding = Holding(Limits())
    holding.put("services", objects)
    view = holding.view(synced=True, failure="", stale_s=0.0)
    spent = [0.0, 0.0, 0.0]
    for change in range(_CHANGES):
        number = change * 7 % count
        objects = {**objects, (f"n{number % 50}", f"s{number}"): _service(number, change + 1)}
        at = [time.process_time()]
        holding.put("services", objects)
        at.append(time.process_time())
        after = holding.view(synced=True, failure="", stale_s=0.0)
        at.append(time.process_time())
        assert len(after.changes_since(view)) == 1
        at.append(time.process_time())
        spent = [sum(pair) for pair in zip(spent, (b - a for a, b in pairwise(at)), strict=True)]
        view = after
    for what, seconds in zip(("take it in", "view of all", "what differs"), spent, strict=True):
        print(f"{what:<14} {seconds / _CHANGES * 1000:.2f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000)
