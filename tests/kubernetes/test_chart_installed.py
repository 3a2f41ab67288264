"""The chart in a real cluster's API: installed, upgraded, removed; and the programs as it starts them."""

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection
from typing import Any

import pytest
import yaml

from tests.support.chart import CHART, rendered
from tests.support.command import Controller, Desk
from tests.support.controllers import mapping
from tests.support.envoys import envoy_path
from tests.support.http import get
from tests.support.kubernetes import ApiServer, Document
from tests.support.mounts import Mounts
from tests.support.person import Person
from tests.support.ports import reserve_port
from tests.support.repositories import Repository
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually

REPO = "git.repo=https://git.example.com/team/routes.git"
UPSTREAMS_ARE_HERE = {"loopback": True}
NO_KEYS = ("--set", "tls.source=off")  # they take long to make


@pytest.fixture
def person(api: ApiServer, namespace: str, helm: Path, tmp_path: Path) -> Person:
    """Helm in the test's namespace."""
    return Person(helm, tmp_path, api.kubeconfig(tmp_path / "kubeconfig", namespace=namespace))


def _definitions(documents: list[Document]) -> set[str]:
    return {d["metadata"]["name"] for d in documents if d["kind"] == "CustomResourceDefinition"}


def _keys(documents: list[Document]) -> dict[str, dict[str, str]]:
    """The certificates among objects, by name."""
    return {d["metadata"]["name"]: d["data"] for d in documents if d.get("type") == "kubernetes.io/tls"}


def test_a_release_from_its_installation_to_its_end(api: ApiServer, namespace: str, person: Person) -> None:
    """Certificates are kept until they must be new; definitions are brought once, and stay.

    An upgrade would otherwise cut every Envoy off until its Pod has the new ones, and a removal take away everybody's
    Mappings.
    """
    values = ("--set", f"{REPO},sources.customResources=true")
    person.run("install", "edge", CHART, *values)
    first = _keys(api.admin.list("Secret", namespace))
    assert first.keys() == {"edge-reconciler-xds-server", "edge-reconciler-xds-client"}
    name = "mappings.getambassador.io"
    definition = api.admin.get("CustomResourceDefinition", name)
    assert definition["metadata"]["annotations"]["meta.helm.sh/release-name"] == "edge"
    # Another release leaves alone what this one has brought.
    assert _definitions(person.tries("install", "other", CHART, *values, *NO_KEYS)) == set()
    person.run("upgrade", "edge", CHART, *values, "--set", "replicas=3")
    assert _keys(api.admin.list("Secret", namespace)) == first
    assert api.admin.get("StatefulSet", "edge-reconciler", namespace)["spec"]["replicas"] == 3
    # A month before they end there are new ones.
    ends = {"reconciler.dev/not-after": "2020-01-01T00:00:00Z"}
    api.admin.patch("Secret", "edge-reconciler-xds-server", {"metadata": {"annotations": ends}}, namespace)
    renewed = _keys(person.tries("upgrade", "edge", CHART, *values))
    assert renewed.keys() == first.keys()
    assert all(renewed[name] != first[name] for name in first)
    person.run("uninstall", "edge")
    assert _keys(api.admin.list("Secret", namespace)) == {}
    assert api.admin.find("CustomResourceDefinition", name)
    # The same release again has its own, and may change them.
    assert name in _definitions(person.tries("install", "edge", CHART, *values, *NO_KEYS))


def test_what_is_kept_when_it_is_removed(api: ApiServer, namespace: str, person: Person) -> None:
    """The claim with the journal outlives the release; the next one takes it over."""
    values = ("--set", f"{REPO},mode=cronjob,envoy.enabled=false,events=false")
    person.run("install", "edge", CHART, *values)
    assert api.admin.get("CronJob", "edge-reconciler", namespace)["spec"]["concurrencyPolicy"] == "Forbid"
    person.run("uninstall", "edge")
    assert api.admin.find("CronJob", "edge-reconciler", namespace) is None
    (claim,) = api.admin.list("PersistentVolumeClaim", namespace)
    assert claim["metadata"]["name"] == "edge-reconciler-state"
    again = person.tries("install", "edge", CHART, *values)
    assert claim["metadata"]["name"] in {d["metadata"]["name"] for d in again if d["kind"] == "PersistentVolumeClaim"}
    with pytest.raises(AssertionError, match="cannot be imported into the current release"):
        person.tries("install", "other", CHART, *values, "--set", "fullnameOverride=edge-reconciler")


