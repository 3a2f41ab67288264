"""Which documents are read, and what is said of the others."""

import pytest

from reconciler.model.problem import Code, Severity
from reconciler.model.resource import Kind, Rejected, ResourceId
from reconciler.resources import load
from reconciler.resources.kinds import CURRENT
from tests.support.documents import codes, load_text, mapping, only_mapping, refusal, source, spec

_BODY = "name: m\nprefix: /p/\nservice: s\n"


@pytest.mark.parametrize(
    "api_version",
    ["ambassador/v0", "ambassador/v1", "ambassador/v2", "getambassador.io/v1", "getambassador.io/v2",
     "getambassador.io/v3alpha1"],
)  # fmt: skip
def test_both_forms_of_every_version(api_version: str) -> None:
    """Flat and Kubernetes form give the same Mapping in every version."""
    head = f"apiVersion: {api_version}\nkind: Mapping\n"
    flat = mapping(head + _BODY + "namespace: ns\nmetadata_labels: {a: b}\ngeneration: 3\n")
    nested = mapping(
        head + "metadata: {name: m, namespace: ns, labels: {a: b}, generation: 3}\n"
        "spec: {prefix: /p/, service: s}\nstatus: {state: Running}\n"
    )
    assert flat.origin.id == nested.origin.id == ResourceId(Kind.MAPPING, "ns", "m")
    assert flat.labels == nested.labels == (("a", "b"),)
    assert flat.service == nested.service
    assert (flat.path, flat.host) == (nested.path, nested.host)


def test_json_file() -> None:
    """JSON is YAML."""
    text = '{"apiVersion": "getambassador.io/v2",\n\t"kind": "Mapping", "name": "m", "prefix": "/p/", "service": "s"}'
    assert only_mapping(load([source(text, "a.json")]).resources).origin.id.name == "m"


@pytest.mark.parametrize(
    "text",
    ["apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n", "replicas: 3\nimage: {tag: v1}\n", "- a\n- b\n",
     "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n",
     "apiVersion: gateway.example.com/v1\nkind: Host\nmetadata: {name: x}\n",
     "kind: 1\n", "apiVersion: [a]\nkind: {b: c}\n"],
)  # fmt: skip
def test_foreign(text: str) -> None:
    """What belongs to others is noted and left alone."""
    loaded = load_text(text)
    assert [(p.code, p.severity) for p in loaded.problems] == [(Code.FOREIGN_KIND, Severity.INFO)]
    assert loaded.resources == ()
    assert loaded.rejected == ()


@pytest.mark.parametrize("text", ["just words\n", "42\n", "- apiVersion: ambassador/v1\n  kind: Mapping\n"])
def test_no_document(text: str) -> None:
    """Text that is no mapping, or hides documents in a plain list, is an error."""
    assert refusal(text).code is Code.NOT_YAML


@pytest.mark.parametrize(
    ("api_version", "meant"),
    [("getambassador.io/v3alpha2", CURRENT), ("getambassador.io/v3alpha", CURRENT), ("getambassador.io/v4", CURRENT),
     ("ambassador/v9", CURRENT), ("v1", CURRENT), ("example.com/v1", CURRENT),
     ("getambasador.io/v2", "getambassador.io/v2"), ("Ambassador/V1", "ambassador/v1")],
)  # fmt: skip
def test_unknown_api_version(api_version: str, meant: str) -> None:
    """Refused, with the known version a slip in the group meant, else the current one; it still says whose it is."""
    text = f"apiVersion: {api_version}\nkind: Mapping\n{_BODY}"
    problem = refusal(text)
    assert (problem.code, problem.field, problem.provenance.line) == (Code.UNKNOWN_API_VERSION, "apiVersion", 1)
    assert problem.expected == meant
    assert load_text(text).rejected == (Rejected("a.yaml", ResourceId(Kind.MAPPING, "default", "m")),)


def test_missing_head() -> None:
    """A document with half of its head is an error."""
    assert refusal("kind: Mapping\n" + _BODY).field == "apiVersion"
    assert refusal("apiVersion: ambassador/v1\n" + _BODY).field == "kind"
    assert refusal("apiVersion: ambassador/v1\nkind: 7\n" + _BODY).code is Code.WRONG_TYPE


def test_unknown_kind() -> None:
    """A misspelt kind is refused with the nearest one, and holds on to what was served under its name."""
    text = "apiVersion: ambassador/v1\nkind: Maping\n" + _BODY
    problem = refusal(text)
    assert (problem.code, problem.hint) == (Code.UNKNOWN_KIND, "did you mean Mapping?")
    assert load_text(text).rejected == (Rejected("a.yaml", ResourceId(Kind.MAPPING, "default", "m")),)


