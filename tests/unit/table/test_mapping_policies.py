"""What MappingPolicies make of the rules."""

from dataclasses import replace

from reconciler.compile import Options, compile_routes, load_source
from reconciler.model.mapping_policy import MappingPolicyResource, TlsOverride
from reconciler.model.module import MappingDefaults, ModuleResource
from reconciler.model.origin import Kind, Origin, ResourceId
from reconciler.model.policy import Cors, DirectResponse, ErrorReply, LocalLimit, RetryPolicy, RoutePolicy
from reconciler.model.problem import Code, Severity
from reconciler.model.resource import MappingResource, Redirect, ServiceAddress
from reconciler.model.snapshot import TypeUrl
from reconciler.model.source import SourceSnapshot
from reconciler.model.table import Forward, Request, Route
from reconciler.model.upstream import OutlierDetection
from reconciler.table import Answered, Forwarded, build, explain
from tests.support.documents import source
from tests.support.mappings import mapping, provenance

CLOSED = DirectResponse(503, "Back at noon.", maintenance=True)
LIMIT = LocalLimit(2, 1, 1000)


def policy(name: str, *mappings: str, namespace: str = "default", **parts: object) -> MappingPolicyResource:
    """A MappingPolicy about Mappings of these names."""
    origin = Origin(ResourceId(Kind.MAPPING_POLICY, namespace, name), provenance(name), repr(parts).encode())
    return replace(MappingPolicyResource(origin, mappings), **parts)  # type: ignore[arg-type] # a test names fields it knows


def _route(*resources: MappingResource | MappingPolicyResource | ModuleResource, name: str = "default/a") -> Route:
    return next(route for route in build(resources).table.routes if route.name == name)


def _secure(name: str) -> MappingResource:
    return replace(mapping(name), service=ServiceAddress(name, 443, tls=True))


def test_a_route_knows_the_policies_that_had_a_say() -> None:
    """Those without effect are none of them, and where the rule comes from is still the Mapping."""
    route = _route(
        mapping("a"),
        policy("limits", "a", local_rate_limit=LIMIT),
        policy("b", "a", cors=Cors(())),
        policy("of-another", "other", local_rate_limit=LIMIT),
    )
    assert [(one.name, one.provenance) for one in route.policies] == [
        ("default/b", provenance("b")),
        ("default/limits", provenance("limits")),
    ]
    assert route.provenance == provenance("a")
    assert (route.policy.local_limit, route.policy.cors) == (LIMIT, Cors(()))


def test_policies_are_of_their_namespace() -> None:
    """A Mapping of that name elsewhere is not meant."""
    built = build([mapping("a"), policy("p", "a", namespace="other", maintenance=CLOSED)])
    assert isinstance(built.table.routes[0].action, Forward)
    assert [(p.code, p.severity, p.field) for p in built.problems] == [
        (Code.UNKNOWN_REFERENCE, Severity.WARNING, "spec.mappings")
    ]


def test_labels_select() -> None:
    """All of them must be there."""
    chosen = policy("p", selector=(("stage", "x"), ("team", "t")), maintenance=CLOSED)
    mappings = [
        mapping("a", "/a/", labels={"team": "t", "stage": "x", "more": "1"}),
        mapping("b", "/b/", labels={"team": "t"}),
        mapping("c", "/c/", labels={"team": "t", "stage": "y"}),
    ]
    routes = {route.name: route.action for route in build([*mappings, chosen]).table.routes}
    assert [name for name, action in routes.items() if action == CLOSED] == ["default/a"]


def test_between_module_and_mapping() -> None:
    """A policy is stronger than the Module and weaker than the Mapping, which is told."""
    origin = Origin(ResourceId(Kind.MODULE, "default", "ambassador"), provenance("module"), b"")
    of_module = MappingDefaults(policy=RoutePolicy(retry=RetryPolicy(("5xx",))))
    said = policy("p", "a", retry_policy=RetryPolicy(("reset",)))
    assert _route(mapping("a"), said, ModuleResource(origin, of_module)).policy.retry == RetryPolicy(("reset",))
    own = replace(mapping("a"), policy=RoutePolicy(retry=RetryPolicy(("unavailable",))))
    built = build([own, said])
    assert built.table.routes[0].policy.retry == RetryPolicy(("unavailable",))
    assert built.table.routes[0].policies == ()
    (problem,) = built.problems
    assert (problem.code, problem.resource, problem.related) == (
        Code.FIELD_IGNORED,
        "MappingPolicy default/p",
        (own.origin.provenance,),
    )
    assert "Mapping default/a" in problem.message


