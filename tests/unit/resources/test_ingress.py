"""The rules of an Ingress mean what Kubernetes says they mean."""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.compile import Compiled, Options, compile_routes, load_source
from reconciler.model.problem import Code, Severity
from reconciler.model.source import SourceSnapshot
from reconciler.model.table import Request
from reconciler.sources.cluster import ClusterReading
from reconciler.table import Forwarded, NotFound, explain
from tests.support.cluster_objects import view_of

_CREATED = "2026-03-01T08:00:00Z"


def backend(name: str, port: int | str = 80) -> dict[str, Any]:
    """A backend by number or name of the port."""
    return {"service": {"name": name, "port": {"number" if isinstance(port, int) else "name": port}}}


def path(kind: str, value: str, to: dict[str, Any]) -> dict[str, Any]:
    """One path of a rule."""
    return {"path": value, "pathType": kind, "backend": to}


def ingress(*paths: dict[str, Any], host: str = "", name: str = "site", **spec: Any) -> dict[str, Any]:
    """An Ingress of our class with one rule."""
    rule: dict[str, Any] = {"http": {"paths": list(paths)}} | ({"host": host} if host else {})
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "namespace": "web", "uid": name, "creationTimestamp": _CREATED},
        "spec": {"ingressClassName": "reconciler", "rules": [rule] if paths else []} | spec,
    }


def compiled(*objects: dict[str, Any], ambassador_id: str = "default") -> Compiled:
    """What a cluster with these objects compiles to."""
    view = view_of(objects, ClusterReading(ingresses=True))
    source = SourceSnapshot(None, None, tuple(sorted(view.files.values(), key=lambda file: file.path)))
    options = Options(ambassador_id=ambassador_id)
    return compile_routes(source, load_source(source, options), options)


def served(found: Compiled, request: str, host: str = "a.example.com") -> str:
    """The Service and the path that a request is forwarded with; empty where nobody serves it."""
    answer = explain(found.table, Request(host, request)).answer
    if isinstance(answer, NotFound):
        return ""
    assert isinstance(answer, Forwarded)
    return f"{answer.cluster.name} {answer.path}"


_ELEMENT = st.sampled_from(["foo", "bar", "foobar", "f"])
_PATH = st.lists(_ELEMENT, max_size=3).map(lambda parts: "/" + "/".join(parts))
_WRITTEN = st.tuples(_PATH, st.sampled_from(["", "/"])).map(lambda pair: pair[0].rstrip("/") + pair[1] or "/")
_RULE = st.tuples(st.sampled_from(["Exact", "Prefix"]), _WRITTEN)


def _elements(text: str) -> list[str]:
    return [element for element in text.split("/") if element]


def _oracle(rules: list[tuple[str, str]], request: str) -> str:
    """Kubernetes' words: elements of the path; the longest matching path first, an exact one before a prefix.

    A slash at the end is no element. Where nothing else tells two apart it counts as length.
    """
    matching = [
        (len(_elements(value)), kind == "Exact", len(value), index)
        for index, (kind, value) in enumerate(rules)
        if (request == value if kind == "Exact" else _elements(request)[: len(_elements(value))] == _elements(value))
    ]
    return f"s{max(matching)[-1]}.web:80 {request}" if matching else ""


@given(st.lists(_RULE, min_size=1, max_size=5, unique=True), _WRITTEN)
@example([("Prefix", "/foo"), ("Prefix", "/foo/"), ("Exact", "/foo")], "/foo")
@example([("Prefix", "/foo"), ("Prefix", "/foo/")], "/foo")
@example([("Prefix", "/")], "/foobar")
@settings(max_examples=80, deadline=None)
def test_paths_match_as_kubernetes_says(rules: list[tuple[str, str]], request: str) -> None:
    """``Exact`` and ``Prefix``, in every mixture: the Service Kubernetes means gets the path as it came."""
    paths = [path(kind, value, backend(f"s{index}")) for index, (kind, value) in enumerate(rules)]
    found = compiled(ingress(*paths))
    assert found.problems == ()
    assert served(found, request) == _oracle(rules, request)


def test_what_is_left_to_the_implementation_is_a_prefix() -> None:
    """``ImplementationSpecific`` is what a Mapping's prefix is; without a path it is all."""
    found = compiled(ingress(path("ImplementationSpecific", "/foo", backend("a"))))
    assert served(found, "/foobar") == "a.web:80 /foobar"
    assert served(found, "/f") == ""
    everything = {"pathType": "ImplementationSpecific", "backend": backend("a")}
    assert served(compiled(ingress(everything)), "/x") == "a.web:80 /x"


