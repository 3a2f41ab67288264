"""Listeners, virtual hosts, what attaches to them, and guards."""

import pytest

from reconciler.model.problem import Code, Severity
from reconciler.model.resource import InsecureAction, MappingResource, Resource, SecurityModel
from reconciler.model.table import EMPTY_TABLE, Guard
from reconciler.table import Built, DefaultListener, build
from tests.support.mappings import host, listener, mapping


def placed(built: Built, at: int = 0) -> dict[str, list[str]]:
    """Virtual host → names of its rules, of one listener."""
    return {
        str(virtual_host.host): [route.name.removeprefix("default/") for route in virtual_host.routes]
        for virtual_host in built.table.listeners[at].virtual_hosts
    }


def test_nothing_gives_an_empty_listener() -> None:
    """The default one, with no virtual host; the rest as in the empty table."""
    table = build([]).table
    (only,) = table.listeners
    assert (only.name, only.address, only.port, only.virtual_hosts) == ("listener-8080", "0.0.0.0", 8080, ())
    assert (table.routes, table.clusters) == (EMPTY_TABLE.routes, EMPTY_TABLE.clusters)


def test_the_default_listener_is_a_setting() -> None:
    """Its address holds for Listeners of the repository, too."""
    default = DefaultListener("127.0.0.1", 9000)
    assert build([], default_listener=default).table.listeners[0].name == "listener-9000"
    (only,) = build([listener("l", 80)], default_listener=default).table.listeners
    assert (only.address, only.port) == ("127.0.0.1", 80)


def test_without_hosts_every_named_host_is_served() -> None:
    """One virtual host per distinct host; a wildcard's rules are in all it can match, in the global order."""
    built = build([mapping("any", "/long/path/"), mapping("a", host="a.test"), mapping("s", "/s/s/", host="*.test")])
    assert placed(built) == {"*": ["any"], "*.test": ["any", "s"], "a.test": ["any", "s", "a"]}
    assert built.problems == ()


def test_there_is_no_catch_all_unless_something_needs_it() -> None:
    """Only for any host or a regex."""
    assert list(placed(build([mapping("a", host="a.test")]))) == ["a.test"]
    assert placed(build([mapping("r", host="~a.*"), mapping("a", host="a.test")])) == {"*": ["r"], "a.test": ["a", "r"]}


def test_suffix_and_prefix_meet_where_envoy_looks() -> None:
    """`a.test` suits both; Envoy picks the suffix, so the prefix rule has to be there, and not the other way round."""
    assert placed(build([mapping("p", host="a.*"), mapping("s", host="*.test")])) == {
        "a.*": ["p"],
        "*.test": ["s", "p"],
    }


def test_with_hosts_only_theirs_are_served() -> None:
    """A Mapping attaches where hosts overlap; one that no Host serves is an error with the nearest Host."""
    built = build([host("h", "api.test"), mapping("ok", host="*"), mapping("no", host="apis.test")])
    assert placed(built) == {"api.test": ["ok"]}
    assert [route.name for route in built.table.routes] == ["default/ok"]
    assert [cluster.name for cluster in built.table.clusters] == ["ok.default:80"]
    (problem,) = built.problems
    assert (problem.code, problem.severity, problem.resource) == (Code.NO_HOST, Severity.ERROR, "Mapping default/no")
    assert "`api.test`" in problem.message
    assert "Did you mean `api.test`" in problem.hint


def test_a_selector_decides_too() -> None:
    """Hosts overlap, but labels are wanted; a Mapping without host attaches by labels alone."""
    labels = {"team": "a"}
    resources: list[Resource] = [
        host("h", "a.test", selector=labels),
        host("i", "b.test", selector=labels),
        host("j", "c.test"),
        mapping("wrong", "/1/"),
        mapping("right", "/2/", labels={"team": "a", "x": "y"}),
        mapping("hostless", "/3/", host=None, labels=labels),
    ]
    assert placed(build(resources)) == {
        "a.test": ["right", "hostless"],
        "b.test": ["right", "hostless"],
        "c.test": ["right", "wrong"],
    }


@pytest.mark.parametrize("others", [[], [host("h", "a.test")], [host("h", "a.test", selector={"l": "1"})]])
def test_a_mapping_without_host_and_selector_is_an_error(others: list[Resource]) -> None:
    """Never dropped in silence: the hint is what to write."""
    built = build([*others, mapping("a", host=None)])
    assert [p.code for p in built.problems] == [Code.HOSTNAME_MISSING]
    assert 'hostname: "*"' in built.problems[0].hint
    assert built.table.routes == ()


@pytest.mark.parametrize("wanted", ["*", "a.test", "*.test"])
def test_a_host_no_listener_binds_serves_nothing(wanted: str) -> None:
    """The Mapping says why, however it names its host."""
    built = build([listener("l", 80, selector={"l": "1"}), host("h", "a.test"), mapping("a", host=wanted)])
    assert placed(built) == {}
    assert [p.code for p in built.problems] == [Code.NO_HOST]
    assert "no Listener binds" in built.problems[0].hint


def test_listeners_bind_hosts_by_label_and_namespace() -> None:
    """Each listener has its own virtual hosts; they are sorted by port."""
    resources: list[Resource] = [
        listener("b", 81, selector={"l": "2"}),
        listener("a", 80, namespaces=("default",)),
        host("one", "one.test", labels={"l": "2"}, namespace="other"),
        host("two", "two.test"),
        mapping("m"),
    ]
    built = build(resources)
    assert [one.name for one in built.table.listeners] == ["listener-80", "listener-81"]
    assert (placed(built, 0), placed(built, 1)) == ({"two.test": ["m"]}, {"one.test": ["m"]})


@pytest.mark.parametrize(
    ("security", "action", "guard"),
    [
        (SecurityModel.XFP, InsecureAction.REDIRECT, Guard(InsecureAction.REDIRECT, by_header=True)),
        (SecurityModel.INSECURE, InsecureAction.REJECT, Guard(InsecureAction.REJECT, by_header=False)),
        (SecurityModel.SECURE, InsecureAction.REJECT, None),
        (SecurityModel.XFP, InsecureAction.ROUTE, None),
        (SecurityModel.INSECURE, InsecureAction.ROUTE, None),
    ],
)
def test_guards(security: SecurityModel, action: InsecureAction, guard: Guard | None) -> None:
    """What a Host does with insecure requests, as the Listener tells them."""
    built = build([listener("l", 80, security=security), host("h", "*", insecure=action), mapping("a")])
    assert built.table.listeners[0].virtual_hosts[0].guard == guard


def test_without_hosts_there_is_no_guard() -> None:
    """Nobody asked for one."""
    mappings: list[MappingResource] = [mapping("a")]
    assert build(mappings).table.listeners[0].virtual_hosts[0].guard is None