def test_maintenance_is_stronger_than_a_direct_response() -> None:
    """In whichever policy and order the two stand; a redirect is closed too, but answers nothing else."""
    answer = DirectResponse(200, "hello")
    moved = mapping("a", redirect=Redirect("n.test"))
    for first, last in (("x", "y"), ("y", "x")):
        policies = (policy(first, "a", maintenance=CLOSED), policy(last, "a", direct_response=answer))
        assert _route(mapping("a"), *policies).action == CLOSED
        assert _route(moved, *policies).action == CLOSED
    built = build([moved, policy("p", "a", direct_response=answer)])
    assert built.table.routes[0].action == moved.redirect
    assert [p.code for p in built.problems] == [Code.FIELD_IGNORED]


def test_the_reference_matcher_answers_as_envoy_will() -> None:
    """By itself, with the text; a share of a group alone, and its cluster goes."""
    group = [mapping("a"), mapping("b", weight=30)]
    table = build([*group, policy("p", "b", maintenance=CLOSED)]).table
    candidates = explain(table, Request("h", "/x/")).candidates
    assert [(one.percent, type(one.answer)) for one in candidates] == [(30, Answered), (70, Forwarded)]
    assert isinstance(candidates[0].answer, Answered)
    assert (candidates[0].answer.status, candidates[0].answer.body) == (503, "Back at noon.")
    assert [cluster.name for cluster in table.clusters] == ["a.default:80"]


def test_a_body_is_not_taken_for_an_error_to_be_replaced() -> None:
    """The bodies a Mapping has for errors of its upstream are not those of its maintenance."""
    own = replace(mapping("a"), policy=RoutePolicy(errors=(ErrorReply(503, "other"),)))
    assert _route(own, policy("p", "a", maintenance=CLOSED)).policy.errors == ()
    assert _route(own, policy("p", "a", maintenance=DirectResponse(503))).policy.errors == own.policy.errors


def test_a_shadow_has_only_an_upstream() -> None:
    """How it is talked to can be said, what becomes of its answers not; and what is answered is not copied."""
    shadow, ejection = mapping("s", shadow=True), OutlierDetection(consecutive_5xx=1)
    built = build([mapping("a"), shadow, policy("p", "s", outlier_detection=ejection, maintenance=CLOSED)])
    assert {cluster.upstream.outliers for cluster in built.table.clusters} == {None, ejection}
    assert [(p.code, p.field) for p in built.problems] == [(Code.FIELD_IGNORED, "spec.maintenance")]
    closed = build([mapping("a"), shadow, policy("p", "a", maintenance=CLOSED)])
    assert [(p.code, p.field) for p in closed.problems] == [(Code.FIELD_IGNORED, "spec.shadow")]


def test_unverified_is_always_told() -> None:
    """Once for a policy; in clear text there is nothing to verify."""
    trusting = policy("p", "a", "b", upstream_tls=TlsOverride(verify=False))
    built = build([_secure("a"), _secure("b"), trusting])
    assert [(p.code, p.severity) for p in built.problems] == [(Code.UNVERIFIED_TLS, Severity.WARNING)]
    assert "https://a:443, https://b:443" in built.problems[0].message
    assert [p.code for p in build([mapping("a"), mapping("b", "/b/"), trusting]).problems] == [Code.FIELD_IGNORED]
    same = build([_secure("a"), policy("p", "a", upstream_tls=TlsOverride())]).table
    assert same.clusters == build([_secure("a")]).table.clusters


def test_many_mappings_are_told_of_in_one_sentence() -> None:
    """A hundred that a label selects do not bury what else there is to say."""
    many = [mapping(f"m{at}", f"/{at}/", labels={"l": "1"}) for at in range(100)]
    (problem,) = build([*many, policy("p", selector=(("l", "1"),), upstream_tls=TlsOverride(verify=False))]).problems
    assert "and 95 more, which speaks to its service in clear text" in problem.message


def test_without_policies_mappings_stay_the_same_objects_and_with_them_so_do_listeners() -> None:
    """A policy changes routes and clusters, and closes no connection."""

    def compiled(text: str) -> dict[TypeUrl, object]:
        snapshot = SourceSnapshot(None, None, (source(text),))
        found = compile_routes(snapshot, load_source(snapshot, Options()), Options())
        assert found.problems == ()
        return {kind: found.snapshot[kind].resources for kind in TypeUrl}

    one = (
        "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: a}\n"
        "spec: {hostname: '*', prefix: /, service: a}\n"
    )
    with_policy = (
        f"{one}---\napiVersion: reconciler.dev/v1alpha1\nkind: MappingPolicy\nmetadata: {{name: p}}\n"
        "spec: {mappings: [a], maintenance: {enabled: true}, local_rate_limit: {requests: 1, per: second}}\n"
    )
    before, after = compiled(one), compiled(with_policy)
    assert before[TypeUrl.LISTENER] == after[TypeUrl.LISTENER]
    assert before[TypeUrl.ROUTE] != after[TypeUrl.ROUTE]
