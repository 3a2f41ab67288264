"""Annotations, Ingresses and custom resources of a real API server become what is served."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.cluster import ClusterSettings, Pace, connect
from reconciler.compile import Compiled, Options, compile_routes, load_source
from reconciler.model.limits import Limits
from reconciler.model.problem import Code
from reconciler.model.source import ObjectOp, SourceFile, SourceSnapshot
from reconciler.sources.cluster import ClusterReading, ClusterSource, ClusterView
from tests.support.crds import DEFINITIONS
from tests.support.kubernetes import ApiServer, Client, Document, FaultyProxy, kubeconfig
from tests.support.waiting import eventually

# As the first examples of this language were written, word for word.
HTTPBIN = """---
apiVersion: ambassador/v0
kind:  Mapping
name:  httpbin_mapping
prefix: /httpbin/
service: httpbin.org:80
host_rewrite: httpbin.org
"""
TFSERVING = """---
apiVersion: ambassador/v0
kind:  Mapping
name: tfserving-mapping-test-post
prefix: /models/test/
rewrite: /model/test/:predict
method: POST
service: test.kubeflow:8000
"""


@dataclass
class World:
    """A namespace, what is read of it, and how often that was told to differ."""

    admin: Client
    namespace: str
    source: ClusterSource
    told: list[str] = field(default_factory=list)

    def view(self) -> ClusterView:
        """What is known now."""
        return self.source.view()

    def file(self, kind: str, name: str, part: str = "") -> SourceFile | None:
        """The file of an object."""
        return self.view().files.get(f"cluster://{kind}/{self.namespace}/{name}{part}")

    def await_text(self, kind: str, name: str, text: str, part: str = "") -> SourceFile:
        """The file of an object, as soon as it holds a text."""
        found: list[SourceFile] = []

        def holds() -> bool:
            file = self.file(kind, name, part)
            if file is not None and text.encode() in file.content:
                found.append(file)
            return bool(found)

        eventually(holds, what=f"{kind} {name} with {text!r}")
        return found[0]

    def compiled(self, last: Compiled | None = None, files: tuple[SourceFile, ...] = ()) -> Compiled:
        """What it compiles to."""
        view = self.view()
        both = tuple(sorted((*view.files.values(), *files), key=lambda file: file.path))
        source = SourceSnapshot(None, None, both, unreadable=tuple(sorted(view.refused)))
        return compile_routes(source, load_source(source, Options()), Options(), last.resources if last else ())

    def names(self) -> set[str]:
        """The Mappings that are served."""
        return {r.origin.id.name for r in self.compiled().resources if r.origin.id.kind == "Mapping"}


@contextmanager
def world(api: ApiServer, config: Path, namespace: str, **reading: Any) -> Iterator[World]:
    """A namespace that is read, until left."""
    cluster = connect(ClusterSettings(kubeconfig=config))
    assert cluster is not None
    told: list[str] = []
    which = replace(ClusterReading(ingresses=True, namespaces=(namespace,)), **reading)
    quick = Pace(retry_cap_s=0.5)  # what is not heard of for longer may be forgotten
    source = ClusterSource(cluster, which, lambda: told.append("changed"), quick, kinds_every_s=0.1)
    source.start()
    try:
        assert source.wait_synced(20)
        yield World(api.admin, namespace, source, told)
    finally:
        source.close()
        cluster.close()


@pytest.fixture
def config(api: ApiServer, tmp_path: Path) -> Path:
    """The kubeconfig of one who may do everything."""
    return api.kubeconfig(tmp_path / "kubeconfig")


@pytest.fixture
def seen(api: ApiServer, config: Path, namespace: str) -> Iterator[World]:
    """The test's namespace, where annotations and Ingresses are read."""
    with world(api, config, namespace) as found:
        yield found


def service(name: str, text: str = "", **metadata: Any) -> Document:
    """A Service, annotated."""
    annotations = {"annotations": {"getambassador.io/config": text}} if text else {}
    ports = [{"name": "http", "port": 80}]
    head = {"name": name} | annotations | metadata
    return {"apiVersion": "v1", "kind": "Service", "metadata": head, "spec": {"ports": ports}}


