"""Ports and hostnames: one owner each."""

from dataclasses import replace

from reconciler.merge import merge
from reconciler.model.ports import Stack
from reconciler.model.problem import Code, Severity
from tests.support.mappings import host, listener
from tests.support.tcp_mappings import tcp_mapping


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


def test_a_tcp_and_a_udp_port_may_have_one_number() -> None:
    """They are two ports."""
    quic = replace(listener("quic", 443), stack=Stack(tls=True, udp=True))
    assert merge([quic, replace(listener("https", 443), stack=Stack(tls=True))], []).problems == ()


def test_tcp_mappings_compete_for_connections() -> None:
    """Of two without a weight the older stays; the weights of a port and name must add up."""
    old, young = tcp_mapping("z", day=1), tcp_mapping("a", day=2)
    merged = merge([young, old, tcp_mapping("other-port", 1), tcp_mapping("by-name", host="a.test")], [])
    assert [(p.code, p.resource) for p in merged.problems] == [(Code.CONFLICT, "TCPMapping default/a")]
    assert merged.quarantined == ((young.origin.id, False),)
    short = merge([tcp_mapping("a", weight=20), tcp_mapping("b", weight=30)], [])
    assert [p.code for p in short.problems] == [Code.WEIGHTS]
    assert merge([tcp_mapping("a", weight=20), tcp_mapping("b", weight=80)], []).problems == ()


def test_a_tcp_mapping_stays_at_its_last_good_version() -> None:
    """As everything does that has an identity."""
    was, rival = tcp_mapping("a", 1, document=b"1"), tcp_mapping("b", 2)
    merged = merge([tcp_mapping("a", 2, document=b"2", day=9), rival], [], last_good=[was, rival])
    assert merged.resources == (was, rival)
    assert merged.quarantined == ((was.origin.id, True),)
