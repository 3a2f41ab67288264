"""The chart grants exactly what the controller does: nothing is refused, and no right is there that nothing needed."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.support.chart import DEPLOY, rendered
from tests.support.command import Controller, Desk
from tests.support.kubernetes import ApiServer, Document, User
from tests.support.repositories import Repository
from tests.support.rights import Right, denied, rights_in, unused
from tests.support.waiting import eventually

REPO = "git.repo=https://git.example.com/team/routes.git"
# What has nothing to do with rights.
QUIET = "envoy.enabled=false,networkPolicy.enabled=false,settings.envoy=off"
NOTHING = "replicas=1,leaderElection.enabled=false,events=false,status=false"
RBAC = ("ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
FEATURES = (
    "sources.annotations=true",
    "sources.ingresses=true",
    "sources.customResources=true",
    "endpoints=kubernetes",
    "secrets=kubernetes",
    "leaderElection.enabled=true",
)

ROUTES = """
apiVersion: getambassador.io/v3alpha1
kind: KubernetesEndpointResolver
metadata: {name: endpoint, namespace: NAMESPACE}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: a, namespace: NAMESPACE}
spec: {hostname: shop.NAMESPACE.test, prefix: /a/, service: shop, resolver: endpoint}
---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: shop, namespace: NAMESPACE}
spec: {hostname: shop.NAMESPACE.test, tlsSecret: {name: shop-tls}}
"""


@dataclass(frozen=True)
class Installed:
    """A controller as the chart would run it, but on this machine.

    Attributes:
        user: its ServiceAccount.
        rights: what the chart grants it.
        settings: its settings file.
    """

    api: ApiServer
    user: User
    rights: tuple[Right, ...]
    settings: Path

    @property
    def refused(self) -> list[str]:
        """Requests of it that the server refused."""
        return denied(self.api.events_of(self.user))

    @property
    def needless(self) -> list[Right]:
        """Rights that it has not used until now."""
        return unused(self.rights, self.api.events_of(self.user))


@contextmanager
def installed(api: ApiServer, namespace: str, directory: Path, values: str) -> Iterator[Installed]:
    """The ServiceAccount with its rights in the server, and the settings with a kubeconfig for the files of a Pod."""
    documents = rendered("--set", f"{REPO},{QUIET},{values}", release="edge", namespace=namespace)
    rbac = [document for document in documents if document["kind"] in RBAC]
    api.admin.apply(*rbac)
    user = api.admin.service_account(namespace, "edge-reconciler")
    for document in rbac:
        for rule in document.get("rules", []):
            api.admin.await_allowed(user, rule, namespace=document["metadata"].get("namespace", ""))
    text = next(d["data"]["settings.yaml"] for d in documents if "settings.yaml" in d.get("data", {}))
    certificates = next((d["data"] for d in documents if d["metadata"]["name"] == "edge-reconciler-xds-server"), {})
    for name, content in certificates.items():
        (directory / name).write_bytes(base64.b64decode(content))
    text = text.replace("/etc/reconciler-xds", str(directory))
    settings = yaml.safe_load(text)
    if settings["kubernetes"] == "in-cluster":
        config = api.kubeconfig(directory / "kubeconfig", user, namespace=namespace)
        settings |= {"kubernetes": "kubeconfig", "kubeconfig": str(config)}
    settings |= {"xds_address": "127.0.0.1:0", "interval": "200ms", "listen": "127.0.0.1:0", "access_log": ""}
    settings |= {"lease_duration": "2s", "lease_renew": "1s", "lease_retry": "100ms"}
    file = directory / "settings.yaml"
    file.write_text(yaml.safe_dump(settings))
    try:
        yield Installed(api, user, tuple(rights_in(rbac)), file)
    finally:
        for document in rbac:
            if "namespace" not in document["metadata"]:  # the others go with the test's namespace
                api.admin.delete(document["kind"], document["metadata"]["name"])


def repository_of(directory: Path, *namespaces: str) -> Repository:
    """A repository that has a controller use everything that it is set up for, in these namespaces."""
    repository = Repository.create(directory / "repository")
    repository.commit({f"{name}.yaml": ROUTES.replace("NAMESPACE", name) for name in namespaces})
    return repository


@contextmanager
def running(one: Installed, repository: Repository, directory: Path) -> Iterator[Controller]:
    """The controller, when it has applied what is in the repository."""
    with Desk(directory).controller(repository.path, "--config", one.settings) as controller:
        controller.await_decision("Applied")
        yield controller


def exercise(one: Installed, directory: Path, *namespaces: str) -> None:
    """Have the controller do everything it is set up for, and compare with what it may."""
    repository = repository_of(directory, *namespaces)
    with running(one, repository, directory) as controller:
        one.api.admin.apply(annotated("shop", namespaces[0]), namespace=namespaces[0])
        if any(right.resource == "leases" for right in one.rights):
            told = lambda: one.api.admin.find("ConfigMap", "edge-reconciler-standing", namespaces[0])  # noqa: E731
            eventually(told, seconds=30, pause=0.1, what="it leads, and tells what stands in for broken documents")
        broken = ROUTES.replace("NAMESPACE", namespaces[0]).replace("prefix:", "prefiks:")
        repository.commit({f"{namespaces[0]}.yaml": broken})
        controller.await_decision("Partial")
        with suppress(AssertionError):
            eventually(lambda: not one.needless, seconds=20, pause=0.2)
        assert one.needless == [], controller.text
        assert one.refused == [], controller.text


def definitions() -> list[Document]:
    """The custom resources that are read; they stay in the server."""
    return [yaml.safe_load(path.read_text()) for path in sorted((DEPLOY / "crds").glob("*.yaml"))]


def annotated(name: str, namespace: str) -> Document:
    """A Service with a Mapping in its annotation."""
    text = yaml.safe_dump(
        {"apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping", "name": name, "prefix": f"/{name}/"}
        | {"hostname": f"shop.{namespace}.test", "service": name}
    )
    metadata = {"name": name, "annotations": {"getambassador.io/config": text}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}}


def test_all_features_have_what_they_need_and_no_more(api: ApiServer, namespace: str, tmp_path: Path) -> None:
    """With everything on, in the whole cluster."""
    api.admin.apply(*definitions())
    with installed(api, namespace, tmp_path, ",".join((NOTHING, *FEATURES))) as one:
        exercise(one, tmp_path, namespace)


def test_in_chosen_namespaces_no_right_reaches_further(api: ApiServer, namespace: str, tmp_path: Path) -> None:
    """The same without a ClusterRole: in each namespace that is read, and in no other."""
    api.admin.apply(*definitions())
    other = api.admin.create_namespace()
    try:
        values = ",".join((NOTHING, *FEATURES, f"sources.namespaces={{{namespace},{other}}}"))
        with installed(api, namespace, tmp_path, values) as one:
            assert {right.namespace for right in one.rights} == {namespace, other}
            exercise(one, tmp_path, namespace, other)
    finally:
        api.admin.remove_namespace(other)


def test_a_config_map_takes_rights_on_itself_alone(api: ApiServer, namespace: str, tmp_path: Path) -> None:
    """The target's ConfigMap is named; no other can be read or written."""
    values = f"{NOTHING},configMap.enabled=true,configMap.name=routes"
    with installed(api, namespace, tmp_path, values) as one:
        assert {(right.resource, right.name) for right in one.rights} == {("configmaps", "routes")}
        exercise(one, tmp_path, namespace)
        assert api.admin.get("ConfigMap", "routes", namespace)["binaryData"]