def mapping(name: str, prefix: str = "", extra: str = "") -> str:
    """A Mapping in an annotation."""
    head = f"---\napiVersion: ambassador/v1\nkind: Mapping\nname: {name}\n"
    return f"{head}prefix: {prefix or f'/{name}/'}\nservice: {name}\n{extra}"


def test_the_first_examples_are_served(seen: World) -> None:
    """The annotations that made this language known, as they were written, with who wrote them."""
    seen.admin.apply(service("httpbin", HTTPBIN), service("test", TFSERVING), namespace=seen.namespace, manager="ann")
    seen.await_text("Service", "test", "tfserving")
    seen.await_text("Service", "httpbin", "httpbin")
    compiled = seen.compiled()
    assert compiled.problems == ()
    found = {route.name: route for route in compiled.table.routes}
    assert set(found) == {f"{seen.namespace}/httpbin_mapping", f"{seen.namespace}/tfserving-mapping-test-post"}
    made = seen.admin.get("Service", "httpbin", seen.namespace)["metadata"]
    place = found[f"{seen.namespace}/httpbin_mapping"].provenance
    assert place.touch is not None
    created = made["creationTimestamp"].replace("Z", "+00:00")
    assert place.touch.key == f"object:{made['uid']}@{made['resourceVersion']}@{created}"
    assert str(place) == (
        f"Service {seen.namespace}/httpbin annotation line 2 (resourceVersion {made['resourceVersion']}, manager ann)"
    )


def test_who_wrote_the_annotation_last_is_named(seen: World) -> None:
    """Another writer of the annotation takes its place; one of anything else does not, and tells nobody."""
    seen.admin.apply(service("a", mapping("one")), namespace=seen.namespace, manager="helm")
    first = seen.await_text("Service", "a", "one")
    assert first.object is not None
    assert first.object.touch.manager == "helm"
    digest, told = seen.view().digest, len(seen.told)

    seen.admin.patch("Service", "a", {"metadata": {"annotations": {"other": "x"}}}, seen.namespace)
    seen.admin.patch("Service", "a", {"spec": {"sessionAffinity": "ClientIP"}}, seen.namespace)
    seen.admin.apply(service("b", mapping("b")), namespace=seen.namespace)  # seen after what was written before
    seen.await_text("Service", "b", "b")
    assert seen.file("Service", "a") is first
    assert len(seen.told) == told + 1
    seen.admin.delete("Service", "b", seen.namespace)
    eventually(lambda: seen.file("Service", "b") is None, what="b to be gone")
    assert seen.view().digest == digest

    seen.admin.apply(service("a", mapping("two")), namespace=seen.namespace, manager="kubectl-edit", force=True)
    second = seen.await_text("Service", "a", "two")
    assert second.object is not None
    assert second.object.touch.manager == "kubectl-edit"
    assert second.object.touch.changed_at >= first.object.touch.changed_at
    assert second.object.touch.uid == first.object.touch.uid


def test_a_broken_document_quarantines_only_itself(seen: World) -> None:
    """Its neighbours in the annotation are served anew, and what was served of it stays."""
    seen.admin.apply(service("a", mapping("one") + mapping("two")), namespace=seen.namespace)
    seen.await_text("Service", "a", "two")
    good = seen.compiled()
    broken = mapping("one", extra="timeout_ms: soon\n") + mapping("two", "/other/") + mapping("three")
    seen.admin.apply(service("a", broken), namespace=seen.namespace)
    seen.await_text("Service", "a", "three")
    found = seen.compiled(last=good)
    assert [problem.code for problem in found.problems] == [Code.WRONG_TYPE]
    assert {route.name.rpartition("/")[2]: route.path.value for route in found.table.routes} == {
        "one": "/one/",
        "two": "/other/",
        "three": "/three/",
    }


def test_the_repository_and_an_annotation_may_say_the_same(seen: World) -> None:
    """The repository's is served, the annotation's waits behind it, and both are named."""
    seen.admin.apply(service("a", mapping("one")), namespace=seen.namespace)
    seen.await_text("Service", "a", "one")
    text = mapping("one", "/git/", f"namespace: {seen.namespace}\n")
    found = seen.compiled(files=(SourceFile("one.yaml", "1", text.encode()),))
    assert [route.path.value for route in found.table.routes] == ["/git/"]
    assert [problem.code for problem in found.problems] == [Code.SHADOWED]