def test_hosts_are_matched_before_paths_of_equal_length() -> None:
    """A host by name goes before a wildcard, a wildcard before a rule for all, and the default comes last."""
    found = compiled(
        ingress(path("Prefix", "/", backend("exact")), host="a.example.com", name="one"),
        ingress(path("Prefix", "/", backend("wild")), host="*.example.com", name="two"),
        ingress(path("Prefix", "/p", backend("any")), name="three", defaultBackend=backend("fallback")),
    )
    assert served(found, "/x", "a.example.com") == "exact.web:80 /x"
    assert served(found, "/x", "b.example.com") == "wild.web:80 /x"
    assert served(found, "/p/x", "other.org") == "any.web:80 /p/x"
    assert served(found, "/x", "other.org") == "fallback.web:80 /x"


def test_a_rule_for_everything_replaces_the_default() -> None:
    """The default is for what no rule matches; where a rule matches all there is nothing left, and nothing wrong."""
    found = compiled(ingress(path("Prefix", "/", backend("rule")), defaultBackend=backend("fallback")))
    assert found.problems == ()
    assert served(found, "/x") == "rule.web:80 /x"


def test_a_path_that_is_given_twice_is_reported() -> None:
    """Nothing says which Service is meant: the first serves, and the second is a conflict."""
    found = compiled(ingress(path("Prefix", "/a", backend("one")), path("Prefix", "/a", backend("two"))))
    assert {problem.code for problem in found.problems} == {Code.CONFLICT}
    assert served(found, "/a") == "one.web:80 /a"


def service(*ports: tuple[str, int]) -> dict[str, Any]:
    """A Service with these ports."""
    named = [{"name": name, "port": number} for name, number in ports]
    head = {"name": "shop", "namespace": "web", "uid": "s", "creationTimestamp": _CREATED}
    return {"apiVersion": "v1", "kind": "Service", "metadata": head, "spec": {"ports": named}}


def test_a_port_by_name_is_that_of_the_service() -> None:
    """A number needs no Service; a name that nobody has is an error with its place, and nothing is guessed."""
    rules = ingress(path("Prefix", "/", backend("shop", "http")), path("Prefix", "/n", backend("shop", 99)))
    assert served(compiled(rules, service(("http", 8080))), "/") == "shop.web:8080 /"
    for broken in (compiled(rules), compiled(rules, service(("https", 8443)))):
        assert served(broken, "/") == ""
        assert served(broken, "/n") == "shop.web:99 /n"
        (problem,) = broken.problems
        assert problem.code is Code.UNKNOWN_REFERENCE
        assert problem.field == "spec.rules[0].http.paths[0].backend.service.port"
        assert str(problem.provenance) == "Ingress web/site spec (resourceVersion )"


def test_tls_makes_a_host_of_every_name() -> None:
    """Each name with its Secret, once; Ingresses that share one agree, and those that don't are told."""
    shared = [{"hosts": ["a.example.com", "b.example.com"], "secretName": "one"}]
    rule = path("Prefix", "/", backend("a"))
    first = ingress(rule, host="a.example.com", tls=shared)
    second = ingress(path("Prefix", "/b", backend("b")), name="second", tls=shared)
    found = compiled(first, second)
    assert {resource.origin.id.name for resource in found.resources if resource.origin.id.kind == "Host"} == {
        "ingress-a.example.com",
        "ingress-b.example.com",
    }
    assert {problem.severity for problem in found.problems} == {Severity.INFO}
    other = ingress(rule, name="other", tls=[{"hosts": ["a.example.com"], "secretName": "two"}])
    errors = [problem for problem in compiled(first, other).problems if problem.severity is Severity.ERROR]
    assert {problem.code for problem in errors} == {Code.DUPLICATE_IDENTITY}


def test_it_is_addressed_as_mappings_are() -> None:
    """An annotation names the instance; without one it is the default's."""
    rules = ingress(path("Prefix", "/", backend("a")))
    named = rules | {"metadata": rules["metadata"] | {"annotations": {"getambassador.io/ambassador-id": "other"}}}
    assert served(compiled(rules), "/") != ""
    assert served(compiled(named), "/") == ""
    assert served(compiled(rules, ambassador_id="other"), "/") == ""
    assert served(compiled(named, ambassador_id="other"), "/") != ""


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["http", "paths", "path", "pathType", "backend", "service", "port", "hosts", "number", "name"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["rules", "tls", "defaultBackend"]), _JSON | st.lists(_JSON)))
@settings(max_examples=80, deadline=None)
def test_nothing_in_an_ingress_is_more_than_a_problem(spec: dict[str, Any]) -> None:
    """Whatever stands in its spec, it never raises."""
    compiled(ingress() | {"spec": {"ingressClassName": "reconciler"} | spec})
