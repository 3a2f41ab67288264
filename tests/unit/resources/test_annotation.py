"""Mappings inside the annotation of a Service or Ingress."""

from reconciler.model.problem import Code, Severity
from reconciler.model.provenance import Provenance
from reconciler.model.resource import Rejected, ServiceAddress
from reconciler.resources import load_origins
from tests.support.documents import load_text, mapping

_HTTPBIN = """\
apiVersion: v1
kind: Service
metadata:
  name: httpbin
  annotations:
    getambassador.io/config: |
      ---
      apiVersion: ambassador/v0
      kind:  Mapping
      name:  httpbin_mapping
      prefix: /httpbin/
      service: httpbin.org:80
      host_rewrite: httpbin.org
spec:
  type: ClusterIP
  ports:
    - port: 80
"""


def test_the_classic_example() -> None:
    """The first example of the language works as written, and its line is the real one."""
    resource = mapping(_HTTPBIN)
    assert resource.origin.provenance == Provenance("a.yaml", 8)
    assert resource.service == ServiceAddress("httpbin.org", 80)
    assert resource.host_rewrite == "httpbin.org"


def test_defaults_from_the_parent() -> None:
    """Namespace and labels come from the parent where the document has none; what is kept stands by itself."""
    text = _HTTPBIN.replace("name: httpbin\n", "name: httpbin\n  namespace: web\n  labels: {app: bin}\n")
    resource = mapping(text.replace("service: httpbin.org:80", "service: httpbin"))
    assert (resource.origin.id.namespace, resource.labels) == ("web", (("app", "bin"),))
    assert resource.service == ServiceAddress("httpbin.web", 80)
    assert load_origins([resource.origin]).resources == (resource,)
    own = mapping(text.replace("host_rewrite: httpbin.org", "namespace: own\n      metadata_labels: {}"))
    assert (own.origin.id.namespace, own.labels) == ("own", ())


def test_kubernetes_form_inside() -> None:
    """A document in Kubernetes form inherits as well."""
    text = (
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: i\n  namespace: web\n  annotations:\n"
        "    getambassador.io/config: |\n      apiVersion: getambassador.io/v2\n      kind: Mapping\n"
        "      metadata: {name: m}\n      spec: {prefix: /p/, service: s}\n"
    )
    assert mapping(text).origin.id.namespace == "web"


def test_a_broken_document_of_several() -> None:
    """Of several documents in one annotation only the broken one is rejected, at its own line."""
    text = _HTTPBIN.replace(
        "      host_rewrite: httpbin.org\n",
        "      ---\n      kind: [\n      ---\n      apiVersion: ambassador/v0\n      kind: Mapping\n"
        "      name: other\n      prefix: other\n      service: s\n"
        "      ---\n      apiVersion: ambassador/v0\n      kind: Mapping\n"
        "      name: third\n      prefix: /third/\n      service: s\n",
    )
    loaded = load_text(text)
    assert [(r.origin.id.name, r.origin.provenance.line) for r in loaded.resources] == [
        ("httpbin_mapping", 8),
        ("third", 22),
    ]
    assert [(p.code, p.provenance.line) for p in loaded.problems] == [(Code.NOT_YAML, 14), (Code.INVALID_VALUE, 19)]
    assert [r.id.name if r.id else None for r in loaded.rejected] == [None, "other"]


def test_quoted_annotation() -> None:
    """Where text lines are not lines of the file, the place is the annotation's."""
    text = (
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: s\n  annotations:\n"
        '    getambassador.io/config: "apiVersion: ambassador/v1\\nkind: Mapping\\nname: m\\nprefix: p\\nservice: s"\n'
    )
    (problem,) = load_text(text).problems
    assert (problem.code, problem.provenance.line, problem.field) == (Code.INVALID_VALUE, 6, "prefix")


def test_no_annotation() -> None:
    """A Service or Ingress without the annotation is nobody's business."""
    loaded = load_text("apiVersion: v1\nkind: Service\nmetadata: {name: s, annotations: {a: b}}\n")
    assert loaded.problems == ()
    assert loaded.resources == ()


def test_invalid_annotations() -> None:
    """An annotation that is no text, no document or no document of ours is an error."""
    head = "apiVersion: v1\nkind: Service\nmetadata:\n  name: s\n  annotations:\n    getambassador.io/config: "
    for value in ("7", "{a: b}", "words", "|\n      apiVersion: v1\n      kind: Pod\n"):
        loaded = load_text(head + value)
        assert [p.code for p in loaded.problems] == [Code.ANNOTATION_INVALID]
        assert loaded.rejected == (Rejected("a.yaml"),)


def test_annotation_outside_metadata() -> None:
    """An annotation that Kubernetes would drop, as old articles show it, is read with a warning."""
    text = (
        "kind: Service\napiVersion: v1\nname: my-service\ngetambassador.io/config: |\n  ---\n"
        "  apiVersion: ambassador/v0\n  kind: Mapping\n  name: m\n  prefix: /my-service/\n  service: my-service\n"
    )
    loaded = load_text(text)
    assert [(p.code, p.severity, p.provenance.line) for p in loaded.problems] == [
        (Code.ANNOTATION_INVALID, Severity.WARNING, 4)
    ]
    assert [r.origin.provenance.line for r in loaded.resources] == [6]
    assert loaded.rejected == ()
