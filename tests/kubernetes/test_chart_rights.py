"""The chart grants exactly what the controller does: nothing is refused, and no right is there that nothing needed."""

import base64
import json
from collections.abc import Iterator, Sequence
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
QUIET = "envoy.enabled=false,networkPolicy.enabled=false,settings.envoy=off,settings.platform_namespaces={*}"
NOTHING = "replicas=1,leaderElection.enabled=false,events=false,status=false"
_MOST_TURNS = 30
RBAC = ("ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
FEATURES = (
    "sources.annotations=true",
    "sources.ingresses=true",
    "sources.customResources=true",
    "endpoints=kubernetes",
    "secrets=kubernetes,rbac.anySecret=true",
    "leaderElection.enabled=true",
    "repositoryObject.kind=RoutingRepository,events=true",
    "sources.customResources=true,status=true",
    "sources.annotations=true,events=true",
    "journal.anchorConfigMap=true",
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

# One object of each kind that has a status, as small as can be.
CUSTOM: dict[str, Document] = {
    "AuthService": {"auth_service": "auth", "proto": "http"},
    "ConsulResolver": {"address": "consul:8500", "datacenter": "dc1"},
    "Host": {"hostname": "custom.NAMESPACE.test", "requestPolicy": {"insecure": {"action": "Route"}}},
    "KubernetesEndpointResolver": {},
    "KubernetesServiceResolver": {},
    "Listener": {
        "port": 8080,
        "protocol": "HTTP",
        "securityModel": "XFP",
        "hostBinding": {"namespace": {"from": "ALL"}},
    },
    "LogService": {"service": "logs", "driver": "http", "driver_config": {}, "grpc": True},
    "Mapping": {"hostname": "custom.NAMESPACE.test", "prefix": "/custom/", "service": "custom"},
    "Module": {"config": {}},
    "RateLimitService": {"service": "limits", "protocol_version": "v3"},
    "TCPMapping": {"port": 6789, "service": "tcp"},
    "TLSContext": {"hosts": ["tls.NAMESPACE.test"], "secret": "tls"},
    "TracingService": {"service": "traces", "driver": "zipkin"},
    "MappingPolicy": {"mappings": ["custom"]},
}


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
    certificates: dict[str, str] = next(
        (d["data"] for d in documents if d["metadata"]["name"] == "edge-reconciler-xds-server"), {}
    )
    for name, content in certificates.items():
        (directory / name).write_bytes(base64.b64decode(content))
    text = text.replace("/etc/reconciler-xds", str(directory))
    settings = yaml.safe_load(text)
    if settings["kubernetes"] == "in-cluster":
        config = api.kubeconfig(directory / "kubeconfig", user, namespace=namespace)
        settings |= {"kubernetes": "kubeconfig", "kubeconfig": str(config)}
    settings |= {"xds_address": "127.0.0.1:0", "interval": "200ms", "listen": "127.0.0.1:0", "access_log": ""}
    settings |= {"lease_duration": "2s", "lease_renew": "1s", "lease_retry": "100ms", "anchor_interval": "1s"}
    settings |= {"pages_address": "127.0.0.1:0"}
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
        for namespace in namespaces if any("status" in right.resource for right in one.rights) else ():
            one.api.admin.apply(*custom(namespace), namespace=namespace)
        if any(right.resource == "leases" for right in one.rights):
            told = lambda: one.api.admin.find("ConfigMap", "edge-reconciler-standing", namespaces[0])  # noqa: E731
            eventually(told, seconds=30, pause=0.1, what="it leads, and tells what stands in for broken documents")
        for turn in range(_MOST_TURNS):
            # What was said before and is so again becomes a series of Events, which takes another right.
            if one.api.admin.find("ConfigMap", "routes", namespaces[0]):
                drift(one, namespaces[0], "routes")
            else:
                change(one, repository, "prefiks:" if turn % 2 else "prefix:", namespaces)
            with suppress(AssertionError):
                eventually(lambda: not one.needless, seconds=0.5, pause=0.1)
                break
        assert one.needless == [], controller.text
        assert one.refused == [], controller.text


def change(one: Installed, repository: Repository, prefix: str, namespaces: Sequence[str]) -> None:
    """Another revision of the repository, and of the annotations; broken where ``prefix`` is misspelt."""
    text = ROUTES.replace("NAMESPACE", namespaces[0]).replace("prefix:", prefix)
    repository.commit({f"{namespaces[0]}.yaml": text})
    one.api.admin.apply(*(annotated("shop", name, prefix) for name in namespaces))


def drift(one: Installed, namespace: str, name: str) -> None:
    """Somebody writes into the ConfigMap that Envoys read."""
    one.api.admin.patch("ConfigMap", name, {"binaryData": {"lds.pb": "AAAA"}}, namespace)


def definitions() -> list[Document]:
    """The custom resources that are read; they stay in the server."""
    return [yaml.safe_load(path.read_text()) for path in sorted((DEPLOY / "crds").glob("*.yaml"))]


def custom(namespace: str) -> list[Document]:
    """One object of each kind."""
    return [
        {
            "apiVersion": "reconciler.dev/v1alpha1" if kind == "MappingPolicy" else "getambassador.io/v3alpha1",
            "kind": kind,
            "metadata": {"name": "ambassador" if kind == "Module" else "custom"},
            "spec": json.loads(json.dumps(spec).replace("NAMESPACE", namespace)),
        }
        for kind, spec in CUSTOM.items()
    ]


def annotated(name: str, namespace: str, prefix: str) -> Document:
    """A Service with a Mapping in its annotation, which is broken where ``prefix`` is misspelt."""
    text = (
        f"apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nname: {name}\n"
        f"hostname: shop.{namespace}.test\n{prefix} /{name}/\nservice: {name}\n"
    )
    metadata = {"name": name, "namespace": namespace, "annotations": {"getambassador.io/config": text}}
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
    values = f"{NOTHING},configMap.enabled=true,configMap.name=routes,events=true"
    with installed(api, namespace, tmp_path, values) as one:
        assert {(right.resource, right.name) for right in one.rights} == {("configmaps", "routes"), ("events", "")}
        exercise(one, tmp_path, namespace)
        assert api.admin.get("ConfigMap", "routes", namespace)["binaryData"]


def test_a_cronjob_takes_fewer_still(api: ApiServer, namespace: str, tmp_path: Path) -> None:
    """One reconcile says nothing twice; the ConfigMap is looked at, and not watched."""
    values = f"{NOTHING},mode=cronjob,events=true,sources.annotations=true"
    with installed(api, namespace, tmp_path, values) as one:
        repository, desk = repository_of(tmp_path, namespace), Desk(tmp_path)
        for _ in range(2):
            api.admin.apply(annotated("shop", namespace, "prefix:"))
            done = desk.run("sync", *desk.source(repository.path), "--config", one.settings)
            assert done.code == 0, done.text
            drift(one, namespace, "edge-reconciler-routes")
        assert (one.needless, one.refused) == ([], [])


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
