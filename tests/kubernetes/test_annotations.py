"""From an annotation on a Service to a real Envoy that serves it, by the whole controller, beside a Git repository."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.apply.envoy_process import EnvoyProcess
from reconciler.envoy import xds_bootstrap
from tests.support.command import Controller, Desk
from tests.support.controllers import mapping
from tests.support.envoys import only_port, running_envoy
from tests.support.http import Reply, get
from tests.support.kubernetes import ApiServer, Document, FaultyProxy, User, kubeconfig
from tests.support.ports import reserve_port
from tests.support.repositories import Repository
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually

ANNOTATION = "getambassador.io/config"

# As an article of 2018 shows it to people.
HTTPBIN = """\
---
apiVersion: ambassador/v0
kind:  Mapping
name:  httpbin_mapping
prefix: /httpbin/
service: httpbin.org:80
host_rewrite: httpbin.org
"""
TEST = """\
---
apiVersion: ambassador/v0
kind:  Mapping
name: tfserving-mapping-test-post
prefix: /models/test/
rewrite: /model/test/:predict
method: POST
service: test.kubeflow:8000
"""
BROKEN = HTTPBIN + "---\napiVersion: ambassador/v1\nkind: Mapping\nname: broken\nprefixx: /broken/\nservice: x\n"


def service(name: str, annotation: str) -> Document:
    """A Service as a team writes it."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "annotations": {ANNOTATION: annotation}},
        "spec": {"type": "ClusterIP", "ports": [{"port": 80}]},
    }


@dataclass(frozen=True, slots=True)
class World:
    """A controller that reads one namespace beside a repository, and an Envoy that it serves."""

    api: ApiServer
    namespace: str
    desk: Desk
    repository: Repository
    controller: Controller
    envoy: EnvoyProcess
    flags: tuple[object, ...]

    def restarted(self) -> AbstractContextManager[Controller]:
        """Another controller in the place of one that ended."""
        return self.desk.controller(self.repository.path, *self.flags)

    def annotate(self, name: str, annotation: str, manager: str = "kubectl") -> Document:
        (applied,) = self.api.admin.apply(service(name, annotation), namespace=self.namespace, manager=manager)
        return applied

    def ask(self, path: str, method: str = "GET") -> Reply:
        return get(only_port(self.envoy), path, method=method)

    def answers(self, path: str, status: int = 200, method: str = "GET") -> bool:
        return bool(only_port(self.envoy)) and self.ask(path, method).status == status

    def newest(self) -> list[Document]:
        """The records of the last entry of the journal, intent first."""
        state = ("--state", self.desk.state, "--output", "json")
        newest = self.desk.run("audit", "log", *state).value[0]
        found: list[Document] = self.desk.run("audit", "show", newest["sequence"], *state).value
        return found


@contextmanager
def _serving(api: ApiServer, namespace: str, directory: Path, kubeconfig: Path, *more: object) -> Iterator[World]:
    desk = Desk(directory)
    repository = Repository.create(directory / "repository")
    repository.commit({"file.yaml": mapping("file", "/file/")})
    xds = f"127.0.0.1:{reserve_port()}"
    with Upstream("all") as upstream:
        flags = (
            *("--target", "xds", "--xds-address", xds, "--listen", "127.0.0.1:0", "--access-log", ""),
            *("--service-address", f"*={upstream.address}", "--interval", "200ms", "--annotations"),
            *("--kubeconfig", kubeconfig, "--namespaces", namespace),
            *more,
        )
        with desk.controller(repository.path, *flags) as controller:
            bootstrap = xds_bootstrap(xds, node_id="envoy").decode()
            with running_envoy(bootstrap, directory, wait=False) as envoy:
                yield World(api, namespace, desk, repository, controller, envoy, flags)


def reader(api: ApiServer, namespace: str) -> User:
    """Who may read Services and Ingresses of the namespace, and nothing else."""
    user = api.admin.service_account(namespace, "reconciler")
    for group, resource in (("", "services"), ("networking.k8s.io", "ingresses")):
        rule = {"apiGroups": [group], "resources": [resource], "verbs": ["list", "watch"]}
        api.admin.grant(user, rule, namespace=namespace)
    return user


@pytest.fixture
def world(api: ApiServer, namespace: str, tmp_path: Path) -> Iterator[World]:
    """One Mapping in the repository, nothing in the namespace."""
    config = api.kubeconfig(tmp_path / "kubeconfig", reader(api, namespace), namespace=namespace)
    with _serving(api, namespace, tmp_path, config) as made:
        yield made


def test_the_annotation_of_the_article_is_served_within_a_second(world: World) -> None:
    """Spelled as in 2018; what the route says holds, and the first commit is served beside it."""
    eventually(lambda: world.answers("/file/x"), what="the repository's Mapping")
    began = time.monotonic()
    world.annotate("httpbin", HTTPBIN)
    eventually(lambda: world.answers("/httpbin/get"), seconds=10, what="the annotation", pause=0.005)
    took = time.monotonic() - began
    assert world.ask("/httpbin/get").seen["host"] == "httpbin.org"
    world.annotate("test", TEST)
    eventually(lambda: world.answers("/models/test/", method="POST"), what="the other annotation")
    assert world.ask("/models/test/", "POST").seen["path"] == "/model/test/:predict"
    assert world.answers("/models/test/", 404)
    print(f"served {took * 1000:.0f} ms after it was written")
    assert took < 1


