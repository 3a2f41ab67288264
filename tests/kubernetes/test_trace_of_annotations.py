"""From a line that a real Envoy wrote to the version of the annotation that served it, and to who wrote it."""

import json
from pathlib import Path

from tests.kubernetes.test_annotations import HTTPBIN, _serving, reader, service
from tests.support.kubernetes import ApiServer
from tests.support.waiting import eventually


def test_a_request_leads_to_version_and_manager(api: ApiServer, namespace: str, tmp_path: Path) -> None:
    """The line has no commit: time tells which version it was, and that is said."""
    # The first is the longest to come: two processes start.
    config = api.kubeconfig(tmp_path / "kubeconfig", reader(api, namespace), namespace=namespace)
    with _serving(api, namespace, tmp_path, config, "--access-log", "/dev/stdout") as world:
        first = world.annotate("httpbin", HTTPBIN, manager="helm")
        eventually(lambda: world.answers("/httpbin/first"), seconds=60, what="the annotation")
        changed = service("httpbin", HTTPBIN.replace("/httpbin/", "/again/"))
        (second,) = api.admin.apply(changed, namespace=namespace, manager="kubectl-edit", force=True)
        eventually(lambda: world.answers("/again/second"), seconds=30, what="the annotation as it is now")
        log = world.envoy.access_log_path
        eventually(lambda: "/again/second" in log.read_text(), what="its line")
        done = world.desk.run("audit", "trace", log, "--state", world.desk.state, "--output", "json")
        assert done.code == 0, done.text
        lines = [json.loads(line) for line in done.out.splitlines()]
        told = {line["path"]: line for line in lines if "mapping" in line}
        for path, object_, manager in (("/httpbin/first", first, "helm"), ("/again/second", second, "kubectl-edit")):
            one = told[path]
            assert one["mapping"] == f"{namespace}/httpbin_mapping"
            assert one["source"] == f"cluster://Service/{namespace}/httpbin"
            assert (one["by"], one["manager"], one["uid"]) == ("time", manager, object_["metadata"]["uid"])
            assert one["resource_version"] == object_["metadata"]["resourceVersion"]
        assert told["/httpbin/first"]["entry"] < told["/again/second"]["entry"]
