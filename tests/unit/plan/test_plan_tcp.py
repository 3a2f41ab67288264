"""Plans of TCP routes, TLS and listeners."""

from dataclasses import replace

from reconciler.model.plan import FieldChange, Op, RefusalReason
from reconciler.model.ports import RAW_TCP, Stack
from reconciler.model.resource import Kind, ResourceId, SecurityModel
from reconciler.model.table import EMPTY_TABLE, Cluster, Listener, RouteTable, TcpRoute, VirtualHost
from reconciler.model.upstream import ServiceAddress
from reconciler.plan import BlastRadius
from tests.support.mappings import host_match, provenance
from tests.support.plans import compare
from tests.support.tcp_mappings import termination


def tcp(*names: str) -> RouteTable:
    """A table with one port for each TCP route."""
    ports = tuple(
        Listener(f"listener-{at}", "127.0.0.1", at, SecurityModel.SECURE, (), stack=RAW_TCP, tcp_routes=(route(name),))
        for at, name in enumerate(names, 1)
    )
    return RouteTable(ports, (), (Cluster("c", ServiceAddress("c.test", 80)),))


def route(name: str) -> TcpRoute:
    """A TCP route for all connections."""
    return TcpRoute(f"default/{name}", ResourceId(Kind.TCP_MAPPING, "default", name), provenance(name), (), "c")


def test_tcp_routes_count_as_routes() -> None:
    """They are created, deleted, and protected from being deleted together."""
    plan = compare(EMPTY_TABLE, tcp("a", "b"))
    assert [(change.op, change.id.name) for change in plan.changes] == [(Op.CREATE, "a"), (Op.CREATE, "b")]
    assert (plan.routes_before, plan.routes_after) == (0, 2)
    many = [f"r{number:02}" for number in range(12)]
    gone = compare(tcp(*many), tcp(*many[:5]), blast_radius=BlastRadius())
    assert [refusal.reason for refusal in gone.refusals] == [RefusalReason.TOO_MANY_DELETES]
    assert [r.reason for r in compare(tcp("a"), EMPTY_TABLE, blast_radius=BlastRadius()).refusals] == [
        RefusalReason.EMPTY_TABLE
    ]


def test_a_tcp_route_changes() -> None:
    """Whatever decides where connections go is told."""
    before = tcp("a")
    (port,) = before.listeners
    servers = ((host_match("a.test"), termination("a")),)
    changed = replace(port.tcp_routes[0], percent=40, idle_timeout_ms=0, servers=servers)
    after = replace(before, listeners=(replace(port, tcp_routes=(changed,)),))
    (change,) = compare(before, after).changes
    assert {field.field: field.after for field in change.fields} == {
        "connections": 'TLS for a.test ended as "Host default/a"',
        "share": "40 % of connections",
        "idle timeout": "none",
    }


def test_listeners_and_tls_are_told() -> None:
    """What a port speaks, and how TLS ends."""
    host = VirtualHost(host_match("a.test"), ())
    before = Listener("l", "127.0.0.1", 1, SecurityModel.XFP, (host,))
    secured = replace(host, termination=termination("a", required=True))
    after = replace(
        before, stack=Stack(tls=True, proxy=True), virtual_hosts=(secured,), max_streams=5, advertises_http3=True
    )
    plan = compare(RouteTable((before,), (), ()), RouteTable((after,), (), ()))
    assert [(change.host, change.fields) for change in plan.hosts] == [
        (
            "",
            (
                FieldChange("protocols", "", "HTTP, TLS, PROXY, TCP"),
                FieldChange("HTTP/2 streams", "", "5"),
                FieldChange("alt-svc", "", "HTTP/3"),
            ),
        ),
        (
            "a.test",
            (
                FieldChange("tls", "", '"Host default/a"'),
                FieldChange("certificate", "", "secret default/a"),
                FieldChange("client certificates", "", "required with secret default/authorities"),
            ),
        ),
    ]