def test_the_journal_says_who_wrote_an_annotation(world: World) -> None:
    """Object, version, field manager: and the commit that stood at that time is not blamed for it."""
    eventually(lambda: world.answers("/file/x"), what="the repository's Mapping")
    applied = world.annotate("httpbin", HTTPBIN, manager="ann")
    eventually(lambda: world.answers("/httpbin/get"), what="the annotation")
    intent = world.newest()[0]
    source = intent["source"]
    assert (intent["trigger"], source["commit"]) == ("AnnotationChanged", None)
    (change,) = source["objects"]
    assert change["object"] == f"cluster://Service/{world.namespace}/httpbin"
    assert change["version"]["uid"] == applied["metadata"]["uid"]
    assert change["version"]["resource_version"] == applied["metadata"]["resourceVersion"]
    assert change["version"]["manager"] == "ann"


def test_a_broken_document_quarantines_itself_only(world: World) -> None:
    """Its neighbour in the same annotation is served, and the finding names object, line, field and the likely one."""
    world.annotate("httpbin", BROKEN)
    eventually(lambda: world.answers("/httpbin/get"), what="the good document")
    eventually(lambda: "unknown-field" in world.controller.text, what="the finding")
    assert f"Service {world.namespace}/httpbin annotation line 12 (resourceVersion" in world.controller.text
    assert "no such field at prefixx. did you mean prefix?" in world.controller.text
    assert world.answers("/broken/", 404)
    world.annotate("httpbin", BROKEN.replace("prefixx", "prefix"))
    eventually(lambda: world.answers("/broken/"), what="the mended document")


def test_a_service_that_goes_takes_its_routes_along(world: World) -> None:
    """Deleted, or its annotation taken off."""
    world.annotate("httpbin", HTTPBIN)
    world.annotate("test", TEST)
    eventually(lambda: world.answers("/models/test/", method="POST"), what="the annotations")
    world.api.admin.delete("Service", "httpbin", world.namespace)
    eventually(lambda: world.answers("/httpbin/get", 404), what="the deletion")
    world.api.admin.apply(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "test"}, "spec": {"ports": [{"port": 80}]}},
        namespace=world.namespace,
        manager="kubectl",
    )
    eventually(lambda: world.answers("/models/test/", 404, "POST"), what="the annotation's end")
    assert world.answers("/file/x")


def test_a_file_takes_over_from_an_annotation_and_says_so(world: World) -> None:
    """The same identity in both: the file is served without a gap, and the annotation is told as shadowed."""
    world.annotate("httpbin", HTTPBIN)
    eventually(lambda: world.answers("/httpbin/get"), what="the annotation")
    moved = mapping("httpbin_mapping", "/httpbin/", service="from-git").replace(
        "  name: httpbin_mapping", f"  name: httpbin_mapping\n  namespace: {world.namespace}"
    )
    world.repository.commit({"moved.yaml": moved})
    eventually(lambda: world.ask("/httpbin/get").seen["host"] != "httpbin.org", what="the file")
    (shadowed,) = (check for check in world.newest()[-1]["checks"] if check["code"] == "shadowed")
    assert shadowed["place"]["path"] == f"cluster://Service/{world.namespace}/httpbin"


def test_commits_are_served_while_the_api_server_is_silent(
    api: ApiServer, faulty: FaultyProxy, namespace: str, tmp_path: Path
) -> None:
    """And the annotations of before stay served, also over a restart; what was written meanwhile comes afterwards."""
    config = kubeconfig(tmp_path / "kubeconfig", faulty.address, reader(api, namespace), namespace=namespace)
    with _serving(api, namespace, tmp_path, config, "--kube-timeout", "3s") as world:
        world.annotate("httpbin", HTTPBIN)
        eventually(lambda: world.answers("/httpbin/get"), what="the annotation")
        faulty.hang(times=10_000)
        faulty.mute_watches()
        world.annotate("test", TEST)
        world.repository.commit({"more.yaml": mapping("more", "/more/")})
        eventually(lambda: world.answers("/more/"), what="a commit while the API server is silent")
        assert world.controller.end() == 0
        with world.restarted() as controller:
            world.repository.commit({"again.yaml": mapping("again", "/again/")})
            eventually(lambda: world.answers("/again/"), what="a commit after a restart while it is silent", seconds=30)
            eventually(lambda: "[source-dark]" in controller.text, what="the warning")
            assert world.answers("/httpbin/get")
            assert world.answers("/models/test/", 404, "POST")
            faulty.heal()
            eventually(lambda: world.answers("/models/test/", method="POST"), what="what was written meanwhile")
            assert world.answers("/httpbin/get")
            assert controller.end() == 0
