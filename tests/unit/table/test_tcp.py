"""TCPMappings: on which port, for which connections, and why not."""

from reconciler.model.match import HostMatch
from reconciler.model.ports import RAW_TCP, Stack
from reconciler.model.problem import Code, Severity
from reconciler.model.resource import SecurityModel
from reconciler.model.table import Listener, VirtualHost
from reconciler.model.tls import Termination
from reconciler.table.ports.tcp import Placed, place
from tests.support.mappings import host_match
from tests.support.tcp_mappings import tcp_mapping, termination

ANYWHERE = "0.0.0.0"
TLS = Stack(http=False, tls=True)


def port(number: int, stack: Stack, *hosts: tuple[str, Termination | None], address: str = ANYWHERE) -> Listener:
    """A listener with virtual hosts without rules."""
    virtual_hosts = tuple(VirtualHost(host_match(name), (), None, ending) for name, ending in hosts)
    return Listener(f"listener-{number}", address, number, SecurityModel.SECURE, virtual_hosts, stack=stack)


def served(placed: Placed) -> dict[str, list[str]]:
    """Listener → names of its TCP routes with what is special about them."""
    return {
        listener.name: [
            " ".join([
                route.name.removeprefix("default/"), str(route.percent), *(str(name) for name, _ in route.servers)
            ])
            for route in listener.tcp_routes
        ]
        for listener in placed.listeners
    }  # fmt: skip


def names(**endings: Termination) -> dict[HostMatch, Termination]:
    """Who has a certificate; ``_`` stands for a dot, ``any_`` for ``*.``."""
    return {host_match(name.replace("any_", "*_").replace("_", ".")): ending for name, ending in endings.items()}


def test_no_tcp_mapping_changes_nothing() -> None:
    """The listeners stay the same objects."""
    listener = port(80, Stack())
    assert place([], [listener], {}, ANYWHERE).listeners == (listener,)


def test_a_port_is_opened() -> None:
    """One listener for each address and port; it looks for TLS only where a host is named."""
    placed = place(
        [tcp_mapping("a", 1), tcp_mapping("b", 1, "b.test"), tcp_mapping("c", 1, address="127.0.0.1")],
        [],
        names(b_test=termination("b")),
        ANYWHERE,
    )
    assert served(placed) == {"listener-1": ["a 100", "b 100 b.test"], "listener-127.0.0.1-1": ["c 100"]}
    assert [(one.address, one.stack) for one in placed.listeners] == [(ANYWHERE, TLS), ("127.0.0.1", RAW_TCP)]
    assert [cluster.name for cluster in sorted(placed.clusters, key=lambda c: c.name)] == ["a:1", "b:1", "c:1"]


def test_a_listener_is_used() -> None:
    """One that is there keeps its name; a UDP port of the same number is another port."""
    quic = port(1, Stack(tls=True, udp=True))
    placed = place([tcp_mapping("a", 1)], [port(1, RAW_TCP), quic], {}, ANYWHERE)
    assert [[route.name for route in one.tcp_routes] for one in placed.listeners] == [["default/a"], []]


def test_weights() -> None:
    """What is left goes to the one without a weight; 0 stays visible."""
    group = [tcp_mapping("a"), tcp_mapping("b", weight=30), tcp_mapping("c", weight=0)]
    assert served(place(group, [], {}, ANYWHERE)) == {"listener-6379": ["a 70", "b 30", "c 0"]}


def test_names_meet_certificates() -> None:
    """The narrower of a name and a Host's is listened for; the narrowest TCPMapping gets a name."""
    endings = names(a_test=termination("a"), any_test=termination("wild"))
    wide, exact = tcp_mapping("wide", host="*"), tcp_mapping("exact", host="a.test")
    assert served(place([wide, exact], [], endings, ANYWHERE)) == {
        "listener-6379": ["exact 100 a.test", "wide 100 *.test"]
    }
    deep = place([tcp_mapping("deep", host="*.c.test")], [], endings, ANYWHERE)
    assert served(deep) == {"listener-6379": ["deep 100 *.c.test"]}


def test_what_has_no_place() -> None:
    """Each with why, at the field that has to change; the port of a stranger stays as it was."""
    ending = termination("h")
    listeners = [
        port(80, Stack()),
        port(443, Stack(tls=True), ("h.test", ending)),
        port(22, RAW_TCP),
    ]
    mappings = [
        tcp_mapping("http", 80),
        tcp_mapping("http-host", 80, "h.test"),
        tcp_mapping("https-any", 443),
        tcp_mapping("https-taken", 443, "h.test"),
        tcp_mapping("raw-host", 22, "h.test"),
        tcp_mapping("nobody", 9, "x.test"),
    ]
    placed = place(mappings, listeners, names(h_test=ending), ANYWHERE)
    assert {name.name: (problem.code, problem.field) for name, problem in placed.stranded} == {
        "http": (Code.PORT_CONFLICT, "spec.port"),
        "http-host": (Code.PORT_CONFLICT, "spec.host"),
        "https-any": (Code.PORT_CONFLICT, "spec.port"),
        "https-taken": (Code.PORT_CONFLICT, "spec.host"),
        "raw-host": (Code.PORT_CONFLICT, "spec.host"),
        "nobody": (Code.NO_TLS, "spec.host"),
    }
    assert placed.listeners == tuple(sorted(listeners, key=lambda one: one.port))
    assert placed.clusters == frozenset()


def test_beside_https() -> None:
    """By name TLS connections can be told apart from those of Hosts."""
    own, other = termination("own"), termination("other")
    placed = place(
        [tcp_mapping("db", 443, "db.test")],
        [port(443, Stack(tls=True), ("shop.test", own))],
        names(shop_test=own, db_test=other),
        ANYWHERE,
    )
    assert served(placed) == {"listener-443": ["db 100 db.test"]}
    assert placed.stranded == ()


def test_idle_timeouts_of_a_group() -> None:
    """Envoy has one for all; the first that says it wins, and who says another is told."""
    placed = place(
        [tcp_mapping("a", weight=50), tcp_mapping("b", idle_timeout_ms=1), tcp_mapping("c", idle_timeout_ms=2)],
        [],
        {},
        ANYWHERE,
    )
    assert {route.idle_timeout_ms for one in placed.listeners for route in one.tcp_routes} == {1}
    assert [(p.code, p.severity, p.resource) for p in placed.problems] == [
        (Code.FIELD_IGNORED, Severity.WARNING, "TCPMapping default/c")
    ]
