"""What is kept of an object of a cluster: content, who wrote it, and nothing that does not count."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.model.limits import Limits
from reconciler.model.problem import Code
from reconciler.model.provenance import ObjectTouch
from reconciler.sources.cluster.facts import Facts
from reconciler.sources.cluster.reading import ClusterReading
from reconciler.sources.cluster.reduction import (
    Reduced,
    reduce_custom,
    reduce_ingress,
    reduce_service,
    rules_input,
)

READING = ClusterReading(annotations=True, ingresses=True, custom_resources=True)
TEXT = "apiVersion: ambassador/v0\nkind: Mapping\nname: httpbin\nprefix: /httpbin/\nservice: httpbin\n"
CREATED = "2026-03-01T08:00:00Z"
MADE_AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


def service(**metadata: Any) -> dict[str, Any]:
    """A Service with an annotation, as an API server gives it."""
    head = {
        "name": "httpbin",
        "namespace": "shop",
        "uid": "u-1",
        "resourceVersion": "881",
        "creationTimestamp": CREATED,
        "labels": {"team": "shop"},
        "annotations": {"getambassador.io/config": TEXT},
    }
    ports = [{"name": "http", "port": 80}, {"name": "admin", "port": 9000}]
    return {"apiVersion": "v1", "kind": "Service", "metadata": head | metadata, "spec": {"ports": ports}}


def wrote(manager: str, time: str, *annotations: str, **more: Any) -> dict[str, Any]:
    """An entry of ``managedFields``: who owns which annotations."""
    fields: dict[str, Any] = {f"f:{name}": {} for name in annotations}
    owned = {"f:metadata": {"f:annotations": {".": {}} | fields}}
    return {"manager": manager, "operation": "Apply", "time": time, "fieldsV1": owned} | more


def reduced(body: dict[str, Any], reading: ClusterReading = READING) -> Reduced:
    """What is kept of a Service."""
    found = reduce_service(body, reading, annotations=True, ports=True)
    assert found is not None
    return found


def touch(body: dict[str, Any]) -> ObjectTouch:
    """The write of the annotation of a Service."""
    file = reduced(body).inputs[0].file
    assert file is not None
    assert file.object is not None
    return file.object.touch


def test_an_annotation_is_a_file_of_its_text() -> None:
    """The content is the text as it is; namespace, labels and the object's identity go along."""
    file = reduced(service()).inputs[0].file
    assert file is not None
    assert file.object is not None
    assert (file.path, file.content) == ("cluster://Service/shop/httpbin", TEXT.encode())
    assert (file.object.namespace, file.object.labels, file.object.annotated) == ("shop", (("team", "shop"),), True)
    assert file.object.touch == ObjectTouch("u-1", "881", "", MADE_AT, MADE_AT)


def test_the_last_owner_of_the_annotation_wrote_it() -> None:
    """Of several owners the latest, whatever others wrote later elsewhere in the object."""
    managed = [
        wrote("kubectl-create", "2026-03-01T08:00:00Z", "getambassador.io/config"),
        wrote("kubectl-edit", "2026-04-02T09:30:00Z", "getambassador.io/config"),
        wrote("helm", "2026-05-01T00:00:00Z", "meta.helm.sh/release-name"),
        wrote("cloud", "2026-06-01T00:00:00Z", "getambassador.io/config", subresource="status"),
    ]
    found = touch(service(managedFields=managed))
    assert (found.manager, found.changed_at) == ("kubectl-edit", datetime(2026, 4, 2, 9, 30, tzinfo=UTC))


def test_an_owner_of_all_annotations_may_have_written_it() -> None:
    """Where nobody owns the field itself, the owner of the nearest field above it did."""
    managed = [
        {"manager": "whole", "time": "2026-04-01T00:00:00Z", "fieldsV1": {"f:metadata": {"f:annotations": {}}}},
        {"manager": "labels", "time": "2026-05-01T00:00:00Z", "fieldsV1": {"f:metadata": {"f:labels": {}}}},
    ]
    assert touch(service(managedFields=managed)).manager == "whole"


@pytest.mark.parametrize("managed", [[], None, "no", [7], [{"fieldsV1": 3}], [{"manager": 1, "time": "yesterday"}]])
def test_without_a_writer_it_is_as_old_as_the_object(managed: object) -> None:
    """Missing or broken ``managedFields`` say nothing, and the creation is the last that is known."""
    found = touch(service(managedFields=managed))
    assert (found.manager, found.changed_at) == ("", datetime(2026, 3, 1, 8, tzinfo=UTC))


def test_a_write_that_changes_nothing_we_read_makes_no_difference() -> None:
    """Another version, writer or status leaves what is kept equal; text, labels and identity do not."""
    same = service(resourceVersion="900", managedFields=[wrote("x", CREATED, "getambassador.io/config")])
    same["status"] = {"loadBalancer": {}}
    assert reduced(service()) == reduced(same)
    other = {"getambassador.io/config": TEXT + "# more"}
    for changed in (service(annotations=other), service(labels={}), service(uid="u-2"), service(namespace="other")):
        assert reduced(service()) != reduced(changed)