def test_monitoring_comes_where_the_cluster_knows_it(api: ApiServer, namespace: str, person: Person) -> None:
    """``auto`` asks the API server; elsewhere the chart installs all the same."""
    flags = ("install", "edge", CHART, "--set", f"{REPO},monitoring.labels.release=prometheus,tls.source=off")
    kinds = {"PodMonitor", "PrometheusRule"}
    assert not kinds & {d["kind"] for d in person.tries(*flags)}
    api.admin.apply(_definition("PodMonitor", "podmonitors"), _definition("PrometheusRule", "prometheusrules"))
    api.admin.await_kind("monitoring.coreos.com/v1/PodMonitor")
    api.admin.await_kind("monitoring.coreos.com/v1/PrometheusRule")
    documents = person.tries(*flags)
    monitors = {d["metadata"]["name"] for d in documents if d["kind"] == "PodMonitor"}
    assert monitors == {"edge-reconciler", "edge-reconciler-envoy"}
    (rules,) = (d for d in documents if d["kind"] == "PrometheusRule")
    assert rules["metadata"]["labels"]["release"] == "prometheus"
    expressions = [rule["expr"] for group in rules["spec"]["groups"] for rule in group["rules"]]
    assert expressions
    assert all(f'namespace="{namespace}"' in expression for expression in expressions)


def _definition(kind: str, plural: str) -> Document:
    group = "monitoring.coreos.com"
    open_schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": open_schema}}
    names = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


@contextmanager
def controller_of(mounts: Mounts, desk: Desk, repository: Path, *, xds: int, http: int) -> Iterator[Controller]:
    """``reconciler run`` as its Pod starts it, but for ports, the repository and where files are."""
    file = mounts.path("/etc/reconciler/settings.yaml")
    here = {"xds_address": f"127.0.0.1:{xds}", "listen": f"127.0.0.1:{http}", "interval": "200ms", "access_log": ""}
    settings = yaml.safe_load(mounts.placed(file.read_text())) | here | UPSTREAMS_ARE_HERE
    file.write_text(yaml.safe_dump(settings))
    with desk.controller(repository, "--config", file) as running:
        yield running


@contextmanager
def envoy_of(mounts: Mounts, directory: Path, *, probes: int, xds: int = 0) -> Iterator[None]:
    """Envoy as its Pod starts it, but for ports, the controller's address and where files are."""
    for file in mounts.path("/etc/envoy-bootstrap").glob("[!.]*"):
        file.write_text(mounts.placed(file.read_text()))
    file = mounts.path("/etc/envoy-bootstrap/envoy.yaml")
    bootstrap = yaml.safe_load(file.read_text())
    (listener,) = bootstrap["static_resources"]["listeners"]
    listener["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": probes}
    if xds:
        _lead_to(bootstrap, "reconciler_xds", xds)
    file.write_text(yaml.safe_dump(bootstrap))
    command = [envoy_path(), "-c", file, "--disable-hot-restart", "--service-node", "pod-1", "--concurrency", "1"]
    with (directory / "envoy.log").open("wb") as log:
        process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _lead_to(bootstrap: dict[str, Any], name: str, port: int) -> None:
    """What DNS and the Service do: the name of the certificate stays what it is."""
    (cluster,) = (c for c in bootstrap["static_resources"]["clusters"] if c["name"] == name)
    endpoint = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
    endpoint["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": port}


def _answers(port: int, path: str) -> bool:
    try:
        return get(port, path).status == 200
    except OSError:
        return False