@pytest.mark.parametrize(
    "kind",
    ["Filter", "FilterPolicy", "RateLimit"],
)  # fmt: skip
def test_unsupported_kind(kind: str) -> None:
    """Kinds that are not read yet are errors, never silence; nothing served can have come from one."""
    loaded = load_text(f"apiVersion: getambassador.io/v2\nkind: {kind}\nmetadata: {{name: x}}\n")
    assert [(p.code, p.severity) for p in loaded.problems] == [(Code.UNSUPPORTED_KIND, Severity.ERROR)]
    assert loaded.rejected == ()


def test_effectless_kind() -> None:
    """A kind without effect on routing is only noted."""
    loaded = load_text("apiVersion: getambassador.io/v2\nkind: DevPortal\nmetadata: {name: x}\n")
    assert [(p.code, p.severity) for p in loaded.problems] == [(Code.UNSUPPORTED_KIND, Severity.INFO)]


def test_list() -> None:
    """A List is unpacked; each item stands at its own line, and a broken one alone is rejected."""
    text = (
        "apiVersion: v1\nkind: List\nitems:\n"
        "- apiVersion: ambassador/v1\n  kind: Mapping\n  name: a\n  prefix: /a/\n  service: s\n"
        "- apiVersion: ambassador/v1\n  kind: Mapping\n  name: b\n  prefix: b\n  service: s\n"
        "- kind: List\n  items: [{apiVersion: ambassador/v1, kind: Mapping, name: c, prefix: /c/, service: s}]\n"
    )
    loaded = load_text(text)
    assert [(r.origin.id.name, r.origin.provenance.line) for r in loaded.resources] == [("a", 4), ("c", 15)]
    assert [(p.provenance.line, p.field) for p in loaded.problems] == [(12, "prefix")]
    assert loaded.rejected == (Rejected("a.yaml", ResourceId(Kind.MAPPING, "default", "b")),)


@pytest.mark.parametrize(
    ("written", "mine", "read"),
    [(None, "default", True), (None, "x", False), ("x", "x", True), ("x", "default", False), (["a", "x"], "x", True),
     (["a"], "x", False), ("_automatic_", "x", True), (["_automatic_"], "x", True), ([], "default", True)],
)  # fmt: skip
def test_ambassador_id(written: object, mine: str, read: bool) -> None:
    """Documents for other instances are skipped in silence, as the language says, be they right or wrong."""
    fields = {} if written is None else {"ambassador_id": written}
    loaded = load([source(spec(**fields))], ambassador_id=mine)
    assert len(loaded.resources) == int(read)
    assert loaded.problems == ()
    wrong = load([source(spec(prefix="nowhere", **fields))], ambassador_id=mine)
    assert len(wrong.problems) == int(read)


def test_ambassador_id_of_wrong_type() -> None:
    """An address that cannot be read is an error."""
    assert refusal(spec(ambassador_id=7)).code is Code.WRONG_TYPE


@pytest.mark.parametrize(
    ("head", "code", "field"),
    [("metadata: {}", Code.MISSING_FIELD, "metadata.name"), ("metadata: {name: 1}", Code.WRONG_TYPE, "metadata.name"),
     ("metadata: {name: a/b}", Code.INVALID_VALUE, "metadata.name"), ("metadata: [a]", Code.WRONG_TYPE, "metadata"),
     ("metadata: {name: m, labls: {}}", Code.UNKNOWN_FIELD, "metadata.labls"),
     ("metadata: {name: m, labels: {a: 1}}", Code.WRONG_TYPE, "metadata.labels.a"),
     ("metadata: {name: m, labels: [a]}", Code.WRONG_TYPE, "metadata.labels"),
     ("metadata: {name: m, namespace: 5}", Code.WRONG_TYPE, "metadata.namespace"),
     ("metadata: {name: m}\nprefix: /", Code.UNKNOWN_FIELD, "prefix")],
)  # fmt: skip
def test_metadata(head: str, code: Code, field: str) -> None:
    """Mistakes around the fields are found as well."""
    text = f"apiVersion: getambassador.io/v2\nkind: Mapping\n{head}\nspec: {{prefix: /p/, service: s}}\n"
    assert (code, field) in [(p.code, p.field) for p in load_text(text).problems]
    assert load_text(text).resources == ()


def test_order_of_problems() -> None:
    """Files and documents keep their order."""
    assert codes(load([source("a: [", "z.yaml"), source("x: 1", "b.yaml")])) == [Code.NOT_YAML, Code.FOREIGN_KIND]