def test_an_annotation_of_the_largest_size_is_read(seen: World) -> None:
    """As much as the API server takes, some two thousand documents, is a file like any other."""
    text, count = "", 0
    while len(text) < 256 * 1024 - 4000:
        text += mapping(f"m{count}", extra="# a word on it that takes its room in the object" + " " * 60 + "\n")
        count += 1
    seen.admin.apply(service("a", text), namespace=seen.namespace)
    seen.await_text("Service", "a", f"m{count - 1}")
    compiled = seen.compiled()
    assert compiled.problems == ()
    assert len(compiled.table.routes) == count


def test_an_object_that_is_too_large_for_us_is_left_alone(api: ApiServer, config: Path, namespace: str) -> None:
    """It has a problem with its place, what was served of it stays, and its neighbours are read."""
    with world(api, config, namespace, limits=Limits(max_file_bytes=400)) as seen:
        seen.admin.apply(service("a", mapping("one")), service("b", mapping("b")), namespace=namespace)
        seen.await_text("Service", "a", "one")
        seen.await_text("Service", "b", "b")
        good = seen.compiled()
        seen.admin.apply(service("a", mapping("one") + "# " + "x" * 400), namespace=namespace)
        eventually(lambda: bool(seen.view().refused), what="a to be refused")
        found = seen.compiled(last=good)
        assert {route.path.value for route in found.table.routes} == {"/one/", "/b/"}
        (refused,) = seen.view().refused.values()
        assert refused.problem.code is Code.FILE_TOO_LARGE
        assert str(refused.problem.provenance).startswith(f"Service {namespace}/a (resourceVersion")


def test_changes_are_named(seen: World) -> None:
    """What came, changed and went between two views, each with its version."""
    seen.admin.apply(service("a", mapping("one")), service("b", mapping("b")), namespace=seen.namespace)
    seen.await_text("Service", "a", "one")
    seen.await_text("Service", "b", "b")
    before = seen.view()
    seen.admin.apply(service("a", mapping("two")), namespace=seen.namespace)
    seen.admin.delete("Service", "b", seen.namespace)
    (made,) = seen.admin.apply(service("c", mapping("c")), namespace=seen.namespace)
    eventually(lambda: (len(seen.view().files), seen.file("Service", "b")) == (2, None), what="all of it")
    seen.await_text("Service", "c", "c")
    changes = seen.view().changes_since(before)
    assert [(c.path.rpartition("/")[2], c.op) for c in changes] == [
        ("a", ObjectOp.CHANGED),
        ("b", ObjectOp.REMOVED),
        ("c", ObjectOp.ADDED),
    ]
    assert changes[2].touch.resource_version == made["metadata"]["resourceVersion"]


