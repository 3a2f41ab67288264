"""The API server of the tests is what it claims to be: a real and current one, with RBAC and the rest turned on."""

import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.kubernetes import ADMIN, ALICE, ApiServer, Document, Refused
from tests.support.waiting import eventually

CONFIG_MAPS = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}


def config_map(name: str, **data: str) -> Document:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def test_it_is_current(api: ApiServer) -> None:
    """It tells a version as clients parse it, no older than what clusters run today."""
    version = api.admin.calls.call("GET", "/version")
    assert version["gitVersion"].startswith(f"v{version['major']}.{version['minor']}.")
    assert (int(version["major"]), int(version["minor"])) >= (1, 34)


def test_nobody_may_what_is_not_granted(api: ApiServer, namespace: str) -> None:
    """RBAC decides: refused before the grant, answered after it, and no verb more."""
    user = api.admin.service_account(namespace, "reader")
    reader = api.client(user)
    with pytest.raises(Refused, match=f'"{user.name}" cannot list resource "configmaps"') as refused:
        reader.calls.call("GET", f"/api/v1/namespaces/{namespace}/configmaps")
    assert (refused.value.code, refused.value.reason) == (403, "Forbidden")
    api.admin.grant(user, CONFIG_MAPS, namespace=namespace)
    assert reader.list("ConfigMap", namespace) == []
    with pytest.raises(Refused, match="cannot create"):
        reader.create(config_map("a"), namespace)


def test_a_static_user_is_nobody_at_first(api: ApiServer) -> None:
    """Alice is who her token says, and may nothing of her own."""
    with pytest.raises(Refused, match='"alice" cannot list resource "nodes"'):
        api.client(ALICE).list("Node")


def test_an_unknown_token_is_refused(api: ApiServer) -> None:
    """There is no anonymous way around the token."""
    with pytest.raises(Refused) as refused:
        api.client(type(ADMIN)("admin", "wrong")).list("Node")
    assert refused.value.code == 401


def test_appliers_conflict(api: ApiServer, namespace: str) -> None:
    """Server-side apply knows who owns a field, refuses another, and hands it over by force."""
    api.admin.apply(config_map("a", key="one"), namespace=namespace, manager="first")
    with pytest.raises(Refused, match='conflict with "first"') as refused:
        api.admin.apply(config_map("a", key="two"), namespace=namespace, manager="second")
    assert refused.value.code == 409
    api.admin.apply(config_map("a", key="two"), namespace=namespace, manager="second", force=True)
    assert api.admin.get("ConfigMap", "a", namespace)["data"] == {"key": "two"}


def test_a_stale_write_conflicts(api: ApiServer, namespace: str) -> None:
    """Optimistic locking holds: a write of an object that has changed since it was read is refused."""
    read = api.admin.create(config_map("a", key="one"), namespace)
    api.admin.patch("ConfigMap", "a", {"data": {"key": "two"}}, namespace)
    with pytest.raises(Refused, match="the object has been modified"):
        api.admin.replace(read)


def test_objects_survive_a_stop_and_watches_expire(api: ApiServer, namespace: str) -> None:
    """The data is on disk; what the server kept of past changes is gone, so an old watch is told 410.

    Where somebody has taken its port meanwhile, it takes another.
    """
    old = api.admin.collection("ConfigMap", namespace)["metadata"]["resourceVersion"]
    api.admin.create(config_map("kept"), namespace)
    with api.admin.watch("ConfigMap", namespace, resourceVersion=old) as events:
        assert next(events)["object"]["metadata"]["name"] == "kept"
    before = urlsplit(api.address.url)
    api.stop()
    assert api.servers.pids == ()
    with socket.create_server((str(before.hostname), before.port)):
        api.start()
    assert urlsplit(api.address.url).port != before.port
    assert api.admin.get("ConfigMap", "kept", namespace)
    with api.admin.watch("ConfigMap", namespace, resourceVersion=old) as events:
        event = next(events)
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


