"""Which virtual hosts answer on a TLS connection, as told to people and as Envoy is told."""

from reconciler.model.chains import chain_for, tls_chains
from reconciler.model.ports import Stack
from reconciler.model.resource import InsecureAction, SecurityModel
from reconciler.model.table import Guard, Listener, Request, VirtualHost
from reconciler.model.tls import Termination
from reconciler.table import Explanation, Forwarded, HungUp, NotFound, Redirected, explain
from tests.support.mappings import host_match
from tests.support.routing import cluster, rule, table
from tests.support.tcp_mappings import termination

HTTPS = Stack(tls=True)
GUARD = Guard(InsecureAction.REDIRECT, by_header=True)


def https(*hosts: tuple[str, Termination | None], stack: Stack = HTTPS, name: str = "l") -> Listener:
    """A listener whose virtual hosts each have one rule of their own name."""
    virtual_hosts = tuple(
        VirtualHost(host_match(host), (rule(host.strip("*."), "/", "c", host=host_match(host)),), GUARD, ending)
        for host, ending in hosts
    )
    return Listener(name, "127.0.0.1", 8443, SecurityModel.XFP, virtual_hosts, stack=stack)


def chains(listener: Listener) -> list[tuple[list[str], list[str]]]:
    """Names asked for, and hosts that answer with rules."""
    return [
        ([str(name) for name in chain.servers], [str(v.host) for v in chain.virtual_hosts if v.routes])
        for chain in tls_chains(listener)
    ]


def test_one_chain_for_each_way_to_end_tls() -> None:
    """Hosts with the same settings share one, those without have none."""
    shared = [("a.test", termination("a", secret="s")), ("b.test", termination("b", secret="s"))]
    strict = ("c.test", termination("c", secret="s", required=True))
    assert chains(https(*shared, strict, ("d.test", None))) == [
        (["a.test", "b.test"], ["a.test", "b.test"]),
        (["c.test"], ["c.test"]),
    ]


def test_no_chain_without_tls() -> None:
    """A listener that doesn't look for TLS, or speaks no HTTP, has none."""
    ending = termination("a")
    assert chains(https(("a.test", ending), stack=Stack())) == []
    assert chains(https(("a.test", ending), stack=Stack(http=False, tls=True))) == []


def test_a_beginning_is_no_name_to_ask_for() -> None:
    """Such a host answers in the chain of another one with the same settings."""
    assert chains(https(("a.*", termination("p")))) == []
    same = https(("a.*", termination("p", secret="s")), ("b.test", termination("b", secret="s")))
    assert chains(same) == [(["b.test"], ["b.test", "a.*"])]


def test_a_wildcard_does_not_answer_for_others() -> None:
    """Hosts of other chains are there without rules, so that nobody reaches them by the wildcard."""
    listener = https(("*", termination("any")), ("*.test", termination("w")), ("a.test", termination("a")))
    assert [[str(v.host) for v in chain.virtual_hosts if not v.routes] for chain in tls_chains(listener)] == [
        [],
        ["a.test", "*.test"],
        ["*", "a.test"],
    ]


def test_the_chain_of_a_name() -> None:
    """Exact, else the longest suffix, else the one for all, else none."""
    listener = https(("*.test", termination("w")), ("*.b.test", termination("b")), ("a.test", termination("a")))
    picked = {
        name: chain.termination.name if (chain := chain_for(tls_chains(listener), name)) else None
        for name in ("a.test", "A.TEST", "x.test", "x.y.b.test", "b.test", "test", "")
    }
    assert picked == {
        "a.test": "Host default/a",
        "A.TEST": "Host default/a",
        "x.test": "Host default/w",
        "x.y.b.test": "Host default/b",
        "b.test": "Host default/w",
        "test": None,
        "": None,
    }


def ask(listener: Listener, host: str, *, tls: bool, port: int | None = None) -> Explanation:
    """What becomes of ``GET /``."""
    return explain(table([listener], cluster("c")), Request(host, "/x", port=port, tls=tls))


def test_explain_over_tls() -> None:
    """The host's own chain answers; without one Envoy hangs up; clear text is redirected."""
    listener = https(("a.test", termination("a")), ("b.test", None))
    assert ask(listener, "a.test:8443", tls=True).answer == Forwarded(cluster("c"), "/x", "a.test:8443")
    assert isinstance(ask(listener, "b.test", tls=True).answer, HungUp)
    assert isinstance(ask(listener, "a.test", tls=False).answer, Redirected)
    assert isinstance(ask(https(("a.test", termination("a")), stack=Stack()), "a.test", tls=True).answer, NotFound)


def test_http3_has_no_clear_text() -> None:
    """A request in clear text never asks a UDP port."""
    listener = https(("a.test", termination("a")), stack=Stack(tls=True, udp=True))
    assert ask(listener, "a.test", tls=False).answer == NotFound("there is no listener")
    assert ask(listener, "a.test", tls=True).listener == "l"