def ingress(name: str, path: str, to: str, port: Document, **more: Any) -> Document:
    """An Ingress of our class with one path."""
    backend = {"service": {"name": to, "port": port}}
    rules = [{"http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]}}]
    head = {"name": name} | more
    spec = {"ingressClassName": "reconciler", "rules": rules}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": head, "spec": spec}


def test_an_ingress_has_its_annotation_and_its_rules(seen: World) -> None:
    """Both are read, and a port by name follows the Service that has it."""
    annotations = {"annotations": {"getambassador.io/config": mapping("annotated")}}
    seen.admin.apply(
        service("shop"), ingress("site", "/shop", "shop", {"name": "http"}, **annotations), namespace=seen.namespace
    )
    seen.await_text("Ingress", "site", '"number": 80', "/spec")
    seen.await_text("Ingress", "site", "annotated")
    assert seen.names() == {"annotated", "site-0-0", "site-0-0-itself"}
    moved = {"spec": {"ports": [{"name": "http", "port": 8080}]}}
    seen.admin.patch("Service", "shop", moved, seen.namespace)
    seen.await_text("Ingress", "site", '"number": 8080', "/spec")
    assert {cluster.name for cluster in seen.compiled().table.clusters} >= {f"shop.{seen.namespace}:8080"}
    seen.admin.patch("Ingress", "site", {"spec": {"ingressClassName": "other"}}, seen.namespace)
    eventually(lambda: seen.file("Ingress", "site", "/spec") is None, what="the rules to be somebody else's")
    assert seen.names() == {"annotated"}


def test_only_the_namespaces_and_labels_that_are_named_are_read(api: ApiServer, config: Path, namespace: str) -> None:
    """Two of three namespaces, and there only what is selected; ports are those of any Service."""
    second, third = api.admin.create_namespace(), api.admin.create_namespace()
    ours = {"labels": {"route": "yes"}}
    try:
        for one in (namespace, second, third):
            api.admin.apply(service("a", mapping("a"), **ours), service("b", mapping("b")), namespace=one)
        api.admin.apply(ingress("site", "/", "b", {"name": "http"}, **ours), namespace=namespace)
        with world(api, config, namespace, namespaces=(namespace, second), label_selector="route=yes") as seen:
            assert set(seen.view().files) == {
                f"cluster://Service/{namespace}/a",
                f"cluster://Service/{second}/a",
                f"cluster://Ingress/{namespace}/site/spec",
            }
            seen.await_text("Ingress", "site", '"number": 80', "/spec")
            api.admin.patch("Service", "b", {"metadata": ours}, second)
            eventually(lambda: f"cluster://Service/{second}/b" in seen.view().files, what="b with its label")
    finally:
        api.admin.remove_namespace(second)
        api.admin.remove_namespace(third)


def test_what_a_deleted_namespace_held_is_gone(api: ApiServer, config: Path, namespace: str) -> None:
    """Each of its objects counts until it is gone, and no longer."""
    doomed = api.admin.create_namespace()
    api.admin.apply(service("a", mapping("a")), namespace=doomed)
    with world(api, config, namespace, namespaces=(namespace, doomed)) as seen:
        seen.admin.apply(service("b", mapping("b")), namespace=namespace)
        seen.await_text("Service", "b", "b")
        assert len(seen.view().files) == 2
        api.admin.remove_namespace(doomed)
        eventually(lambda: list(seen.view().files) == [f"cluster://Service/{namespace}/b"], what="it to be gone")


def test_what_is_being_deleted_counts_until_it_is_gone(seen: World) -> None:
    """A finalizer holds an object: requests to it still arrive, and who is served stays served."""
    seen.admin.apply(service("a", mapping("a"), finalizers=["example.com/wait"]), namespace=seen.namespace)
    seen.await_text("Service", "a", "a")
    seen.admin.delete("Service", "a", seen.namespace)
    seen.admin.apply(service("b", mapping("b")), namespace=seen.namespace)
    seen.await_text("Service", "b", "b")
    assert seen.file("Service", "a") is not None
    seen.admin.patch("Service", "a", {"metadata": {"finalizers": None}}, seen.namespace)
    eventually(lambda: seen.file("Service", "a") is None, what="it to be gone")


def test_while_the_server_is_away_what_is_known_stays(
    api: ApiServer, faulty: FaultyProxy, namespace: str, tmp_path: Path
) -> None:
    """With the reason, and as synced as before; a change made meanwhile is seen when it is back."""
    config = kubeconfig(tmp_path / "through-the-proxy", faulty.address, api.admin.user, namespace=namespace)
    with world(api, config, namespace) as seen:
        api.admin.apply(service("a", mapping("one")), namespace=namespace)
        seen.await_text("Service", "a", "one")
        faulty.refuse(503, times=1000)
        faulty.cut_watches()
        eventually(lambda: bool(seen.view().failure), what="a failure")
        away = seen.view()
        assert away.synced
        assert f"cluster://Service/{namespace}/a" in away.files
        api.admin.apply(service("a", mapping("two")), namespace=namespace)
        faulty.heal()
        seen.await_text("Service", "a", "two")
        eventually(lambda: not seen.view().failure, what="the failure to be over")


EXAMPLE = {
    "apiVersion": "getambassador.io/v3alpha1",
    "kind": "Mapping",
    "metadata": {"name": "quote", "labels": {"team": "shop"}},
    "spec": {"hostname": "*", "prefix": "/quote/", "service": "quote", "ambassador_id": "default", "weigth": 10},
}
POLICY = {
    "apiVersion": "reconciler.dev/v1alpha1",
    "kind": "MappingPolicy",
    "metadata": {"name": "closed"},
    "spec": {"mappings": ["quote"], "maintenance": {"enabled": True}},
}


def test_custom_resources_are_read_once_they_are_defined(api: ApiServer, config: Path, namespace: str) -> None:
    """Kinds may be missing, come later and go again; nothing of an object is lost on its way to us."""
    admin = api.client(api.admin.user)  # a client of its own: the others need not know these kinds
    with world(api, config, namespace, custom_resources=True) as seen:
        assert seen.view().files == {}
        definitions = [yaml.safe_load(path.read_text()) for path in sorted(DEFINITIONS.glob("*.yaml"))]
        admin.apply(*definitions)
        try:
            admin.apply(EXAMPLE, POLICY, namespace=namespace, manager="flux")
            file = seen.await_text("Mapping", "quote", "/quote/")
            seen.await_text("MappingPolicy", "closed", "maintenance")
            assert file.object is not None
            assert file.object.touch.manager == "flux"
            (problem,) = seen.compiled().problems[:1]
            assert problem.code is Code.UNKNOWN_FIELD
            assert "weight" in problem.hint
            status = {"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "Served"}]}}
            admin.patch("Mapping", "quote", status, namespace, "status")
            admin.patch("MappingPolicy", "closed", status, namespace, "status")
            corrected = EXAMPLE | {"spec": {"hostname": "*", "prefix": "/q/", "service": "quote"}}
            admin.apply(corrected, namespace=namespace, manager="flux")
            seen.await_text("Mapping", "quote", "/q/")
            compiled = seen.compiled()
            assert compiled.problems == ()
            assert [route.name for route in compiled.table.routes] == [f"{namespace}/quote"]
        finally:
            for definition in definitions:
                admin.delete("CustomResourceDefinition", definition["metadata"]["name"])
        eventually(lambda: seen.view().files == {} and not seen.view().failure, what="the kinds to be forgotten")


def test_an_object_nested_without_end_is_quarantined_alone(api: ApiServer, config: Path, namespace: str) -> None:
    """Where a schema is open the API server takes it; all others of its kind are read nonetheless."""
    admin = api.client(api.admin.user)
    definition = yaml.safe_load((DEFINITIONS / "getambassador.io_mappings.yaml").read_text())
    admin.apply(definition)
    try:
        admin.apply(EXAMPLE, namespace=namespace)
        # As text: what is too deep to be read is too deep to be written, too.
        deep = '{"a":' * 2000 + "1" + "}" * 2000
        text = json.dumps(EXAMPLE | {"metadata": {"name": "deep"}}).replace('"weigth": 10', f'"weird": {deep}')
        _post(api, f"/apis/getambassador.io/v3alpha1/namespaces/{namespace}/mappings", text)
        with world(api, config, namespace, custom_resources=True) as seen:
            assert {"quote", "deep"} == {path.rpartition("/")[2] for path in seen.view().files}
            assert {problem.code for problem in seen.compiled().problems if "deep" in problem.provenance.path} == {
                Code.DEPTH_LIMIT
            }
    finally:
        admin.delete("CustomResourceDefinition", definition["metadata"]["name"])


def _post(api: ApiServer, path: str, text: str) -> None:
    """Create an object from its text."""
    calls = api.admin.calls
    with calls.connected(30) as connection:
        headers = {"Authorization": f"Bearer {api.admin.user.token}", "Content-Type": "application/json"}
        connection.request("POST", path, text, headers)
        response = connection.getresponse()
        assert response.status == 201, response.read()[:500]


def test_without_rights_nothing_is_known(api: ApiServer, namespace: str, tmp_path: Path) -> None:
    """Who may not list is told so, and the cluster counts as unknown instead of empty."""
    user = api.admin.service_account(namespace, "reader")
    rule = {"apiGroups": [""], "resources": ["services"], "verbs": ["list", "watch"]}
    api.admin.grant(user, rule, namespace=namespace)
    api.admin.apply(service("a", mapping("a")), namespace=namespace)
    cluster = connect(ClusterSettings(kubeconfig=api.kubeconfig(tmp_path / "config", user)))
    assert cluster is not None
    source = ClusterSource(cluster, ClusterReading(namespaces=(namespace,)), lambda: None)
    source.start()
    try:
        eventually(lambda: bool(source.view().failure), what="a failure")
        assert "ingresses" in source.view().failure
        assert not source.view().synced
        assert not source.wait_synced(0.01)
    finally:
        source.close()
        cluster.close()
