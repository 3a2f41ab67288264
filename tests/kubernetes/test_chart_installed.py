"""The chart in a real cluster's API: installed, upgraded, removed; and the programs as it starts them."""

import os
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection
from typing import Any

import pytest
import yaml

from tests.support.command import Controller, Desk
from tests.support.controllers import mapping
from tests.support.envoys import envoy_path
from tests.support.http import get
from tests.support.kubernetes import ApiServer, Document
from tests.support.mounts import Mounts
from tests.support.ports import reserve_port
from tests.support.repositories import Repository
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually

CHART = Path(__file__).parents[2] / "deploy" / "chart"
REPO = "git.repo=https://git.example.com/team/routes.git"


@dataclass(frozen=True)
class Person:
    """A person with Helm and a kubeconfig of one namespace."""

    helm: Path
    home: Path
    kubeconfig: Path

    def run(self, *words: object) -> str:
        """One command of Helm, which must succeed; what it printed."""
        environment = {"HOME": str(self.home), "KUBECONFIG": str(self.kubeconfig), "PATH": os.environ["PATH"]}
        done = subprocess.run(
            [self.helm, *map(str, words)], capture_output=True, text=True, check=False, env=environment
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def person(api: ApiServer, namespace: str, helm: Path, tmp_path: Path) -> Person:
    """Helm in the test's namespace."""
    return Person(helm, tmp_path, api.kubeconfig(tmp_path / "kubeconfig", namespace=namespace))


def test_certificates_survive_an_upgrade_and_follow_a_new_name(api: ApiServer, namespace: str, person: Person) -> None:
    """An upgrade would otherwise cut every Envoy off until its Pod has the new ones."""

    def secrets() -> dict[str, dict[str, str]]:
        found = {secret["metadata"]["name"]: secret for secret in api.admin.list("Secret", namespace)}
        return {name: secret["data"] for name, secret in found.items() if secret["type"] == "kubernetes.io/tls"}

    person.run("install", "edge", CHART, "--set", REPO)
    first = secrets()
    assert first.keys() == {"edge-reconciler-xds-server", "edge-reconciler-xds-client"}
    person.run("upgrade", "edge", CHART, "--set", REPO, "--set", "replicas=3")
    assert secrets() == first
    assert api.admin.get("StatefulSet", "edge-reconciler", namespace)["spec"]["replicas"] == 3
    # A month before they end there are new ones; and so there are where the chart never made these.
    for name in first:
        ends = {"reconciler.dev/not-after": "2020-01-01T00:00:00Z"}
        api.admin.patch("Secret", name, {"metadata": {"annotations": ends}}, namespace)
    person.run("upgrade", "edge", CHART, "--set", REPO)
    assert secrets().keys() == first.keys()
    assert all(secrets()[name] != first[name] for name in first)
    person.run("uninstall", "edge")
    assert secrets() == {}


def test_what_is_kept_when_it_is_removed(api: ApiServer, namespace: str, person: Person) -> None:
    """The claim with the journal outlives the release; the next one takes it over."""
    for _ in range(2):
        person.run("install", "edge", CHART, "--set", f"{REPO},mode=cronjob,envoy.enabled=false")
        assert api.admin.get("CronJob", "edge-reconciler", namespace)["spec"]["concurrencyPolicy"] == "Forbid"
        person.run("uninstall", "edge")
        assert [c["metadata"]["name"] for c in api.admin.list("PersistentVolumeClaim", namespace)] == [
            "edge-reconciler-state"
        ]
    assert api.admin.find("CronJob", "edge-reconciler", namespace) is None


def test_two_releases_live_side_by_side(api: ApiServer, namespace: str, person: Person) -> None:
    """No object of one is the other's, cluster-wide ones included."""
    values = f"{REPO},sources.annotations=true,tls.source=off"
    for release in ("one", "two"):
        person.run("install", release, CHART, "--set", values)
    names = [role["metadata"]["name"] for role in api.admin.list("ClusterRole")]
    assert [name for name in names if name.startswith(namespace)] == [
        f"{namespace}-one-reconciler-sources",
        f"{namespace}-two-reconciler-sources",
    ]
    for release in ("one", "two"):
        person.run("uninstall", release)
    assert not [r for r in api.admin.list("ClusterRole") if r["metadata"]["name"].startswith(namespace)]


def test_definitions_are_brought_once_and_stay(api: ApiServer, namespace: str, person: Person) -> None:
    """The first release that reads custom resources has them, another leaves them alone, and none takes them away."""
    values = f"{REPO},sources.customResources=true,envoy.enabled=false,tls.source=off"
    name = "mappings.getambassador.io"
    for release in ("one", "two"):
        person.run("install", release, CHART, "--set", values)
    definition = api.admin.get("CustomResourceDefinition", name)
    assert definition["metadata"]["annotations"]["meta.helm.sh/release-name"] == "one"
    api.admin.await_kind("getambassador.io/v3alpha1/Mapping")
    for release in ("two", "one"):
        person.run("uninstall", release)
    assert api.admin.find("CustomResourceDefinition", name)
    # The same release again has its own, and may change them.
    api.admin.patch("CustomResourceDefinition", name, {"metadata": {"labels": {"helm.sh/chart": "older"}}})
    person.run("install", "one", CHART, "--set", values)
    assert api.admin.get("CustomResourceDefinition", name)["metadata"]["labels"]["helm.sh/chart"] != "older"


def test_monitoring_comes_where_the_cluster_knows_it(api: ApiServer, namespace: str, person: Person) -> None:
    """``auto`` asks the API server; elsewhere the chart installs all the same."""
    assert "PodMonitor" not in person.run("install", "edge", CHART, "--set", REPO, "--dry-run=server")
    api.admin.apply(_definition("PodMonitor", "podmonitors"), _definition("PrometheusRule", "prometheusrules"))
    person.run("install", "edge", CHART, "--set", f"{REPO},monitoring.labels.release=prometheus")
    monitors = api.admin.list("PodMonitor", namespace)
    assert {m["metadata"]["name"] for m in monitors} == {"edge-reconciler", "edge-reconciler-envoy"}
    (rules,) = api.admin.list("PrometheusRule", namespace)
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
    file.write_text(yaml.safe_dump(yaml.safe_load(mounts.placed(file.read_text())) | here))
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


def _lets_in(port: int, mounts: Mounts, certificate: str = "") -> bool:
    """Whether the ADS server goes on speaking to somebody who trusts it and shows a certificate, or none."""
    context = ssl.create_default_context(cafile=str(mounts.path("/run/reconciler-xds/ca.crt")))
    context.set_alpn_protocols(["h2"])
    if certificate:
        context.load_cert_chain(mounts.path(f"{certificate}/tls.crt"), mounts.path(f"{certificate}/tls.key"))
    with (
        create_connection(("127.0.0.1", port), 5) as plain,
        context.wrap_socket(plain, server_hostname="edge-reconciler-xds") as secured,
    ):
        try:
            secured.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
            return bool(secured.recv(1))
        except OSError:
            return False


def test_envoys_and_controller_trust_each_other_as_installed(
    api: ApiServer, namespace: str, person: Person, tmp_path: Path
) -> None:
    """The real programs with the files the chart gives them: mutual TLS, served routes, and nobody without a key."""
    person.run("install", "edge", CHART, "--set", f"{REPO},replicas=1,leaderElection.enabled=false,events=false")
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
            assert _lets_in(xds, of_envoy, "/run/reconciler-xds")
            assert not _lets_in(xds, of_envoy)


def test_a_run_of_the_cronjob_feeds_envoys(api: ApiServer, namespace: str, person: Person, tmp_path: Path) -> None:
    """``sync`` as its Job runs it writes the ConfigMap that the Pods of Envoys mount, and those serve it."""
    person.run("install", "edge", CHART, "--set", f"{REPO},mode=cronjob,git.tokenSecret=git")
    probes, http = reserve_port(), reserve_port()
    written = api.admin.get("ConfigMap", "edge-reconciler", namespace)["data"]["settings.yaml"]
    own = {"kubernetes": "kubeconfig", "kubeconfig": str(person.kubeconfig), "listen": f"127.0.0.1:{http}"}
    # Files name one another, so they must be told where Envoy finds them.
    where = tmp_path / "envoy" / "routes"
    settings = yaml.safe_load(written) | own | {"configmap_mount": str(where), "access_log": ""}
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
