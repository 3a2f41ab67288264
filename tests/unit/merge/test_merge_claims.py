"""Ports and hostnames: one owner each."""

from reconciler.merge import merge
from reconciler.model.problem import Code, Severity
from tests.support.mappings import host, listener


def test_two_hosts_with_one_hostname_are_a_conflict() -> None:
    """The older keeps the name."""
    old, young = host("z", "a.test", day=1), host("a", "a.test", day=2)
    merged = merge([young, old], [])
    assert merged.resources == (old,)
    assert [(p.code, p.severity, p.resource) for p in merged.problems] == [
        (Code.CONFLICT, Severity.ERROR, "Host default/a")
    ]
    assert merged.quarantined == ((young.origin.id, False),)


def test_hosts_of_different_listeners_may_share_a_hostname() -> None:
    """Only where one Listener binds both they meet."""
    hosts = [host("a", "a.test", labels={"l": "1"}), host("b", "a.test", labels={"l": "2"})]
    apart = [listener("x", 80, selector={"l": "1"}), listener("y", 81, selector={"l": "2"})]
    assert merge([*hosts, *apart], []).problems == ()
    assert [p.code for p in merge([*hosts, listener("x", 80)], []).problems] == [Code.CONFLICT]


def test_namespaces_bind_too() -> None:
    """A Listener of one namespace does not see the Host of another."""
    hosts = [host("a", "a.test", namespace="one"), host("b", "a.test", namespace="two")]
    merged = merge([*hosts, listener("x", 80, namespaces=("one",)), listener("y", 81, namespaces=("two",))], [])
    assert merged.problems == ()


def test_two_listeners_on_one_port_are_a_conflict() -> None:
    """The one that is served keeps the port; the other stays on its old one."""
    was, owner = listener("b", 81), listener("a", 80, day=7)
    merged = merge([owner, listener("b", 80, day=1)], [], last_good=[owner, was])
    assert merged.resources == (owner, was)
    assert [p.code for p in merged.problems] == [Code.PORT_CONFLICT]
    assert merged.quarantined == ((was.origin.id, True),)


def test_a_guest_gives_its_old_hostname_up() -> None:
    """A Host that loses its new name and whose old one is taken is absent."""
    a, was_b = host("a", "a.test"), host("b", "b.test")
    merged = merge([a, host("b", "a.test", day=3), host("c", "b.test", day=4)], [], last_good=[a, was_b])
    assert [r.origin.id.name for r in merged.resources] == ["a", "c"]
    assert len(merged.problems) == 1
