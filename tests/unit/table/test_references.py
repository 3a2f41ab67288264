"""What Mappings name, looked up."""

from dataclasses import replace

import pytest

from reconciler.model.policy import HashKey, HashSource, RoutePolicy
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.resource import Kind, MappingResource, Origin, Resource, ResourceId, ServiceAddress
from reconciler.model.upstream import CircuitBreaker, Discovery, DnsType, LoadBalancing, OutlierDetection, Upstream
from reconciler.model.upstream_resources import CircuitBreakerResource, OutlierDetectionResource, ResolverResource
from reconciler.table import build
from reconciler.table.resolve.references import References, resolved
from reconciler.table.resolve.upstreams import cluster_of, shortest
from tests.support.mappings import mapping, provenance


def named(kind: Kind, name: str, namespace: str = "default") -> Origin:
    """Where such a document comes from."""
    return Origin(ResourceId(kind, namespace, name), provenance(name), b"")


def resolver(name: str, discovery: Discovery, namespace: str = "default") -> ResolverResource:
    """A resolver."""
    kind = Kind.CONSUL_RESOLVER if discovery is Discovery.CONSUL else Kind.KUBERNETES_ENDPOINT_RESOLVER
    return ResolverResource(named(kind, name, namespace), discovery)


def look_up(one: MappingResource, *others: Resource) -> MappingResource | Problem:
    """The Mapping as it is served, or why it is not."""
    found, stranded = resolved([one], References.of(others))
    if found:
        assert stranded == []
        return found[0]
    ((identity, problem),) = stranded
    assert (identity, problem.severity) == (one.origin.id, Severity.ERROR)
    return problem


def test_a_mapping_that_names_nothing_is_the_same_object() -> None:
    """Ten thousand Mappings without such fields cost nothing."""
    plain = mapping("a")
    assert look_up(plain, resolver("r", Discovery.KUBERNETES)) is plain


@pytest.mark.parametrize(
    ("written", "discovery"),
    [
        ("kubernetes-service", None),
        ("kubernetes-endpoint", Discovery.KUBERNETES),
        ("mine", Discovery.KUBERNETES),
        ("far", Discovery.KUBERNETES),
        ("far.away", Discovery.KUBERNETES),
        ("with.dots", Discovery.KUBERNETES),
    ],
)
def test_resolvers(written: str, discovery: Discovery | None) -> None:
    """A resolver is built in, in the same namespace, or the only one of its name."""
    others = [resolver(name, Discovery.KUBERNETES) for name in ("mine", "with.dots")]
    far = resolver("far", Discovery.KUBERNETES, "away")
    found = look_up(replace(mapping("a"), resolver=written), *others, far)
    assert isinstance(found, MappingResource)
    assert found.upstream.discovery is discovery


def test_the_own_namespace_is_nearest() -> None:
    """Of several resolvers of one name that of the Mapping's namespace is meant; without one none is."""
    near, far, further = (resolver("r", Discovery.KUBERNETES, place) for place in ("default", "far", "further"))
    one = replace(mapping("a"), resolver="r")
    assert isinstance(look_up(one, near, far), MappingResource)
    torn = look_up(one, far, further)
    assert isinstance(torn, Problem)
    assert (torn.code, torn.expected) == (Code.UNKNOWN_REFERENCE, "r.far or r.further")


@pytest.mark.parametrize("written", ["nobody", "mine.elsewhere", "mine.", "."])
def test_unknown_resolver(written: str) -> None:
    """The message names those there are."""
    problem = look_up(replace(mapping("a"), resolver=written), resolver("mine", Discovery.KUBERNETES))
    assert isinstance(problem, Problem)
    assert problem.code is Code.UNKNOWN_REFERENCE
    assert problem.expected == "one of kubernetes-endpoint, kubernetes-service, mine"


def test_consul_is_not_asked() -> None:
    """A Mapping whose endpoints only Consul knows is not served from DNS instead."""
    consul = resolver("consul", Discovery.CONSUL)
    problem = look_up(replace(mapping("a"), resolver="consul"), consul)
    assert isinstance(problem, Problem)
    assert problem.code is Code.FIELD_UNSUPPORTED
    assert problem.related == (consul.origin.provenance,)


