"""Real Envoys whose virtual hosts are divided answer as the one that has them in one piece."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from http.client import HTTPResponse
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.apply.envoy_binary import EnvoyProcess
from reconciler.envoy import RenderOptions, Sharding, render, static_bootstrap
from reconciler.envoy.routes.buckets import BUCKETS, bucket
from reconciler.model.match import ANY_HOST, HostMatch, MatchKind
from reconciler.model.policy import DirectResponse
from reconciler.model.table import RouteTable, VirtualHost
from tests.support.envoys import envoy_path
from tests.support.routing import anyone, listener, rule, table

OPTIONS = RenderOptions(access_log_path="")
ANSWER = 512  # more than an answer takes

EXACT = tuple(HostMatch(MatchKind.EXACT, name) for name in ("a.test", "b.test", "a-b.c9.test", "1", "*7", "x|y.test"))
PATTERNS = (HostMatch(MatchKind.SUFFIX, ".x.test"), HostMatch(MatchKind.PREFIX, "x."), ANY_HOST)
LITERAL = HostMatch(MatchKind.EXACT, "[::1]")
# The names of listeners are part of keys, and of what Envoy computes keys with.
PORTS = ("plain", "t:w%o|x%REQ(a)%/1", "http-8080")

ASKED = (
    "a.test", "a.test:80", "a.test:x", "a.test:", "b.test", "a-b.c9.test:1", "nope", "y.x.test", "y.x.test:9", "x.org",
    "[::1]", "[::1]:80", "[::2]", "::1", "", "h\xe4.test", "h\xc3\xa4.test", "x|y.test", "1", "*7", "a:b:80", "%zz",
    "a b", "a.test.", "a.test,b.test", "a.test\t", "@a", ".", ":80", "b.test:99999999", "x" * 300,
    "a.test\r\nHost: b.test", "a.test\r\nx-reconciler-scope: plain|b.test", "a.test\r\nX-Reconciler-Scope: plain|*0",
    "b.test\r\nx-reconciler-scope: plain|a.test\r\nx-reconciler-scope: plain|a.test",
)  # fmt: skip
SHOUTED = ("A.TEST", "A-b.C9.tEST:1", "Y.X.TEST:9", "X.Org", "NOPE")


def answering(host: HostMatch) -> VirtualHost:
    """A virtual host that answers with its name."""
    return VirtualHost(host, (rule(f"of-{host}", "/", DirectResponse(200, body=str(host))),))


def ports(*hosts: HostMatch) -> RouteTable:
    """Three ports with the same virtual hosts."""
    return table([listener(*map(answering, sorted(hosts)), name=name) for name in PORTS])


def serve(stack: ExitStack, subject: RouteTable, sharding: Sharding, folder: Path) -> EnvoyProcess:
    """An Envoy with all of a table in its bootstrap."""
    options = replace(OPTIONS, sharding=sharding)
    bootstrap = static_bootstrap(render(subject, options), options)
    process = EnvoyProcess(envoy_path(), bootstrap, folder, options=("--log-level", "error"))
    return stack.enter_context(process)


@pytest.fixture(scope="module", params=["only hosts", "patterns too", "no host"])
def forms(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, object]]:
    """An Envoy for each way to divide the same virtual hosts."""
    hosts = {"only hosts": EXACT, "patterns too": (*EXACT, LITERAL, *PATTERNS), "no host": ()}[request.param]
    folder = tmp_path_factory.mktemp("forms")
    with ExitStack() as stack:
        yield {form: serve(stack, ports(*hosts), form, folder / form) for form in Sharding}


def answer(envoy: EnvoyProcess, port: str, host: str | None, version: str = "1.1") -> tuple[int, bytes]:
    """What a request with this very Host line, or none, is answered; 0 for nothing."""
    line = "" if host is None else f"Host: {host}\r\n"
    with closing(socket.create_connection(("127.0.0.1", envoy.listener_port(port)), timeout=20)) as connection:
        connection.sendall(f"GET / HTTP/{version}\r\n{line}\r\n".encode("latin1"))
        response = HTTPResponse(connection)
        response.begin()
        return response.status, response.read()


@pytest.mark.parametrize("port", PORTS)
def test_every_host_is_answered_alike(forms: Mapping[Sharding, EnvoyProcess], port: str) -> None:
    """Ports, odd characters, addresses, no host, what clients say in our header: nothing makes a difference."""
    for host in (*ASKED, None):
        one = answer(forms[Sharding.NONE], port, host)
        assert {form: answer(envoy, port, host) for form, envoy in forms.items()} == dict.fromkeys(Sharding, one), host


def test_case_makes_no_difference_in_buckets(forms: Mapping[Sharding, EnvoyProcess]) -> None:
    """By bucket a host is found in upper case, too; by host it is not, unless there are patterns."""
    for host in SHOUTED:
        one = answer(forms[Sharding.NONE], PORTS[0], host)
        assert answer(forms[Sharding.BUCKETS], PORTS[0], host) == one, host
    by_host = answer(forms[Sharding.HOSTS], PORTS[0], SHOUTED[0])
    assert by_host in {(200, b"a.test"), (404, b"")}


def test_http_1_0_is_answered_alike(forms: Mapping[Sharding, EnvoyProcess]) -> None:
    """It may come without a host, and is refused."""
    for host in ("a.test", None):
        one = answer(forms[Sharding.NONE], PORTS[0], host, "1.0")
        assert {form: answer(envoy, PORTS[0], host, "1.0") for form, envoy in forms.items()} == dict.fromkeys(
            Sharding, one
        )


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnvoyProcess]:
    """An Envoy that tells which scope it found."""
    options = replace(OPTIONS, sharding=Sharding.BUCKETS)
    always = rule("always", "/", DirectResponse(200))
    bootstrap = json.loads(static_bootstrap(render(table([listener(anyone(always), name="l")]), options), options))
    manager = bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    told = [{"header": {"key": "x-found", "value": "%REQ(x-reconciler-scope)%"}}]
    scopes = manager["scoped_routes"]["scoped_route_configurations_list"]["scoped_route_configurations"]
    assert len(scopes) == BUCKETS
    for scope in scopes:
        scope["route_configuration"]["response_headers_to_add"] = told
    folder = tmp_path_factory.mktemp("telling")
    with EnvoyProcess(envoy_path(), json.dumps(bootstrap).encode(), folder) as process:
        yield process


_HOST = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60)
_NAME = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9.\-_]{0,40}[a-zA-Z0-9])?(:[0-9]{1,5})?", fullmatch=True)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hosts=st.lists(_HOST | _NAME, min_size=1, max_size=20))
def test_envoy_finds_the_bucket_we_put_a_host_in(telling: EnvoyProcess, hosts: list[str]) -> None:
    """For any text that Envoy takes as a host."""
    with closing(socket.create_connection(("127.0.0.1", telling.listener_port("l")), timeout=20)) as connection:
        for host in hosts:
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            response = HTTPResponse(connection)
            response.begin()
            response.read()
            if response.status == 400:
                return
            assert response.getheader("x-found") == f"l|*{bucket(host)}"