def test_a_cronjob_takes_fewer_still(api: ApiServer, namespace: str, tmp_path: Path) -> None:
    """One reconcile watches nothing."""
    with installed(api, namespace, tmp_path, f"{NOTHING},mode=cronjob") as one:
        repository = repository_of(tmp_path, namespace)
        done = Desk(tmp_path).run("sync", *Desk(tmp_path).source(repository.path), "--config", one.settings)
        assert done.code == 0, done.text
        assert (one.needless, one.refused) == ([], [])
        assert api.admin.get("ConfigMap", "edge-reconciler-routes", namespace)["binaryData"]


def test_git_alone_takes_no_rights(api: ApiServer, namespace: str, tmp_path: Path) -> None:
    """Who only reads Git is never seen by the API server."""
    with installed(api, namespace, tmp_path, NOTHING) as one:
        assert one.rights == ()
        with running(one, repository_of(tmp_path, namespace), tmp_path):
            assert api.events_of(one.user) == []


def test_each_feature_brings_its_own_rights_alone(api: ApiServer) -> None:
    """What everything together may do is what the features may do one by one: none leans on another's rights."""

    def rights(*values: str) -> set[Right]:
        return set(rights_in(rendered("--set", ",".join((REPO, QUIET, NOTHING, *values)))))

    single = {feature: rights(feature) for feature in FEATURES}
    assert all(single.values())
    assert set().union(*single.values()) == rights(*FEATURES)


def test_the_comparison_finds_what_is_wrong(api: ApiServer, namespace: str) -> None:
    """A right that nobody uses, one in another namespace or for another name, and a refusal are all seen."""
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}
    named = rule | {"resourceNames": ["mine", "other"], "verbs": ["get"]}
    role = {"kind": "Role", "metadata": {"name": "r", "namespace": namespace}, "rules": [rule, named]}
    granted = list(rights_in([role, {"kind": "ClusterRole", "metadata": {"name": "c"}, "rules": [rule]}]))
    assert len(granted) == 6
    user = api.admin.service_account(namespace, "somebody")
    api.admin.grant(user, {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}, namespace=namespace)
    client = api.client(user)
    assert client.find("ConfigMap", "mine", namespace) is None
    with pytest.raises(Exception, match="cannot list"):
        client.list("ConfigMap", "default")
    events = api.events_of(user)
    assert set(unused(granted, events)) == {
        Right("list", "", "configmaps", namespace, ""),
        Right("get", "", "configmaps", namespace, "other"),
    }
    assert len(denied(events)) == 1