def test_settings_of_version_0() -> None:
    """Named settings become the upstream's own."""
    breaker = CircuitBreakerResource(named(Kind.CIRCUIT_BREAKER, "c"), CircuitBreaker(max_requests=1))
    outliers = OutlierDetectionResource(named(Kind.OUTLIER_DETECTION, "o"), OutlierDetection(consecutive_5xx=1))
    found = look_up(replace(mapping("a"), circuit_breaker="c", outlier_detection="o"), breaker, outliers)
    assert isinstance(found, MappingResource)
    assert found.upstream == Upstream(circuit_breakers=(breaker.breaker,), outliers=outliers.outliers)
    for astray in (replace(mapping("a"), circuit_breaker="x"), replace(mapping("a"), outlier_detection="x")):
        problem = look_up(astray, breaker, outliers)
        assert isinstance(problem, Problem)
        assert problem.code is Code.UNKNOWN_REFERENCE
        assert problem.field == ("spec.circuit_breaker" if astray.circuit_breaker else "spec.outlier_detection")


def test_some_addresses_are_needed() -> None:
    """IPv4 off and IPv6 not on leaves none, wherever the two were said."""
    problem = look_up(replace(mapping("a"), upstream=Upstream(ipv4=False)))
    assert isinstance(problem, Problem)
    assert problem.code is Code.FIELDS_CONTRADICT


def test_a_key_needs_a_policy_that_hashes() -> None:
    """A Mapping that balances in another way than the Module has no use for the Module's key."""
    key = HashKey(HashSource.SOURCE_IP)
    for policy in LoadBalancing:
        one = replace(mapping("a"), policy=RoutePolicy(hash_key=key), upstream=Upstream(balancing=policy))
        found = look_up(one)
        assert isinstance(found, MappingResource)
        assert found.policy.hash_key == (key if policy.hashes else None)


def test_what_holds_anyway_makes_no_cluster_of_its_own() -> None:
    """A Mapping that writes defaults out shares connections with one that does not."""
    said = Upstream(
        balancing=LoadBalancing.ROUND_ROBIN,
        dns=DnsType.STRICT,
        respect_dns_ttl=False,
        ipv4=True,
        ipv6=False,
        discovery=Discovery.DNS,
    )
    assert shortest(said) == Upstream()
    assert shortest(Upstream(ipv6=True)) == shortest(Upstream(ipv4=True, ipv6=True)) != Upstream()
    assert shortest(Upstream(ipv4=False, ipv6=True)).ip_family == Upstream(ipv4=False, ipv6=True).ip_family


def test_clusters_are_told_apart_by_what_is_said() -> None:
    """Equal settings make one cluster, different ones different names."""
    address = ServiceAddress("svc", 80)
    names = {cluster_of(address, Upstream(tag=tag)).name for tag in ("", "a", "b", "a")}
    assert len(names) == 3
    assert "svc:80" in names


def test_a_stranded_mapping_leaves_the_others() -> None:
    """One that names nothing that exists is not served, and says so once."""
    built = build([mapping("a", "/a/", service="a"), replace(mapping("b", "/b/", service="b"), resolver="x")])
    assert [route.name for route in built.table.routes] == ["default/a"]
    assert [identity.name for identity, _ in built.stranded] == ["b"]
    assert [problem.code for problem in built.problems] == [Code.UNKNOWN_REFERENCE]


def test_one_note_for_all_that_name_a_resolver() -> None:
    """However many Mappings a resolver serves, that it asks DNS is said once."""
    many = [replace(mapping(f"m{n}", f"/{n}/", service="a"), resolver="kubernetes-endpoint") for n in range(9)]
    (note,) = build(many).problems
    assert (note.code, note.severity, len(note.related)) == (Code.FIELD_IGNORED, Severity.WARNING, 5)
    assert "8 more" in note.message
