"""Weights, mirrors, actions and clusters."""

from reconciler.model.problem import Code, Severity
from reconciler.model.resource import MappingResource, MatchKind, Redirect, RegexRewrite, ServiceAddress
from reconciler.model.table import Forward, Mirror
from reconciler.table import build
from reconciler.table.resolve.upstreams import cluster_of
from tests.support.mappings import mapping


def thresholds(*mappings: MappingResource) -> list[tuple[str, int | None]]:
    """Name and threshold of every rule in order."""
    return [(route.name.removeprefix("default/"), route.threshold) for route in build(mappings).table.routes]


def forward(mapping_: MappingResource) -> Forward:
    """The action of the only rule."""
    (route,) = build([mapping_]).table.routes
    assert isinstance(route.action, Forward)
    return route.action


def test_weights_add_up_and_the_rest_goes_to_the_unweighted_one() -> None:
    """Highest weight first, cumulative; the last takes all that is left."""
    assert thresholds(mapping("a"), mapping("b", weight=10), mapping("c", weight=30)) == [
        ("c", 30),
        ("b", 40),
        ("a", None),
    ]


def test_a_sum_of_100_leaves_no_gap() -> None:
    """The last weighted one has no threshold, so nothing can fall past it."""
    assert thresholds(mapping("a", weight=60), mapping("b", weight=40)) == [("a", 60), ("b", None)]


def test_a_weight_of_0_is_there_and_never_true() -> None:
    """It stands first with threshold 0, never last."""
    assert thresholds(mapping("a", weight=0), mapping("b", weight=100)) == [("a", 0), ("b", None)]
    assert thresholds(mapping("a", weight=0), mapping("b")) == [("a", 0), ("b", None)]


def test_an_unweighted_one_beside_100_gets_nothing() -> None:
    """The weighted one's threshold already takes all."""
    assert thresholds(mapping("a"), mapping("b", weight=100)) == [("b", 100), ("a", None)]


def test_several_unweighted_share_what_is_left_exactly() -> None:
    """Split policy: 50 among three is 17, 17, 16."""
    members = [mapping("w", weight=50), mapping("a"), mapping("b"), mapping("c")]
    assert thresholds(*members) == [("w", 50), ("a", 67), ("b", 84), ("c", None)]


def test_shadows_become_mirrors_of_every_rule_of_their_group() -> None:
    """No rule of their own; all requests without a weight; their cluster is in the table."""
    mappings = [mapping("a", weight=50), mapping("b"), mapping("s", shadow=True), mapping("t", shadow=True, weight=10)]
    table = build(mappings).table
    assert [route.name for route in table.routes] == ["default/a", "default/b"]
    mirrors = (Mirror("s.default:80", 100), Mirror("t.default:80", 10))
    assert all(isinstance(route.action, Forward) and route.action.mirrors == mirrors for route in table.routes)
    assert {"s.default:80", "t.default:80"} < {cluster.name for cluster in table.clusters}


def test_a_mirrored_redirect_is_a_warning() -> None:
    """Envoy cannot copy what it answers itself."""
    built = build([mapping("a", redirect=Redirect("n.test")), mapping("s", shadow=True)])
    assert [(p.code, p.severity, p.resource) for p in built.problems] == [
        (Code.FIELD_IGNORED, Severity.WARNING, "Mapping default/s")
    ]
    assert built.table.clusters == ()


def test_one_cluster_per_address_named_after_it() -> None:
    """Shared by Mappings; TLS is another cluster; IPv6 is bracketed."""
    table = build([mapping("a", "/a/", service="s.ns"), mapping("b", "/b/", service="s.ns")]).table
    assert [cluster.name for cluster in table.clusters] == ["s.ns:80"]
    assert cluster_of(ServiceAddress("s.ns", 443, tls=True)).name == "s.ns:443+tls"
    assert cluster_of(ServiceAddress("::1", 80)).name == "[::1]:80"


def test_rewrites() -> None:
    """A prefix is replaced as it stands, a regex path as a whole and literally; `regex_rewrite` wins; empty is none."""
    assert forward(mapping("a", "/foo", rewrite="/")).prefix_rewrite == "/"
    assert forward(mapping("a", "/foo", kind=MatchKind.EXACT, rewrite="/b")).prefix_rewrite == "/b"
    whole = forward(mapping("a", "/f.*", kind=MatchKind.REGEX, rewrite="/\\1"))
    assert (whole.prefix_rewrite, whole.regex_rewrite) == (None, RegexRewrite("^.*$", "/\\\\1"))
    rewrite = RegexRewrite("a", "b")
    both = forward(mapping("a", rewrite="/", regex_rewrite=rewrite))
    assert (both.prefix_rewrite, both.regex_rewrite) == (None, rewrite)
    none = forward(mapping("a", rewrite=None))
    assert (none.prefix_rewrite, none.regex_rewrite) == (None, None)


def test_host_rewrites() -> None:
    """Both fields arrive; a literal one wins."""
    assert forward(mapping("a", auto_host_rewrite=True)).auto_host_rewrite
    both = forward(mapping("a", host_rewrite="h.test", auto_host_rewrite=True))
    assert (both.host_rewrite, both.auto_host_rewrite) == ("h.test", False)
