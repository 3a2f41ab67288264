"""The proxy in front of the API server changes nothing, but for the faults that a test asks for."""

import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from kubernetes.client import CoreV1Api
from kubernetes.config import new_client_from_config

from tests.support.kubernetes import ADMIN, ApiServer, Client, Document, FaultyProxy, Refused, kubeconfig
from tests.support.waiting import eventually


def config_map(name: str) -> Document:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"key": "one"}}


@pytest.fixture
def client(faulty: FaultyProxy) -> Client:
    """The administrator, through the proxy."""
    client = Client(faulty.address, ADMIN)
    client.resource("ConfigMap")  # what it asks of discovery is not counted
    faulty.forget()
    return client


def test_it_sees_what_the_audit_log_sees(api: ApiServer, faulty: FaultyProxy, namespace: str) -> None:
    """Verbs, groups, resources and subresources are those of the server."""
    user = api.admin.service_account(namespace, "busy")
    every = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    api.admin.grant(user, every, namespace=namespace)
    client = Client(faulty.address, user)
    client.apply(config_map("a"), namespace=namespace)
    client.replace(client.get("ConfigMap", "a", namespace))
    client.list("ConfigMap", namespace, watch="false")
    with client.watch("ConfigMap", namespace) as events:
        assert next(events)["type"] == "ADDED"
    client.delete("ConfigMap", "a", namespace)
    client.service_account(namespace, "other")
    client.calls.call("DELETE", f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases")
    client.get("Namespace", namespace)
    with pytest.raises(Refused, match="name must be provided"):
        client.calls.call("PUT", f"/api/v1/namespaces/{namespace}/finalize", {"kind": "Namespace", "apiVersion": "v1"})
    what = {asked.what for asked in faulty.seen}
    assert {("watch", "", "configmaps", ""), ("create", "", "serviceaccounts", "token"), ("get", "", "/api", "")} < what
    assert ("deletecollection", "coordination.k8s.io", "leases", "") in what
    eventually(lambda: api.requests_of(user) == what, what="the same in the audit log")


def test_it_refuses_as_often_as_it_is_told(client: Client, faulty: FaultyProxy, namespace: str) -> None:
    """429 comes with its Retry-After; other resources and verbs, and what comes after, are answered."""
    faulty.refuse(429, "list", "configmaps", retry_after=7)
    assert client.list("Secret", namespace) == []
    client.create(config_map("a"), namespace)
    with pytest.raises(Refused) as refused:
        client.list("ConfigMap", namespace)
    assert (refused.value.code, refused.value.reason, refused.value.retry_after) == (429, "TooManyRequests", "7")
    assert len(client.list("ConfigMap", namespace)) == 1
    assert (faulty.count("list", "configmaps"), faulty.count("list"), faulty.count()) == (2, 3, 4)


def test_it_breaks_connections(client: Client, faulty: FaultyProxy, namespace: str) -> None:
    """A request gets no answer; a watch ends in the middle."""
    faulty.cut("create")
    with pytest.raises(OSError, match=r"EOF|Remote end closed"):
        client.create(config_map("a"), namespace)
    client.create(config_map("a"), namespace)
    with client.watch("ConfigMap", namespace) as events:
        assert next(events)["object"]["metadata"]["name"] == "a"
        assert faulty.cut_watches("configmaps") == 1
        with pytest.raises(OSError, match="cut off"):
            next(events)
    eventually(lambda: not faulty.open_watches(), what="no watch is left")


def test_it_tells_watches_that_they_are_too_old(client: Client, faulty: FaultyProxy, namespace: str) -> None:
    """Those that begin and those that are open; both end in order."""
    client.create(config_map("a"), namespace)
    with client.watch("ConfigMap", namespace) as events:
        assert next(events)["type"] == "ADDED"
        assert faulty.expire_watches() == 1
        assert [(event["type"], event["object"]["code"]) for event in events] == [("ERROR", 410)]
    faulty.expire("configmaps")
    with client.watch("ConfigMap", namespace) as events:
        assert [(event["type"], event["object"]["reason"]) for event in events] == [("ERROR", "Expired")]


def test_it_is_silent(api: ApiServer, client: Client, faulty: FaultyProxy, namespace: str) -> None:
    """A request hangs until it may go on; an open watch stays open and tells nothing anymore."""
    goes_on = faulty.hang("list")
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    with pytest.raises(TimeoutError):
        client.calls.call("GET", path, seconds=0.2)
    goes_on.set()
    assert client.calls.call("GET", path)["items"] == []
    with client.calls.watch(path, seconds=0.5) as events:
        assert faulty.mute_watches("configmaps") == 1
        api.admin.create(config_map("a"), namespace)
        with pytest.raises(TimeoutError):
            next(events)


def test_it_answers_for_a_server_that_is_gone(api: ApiServer, client: Client, namespace: str) -> None:
    """As load balancers do, in words that are no Status; a watch that was open is cut off."""
    try:
        with client.watch("ConfigMap", namespace) as events:
            api.kill()
            with pytest.raises(OSError, match="cut off"):
                next(events)
        with pytest.raises(Refused) as refused:
            client.list("ConfigMap", namespace)
        assert (refused.value.code, refused.value.reason) == (502, "")
    finally:
        api.restart()
    assert client.list("ConfigMap", namespace) == []


def test_its_certificate_can_have_another_name(api: ApiServer, namespace: str, tmp_path: Path) -> None:
    """Who is told the name gets through; who is not refuses it."""
    with FaultyProxy(api.address, tmp_path, name="cluster.example.test").serving() as proxy:
        told = kubeconfig(tmp_path / "told", proxy.address, ADMIN)
        with new_client_from_config(str(told)) as client:
            metadata = CoreV1Api(client).read_namespace(namespace).metadata
        assert metadata
        assert metadata.name == namespace
        with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
            Client(replace(proxy.address, tls_server_name=""), ADMIN).list("ConfigMap")