def _lets_in(port: int, host: str, mounts: Mounts, certificate: str = "") -> bool:
    """Whether the ADS server goes on speaking to somebody who trusts it and shows a certificate, or none."""
    context = ssl.create_default_context(cafile=str(mounts.path("/run/reconciler-xds/ca.crt")))
    context.set_alpn_protocols(["h2"])
    if certificate:
        context.load_cert_chain(mounts.path(f"{certificate}/tls.crt"), mounts.path(f"{certificate}/tls.key"))
    with (
        create_connection(("127.0.0.1", port), 5) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        try:
            secured.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
            return bool(secured.recv(1))
        except OSError:
            return False


def test_envoys_and_controller_trust_each_other(api: ApiServer, namespace: str, helm: Path, tmp_path: Path) -> None:
    """The real programs with the files the chart gives them: mutual TLS, served routes, and nobody without a key."""
    values = f"{REPO},replicas=1,leaderElection.enabled=false,events=false"
    api.admin.apply(*rendered("--set", values, release="edge", namespace=namespace))
    of_controller = Mounts.of(api, namespace, "StatefulSet", "edge-reconciler", tmp_path / "controller")
    of_envoy = Mounts.of(api, namespace, "Deployment", "edge-reconciler-envoy", tmp_path / "envoy")
    xds, probes, http = reserve_port(), reserve_port(), reserve_port()
    repository = Repository.create(tmp_path / "repository")
    with Upstream("up") as upstream:
        repository.commit({"a.yaml": mapping("a", "/a/", service=upstream.address)})
        with controller_of(of_controller, Desk(tmp_path), repository.path, xds=xds, http=http) as controller:
            with envoy_of(of_envoy, tmp_path, xds=xds, probes=probes):
                controller.await_decision("Applied")
                eventually(lambda: _answers(probes, "/ready"), seconds=30, what="Envoy to be ready")
                assert get(http, "/a/").status == 200
            host = f"edge-reconciler-xds.{namespace}.svc"
            assert _lets_in(xds, host, of_envoy, "/run/reconciler-xds")
            assert not _lets_in(xds, host, of_envoy)


def test_a_run_of_the_cronjob_feeds_envoys(api: ApiServer, namespace: str, helm: Path, tmp_path: Path) -> None:
    """``sync`` as its Job runs it writes the ConfigMap that the Pods of Envoys mount, and those serve it."""
    values = f"{REPO},mode=cronjob,git.tokenSecret=git"
    api.admin.apply(*rendered("--set", values, release="edge", namespace=namespace))
    probes, http = reserve_port(), reserve_port()
    written = api.admin.get("ConfigMap", "edge-reconciler", namespace)["data"]["settings.yaml"]
    config = api.kubeconfig(tmp_path / "kubeconfig", namespace=namespace)
    own = {"kubernetes": "kubeconfig", "kubeconfig": str(config), "listen": f"127.0.0.1:{http}"}
    # Files name one another, so they must be told where Envoy finds them.
    where = tmp_path / "envoy" / "routes"
    settings = yaml.safe_load(written) | own | {"configmap_mount": str(where), "access_log": ""} | UPSTREAMS_ARE_HERE
    del settings["git_token_file"]
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(settings))
    repository, desk = Repository.create(tmp_path / "repository"), Desk(tmp_path)
    with Upstream("up") as upstream:
        repository.commit({"a.yaml": mapping("a", "/a/", service=upstream.address)})
        done = desk.run("sync", *desk.source(repository.path), "--config", tmp_path / "settings.yaml")
        assert done.code == 0, done.text
        mounts = Mounts.of(api, namespace, "Deployment", "edge-reconciler-envoy", tmp_path / "envoy")
        assert mounts.path("/etc/envoy/routes") == where
        with envoy_of(mounts, tmp_path, probes=probes):
            eventually(lambda: _answers(probes, "/ready"), seconds=30, what="Envoy to be ready")
            eventually(lambda: _answers(http, "/a/"), what="Envoy to serve")