def test_custom_resources_are_checked(api: ApiServer, namespace: str) -> None:
    """A defined kind is served at once, checked by its schema, and its status is a resource of its own."""
    schema = {
        "type": "object",
        "properties": {
            "spec": {"type": "object", "properties": {"size": {"type": "integer", "maximum": 3}}},
            "status": {"type": "object", "properties": {"seen": {"type": "integer"}}},
        },
    }
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.server.test"},
        "spec": {
            "group": "server.test",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
            "versions": [version | {"subresources": {"status": {}}}],
        },
    }
    api.admin.apply(definition)
    widget = {"apiVersion": "server.test/v1", "kind": "Widget", "metadata": {"name": "a"}, "spec": {"size": 2}}
    api.admin.apply(widget | {"status": {"seen": 1}}, namespace=namespace)
    assert "status" not in api.admin.get("Widget", "a", namespace)
    api.admin.patch("Widget", "a", {"status": {"seen": 1}}, namespace, "status")
    assert api.admin.get("Widget", "a", namespace)["status"] == {"seen": 1}
    with pytest.raises(Refused, match="should be less than or equal to 3"):
        api.admin.apply(widget | {"spec": {"size": 4}}, namespace=namespace)


def test_leases_have_one_writer(api: ApiServer, namespace: str) -> None:
    """Of two who take a Lease from the same reading, one wins."""
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "leader"}}
    free = api.admin.create(lease | {"spec": {"leaseDurationSeconds": 2}}, namespace)
    won = api.admin.replace(free | {"spec": {"holderIdentity": "one"}})
    assert won["spec"]["holderIdentity"] == "one"
    with pytest.raises(Refused) as refused:
        api.admin.replace(free | {"spec": {"holderIdentity": "two"}})
    assert refused.value.reason == "Conflict"


def test_the_audit_log_tells_who_asked_for_what(api: ApiServer, namespace: str) -> None:
    """Every request of a user is there, refused ones and watches too, and nobody else's."""
    user = api.admin.service_account(namespace, "watched")
    asks = api.client(user)
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    assert api.requests_of(user) == set()
    with pytest.raises(Refused):
        asks.calls.call("POST", path, config_map("a"))
    api.admin.grant(user, CONFIG_MAPS | {"verbs": ["watch"]}, namespace=namespace)
    with asks.calls.watch(path):
        expected = {("create", "", "configmaps", ""), ("watch", "", "configmaps", "")}
        eventually(lambda: api.requests_of(user) == expected, what="both requests in the audit log")
    assert api.refusals_of(user) == {("create", "", "configmaps", "")}


def test_a_frozen_server_answers_when_it_thaws(api: ApiServer, namespace: str) -> None:
    """Freezing keeps connections open and silent; nothing is lost."""
    api.admin.list("ConfigMap", namespace)
    api.freeze()
    try:
        with pytest.raises(TimeoutError):
            api.client(ADMIN).calls.call("GET", "/version", seconds=0.2)
    finally:
        api.thaw()
    assert api.admin.list("ConfigMap", namespace) == []


def test_a_removed_namespace_is_gone_with_all_in_it(api: ApiServer) -> None:
    """What a test leaves behind does not reach the next one that reads the whole cluster."""
    name = api.admin.create_namespace()
    api.admin.apply(config_map("left"), namespace=name)
    began = time.monotonic()
    api.admin.remove_namespace(name)
    print(f"removed in {time.monotonic() - began:.3f} s")
    assert api.admin.find("Namespace", name) is None
    assert not [m for m in api.admin.list("ConfigMap") if m["metadata"]["namespace"] == name]


def test_helm_installs(api: ApiServer, namespace: str, helm: Path, tmp_path: Path) -> None:
    """Helm is the real one, and installs into the server."""
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: sample\nversion: 1.0.0\n")
    (chart / "templates" / "map.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}'}\n"
        "data: {kubernetes: '{{ .Capabilities.KubeVersion.Version }}'}\n"
    )
    config = api.kubeconfig(tmp_path / "kubeconfig", namespace=namespace)
    environment = {"HOME": str(tmp_path), "KUBECONFIG": str(config)}
    command: list[str | Path] = [helm, "install", "shop", chart, "--wait"]
    subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    version = api.admin.calls.call("GET", "/version")["gitVersion"]
    assert api.admin.get("ConfigMap", "shop", namespace)["data"] == {"kubernetes": version}