def test_what_kubectl_keeps_is_never_read() -> None:
    """The last applied configuration stays out, even where it holds an annotation of ours."""
    kept = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(service())}
    found = reduced(service(annotations=kept))
    assert found.inputs == ()
    assert b"last-applied" not in repr(found).encode()


def test_an_object_past_the_limit_is_a_problem_of_its_own() -> None:
    """Its content is not kept; place and reason are."""
    reading = ClusterReading(limits=Limits(max_file_bytes=20))
    found = reduced(service(), reading).inputs[0]
    assert found.file is None
    assert found.refused is not None
    problem = found.refused.problem
    assert problem.code is Code.FILE_TOO_LARGE
    assert str(problem.provenance) == "Service shop/httpbin (resourceVersion 881)"


def ingress(spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """An Ingress as an API server gives it."""
    head = {"name": "site", "namespace": "web", "uid": "u-9", "resourceVersion": "7", "creationTimestamp": CREATED}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": head | metadata, "spec": spec}


def backend(port: dict[str, Any]) -> dict[str, Any]:
    """A backend of an Ingress."""
    return {"service": {"name": "httpbin", "port": port}}


def test_only_ingresses_of_our_class_have_rules() -> None:
    """By ``ingressClassName``, or the older annotation; without a class it is somebody else's."""
    named = {"kubernetes.io/ingress.class": "reconciler"}
    for found in (
        reduce_ingress(ingress({"ingressClassName": "reconciler"}), READING),
        reduce_ingress(ingress({}, annotations=named), READING),
    ):
        assert found is not None
        assert found.rules is not None
    assert reduce_ingress(ingress({"ingressClassName": "nginx"}), READING) is None
    assert reduce_ingress(ingress({}), READING) is None
    assert reduce_ingress(ingress({"ingressClassName": "nginx"}, annotations=named), READING) is None


def test_names_of_ports_become_numbers() -> None:
    """A port by name has the number its Service gives it; one that nobody knows keeps its name alone."""
    spec = {"ingressClassName": "reconciler", "defaultBackend": backend({"name": "admin"})}
    found = reduce_ingress(ingress(spec), READING)
    assert found is not None
    assert found.rules is not None
    assert found.rules.services == {"httpbin"}
    for ports, expected in (({"admin": 9000}, {"name": "admin", "number": 9000}), ({}, {"name": "admin"})):
        file = rules_input(found.rules, {"httpbin": ports}.__getitem__, Limits()).file
        assert file is not None
        assert file.path == "cluster://Ingress/web/site/spec"
        assert json.loads(file.content)["spec"]["defaultBackend"]["service"]["port"] == expected


def test_an_ingress_may_have_both_an_annotation_and_rules() -> None:
    """They are two files, since either may be broken without the other."""
    spec = {"ingressClassName": "reconciler", "defaultBackend": backend({"number": 80})}
    found = reduce_ingress(ingress(spec, annotations={"getambassador.io/config": TEXT}), READING)
    assert found is not None
    assert [one.path for one in found.inputs] == ["cluster://Ingress/web/site"]
    assert found.rules is not None


def test_a_custom_resource_is_the_document_it_is() -> None:
    """Of its metadata only what the language reads; who wrote its spec is who wrote it."""
    managed = [
        {"manager": "argocd", "time": "2026-04-01T00:00:00Z", "fieldsV1": {"f:spec": {"f:prefix": {}}}},
        {"manager": "labeler", "time": "2026-05-01T00:00:00Z", "fieldsV1": {"f:metadata": {"f:labels": {}}}},
    ]
    body = service(managedFields=managed) | {
        "apiVersion": "getambassador.io/v3alpha1",
        "kind": "Mapping",
        "spec": {"prefix": "/\u2028\x7f\U0001f600", "service": "a"},
        "status": {"state": "Running"},
    }
    found = reduce_custom(body, "Mapping", READING)
    assert found is not None
    file = found.inputs[0].file
    assert file is not None
    assert file.object is not None
    assert file.object.touch.manager == "argocd"
    assert json.loads(file.content) == {
        "apiVersion": "getambassador.io/v3alpha1",
        "kind": "Mapping",
        "metadata": {"name": "httpbin", "namespace": "shop", "labels": {"team": "shop"}},
        "spec": {"prefix": "/\u2028\x7f\U0001f600", "service": "a"},
    }
    assert "\u2028" not in file.content.decode()


def test_nesting_without_end_is_refused() -> None:
    """What can't be written as text is a problem with a place, not a crash."""
    deep: Any = {}
    for _ in range(5000):
        deep = {"a": deep}
    body = service() | {"apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping", "spec": deep}
    found = reduce_custom(body, "Mapping", READING)
    assert found is not None
    assert found.inputs[0].refused is not None


@pytest.mark.parametrize("body", [{}, {"metadata": 3}, {"metadata": {"labels": [], "annotations": "x"}}])
def test_odd_objects_are_taken_as_they_are(body: dict[str, Any]) -> None:
    """What is not of the usual form counts as missing."""
    assert reduce_service(body, READING, annotations=True, ports=True) is None
    assert Facts.of(body).name == ""
