"""What becomes of requests beyond which route they take is the same where virtual hosts are divided.

Connections that are upgraded, filters that a route switches on or off, limits and mirrors depend on the route that
Envoy finds at the very start of a request.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace

import httpcore
import pytest

from reconciler.apply.envoy_binary import EnvoyProcess
from reconciler.compile import Options, compile_routes
from reconciler.envoy import RenderOptions, Sharding, render, static_bootstrap
from reconciler.model.source import SourceFile, SourceSnapshot
from reconciler.resources import load
from tests.support.envoys import envoy_path
from tests.support.http import Reply, get
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually

MAPPINGS = """\
{metadata: {name: plain}, spec: {hostname: a.test, prefix: /up/, service: one}}
{metadata: {name: upgraded}, spec: {hostname: a.test, prefix: /ws/, service: one, allow_upgrade: [websocket]}}
{metadata: {name: mirrored}, spec: {hostname: a.test, prefix: /mirrored/, service: one}}
{metadata: {name: mirror}, spec: {hostname: a.test, prefix: /mirrored/, service: shadow, shadow: true}}
{metadata: {name: limited}, spec: {hostname: a.test, prefix: /limited/, service: one}}
{metadata: {name: other}, spec: {hostname: b.test, prefix: /, service: one}}
{metadata: {name: dead}, spec: {hostname: a.test, prefix: /dead/, service: "127.0.0.1:9"}}
{metadata: {name: excused}, spec: {hostname: a.test, prefix: /excused/, service: "127.0.0.1:9",
  error_response_overrides: [{on_status_code: 503, body: {text_format: "come back later"}}]}}
"""
LIMIT = """\
apiVersion: reconciler.dev/v1alpha1
kind: MappingPolicy
metadata: {name: limit}
spec: {mappings: [limited], local_rate_limit: {requests: 2, per: hour}}
"""
OURS = "x-reconciler-scope"
SPOOFED = {OURS: "http-8080|b.test"}
UPGRADE = {"connection": "Upgrade", "upgrade": "websocket"}


@dataclass(frozen=True)
class Running:
    """An Envoy and its upstreams, for one way to divide the hosts."""

    envoy: EnvoyProcess
    one: Upstream
    shadow: Upstream
    divided: bool

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.envoy.listener_port("listener-8080")

    def get(self, path: str, host: str = "a.test", headers: Mapping[str, str] = {}) -> Reply:
        """One request over HTTP/1.1."""
        return get(self.port, path, host=host, headers=headers)


@pytest.fixture(scope="module", params=list(Sharding))
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Envoys with the same Mappings."""
    head = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\n"
    chunks = MAPPINGS.replace("\n  ", " ").splitlines()
    documents = [head + chunk[1:-1].replace(", spec:", "\nspec:") for chunk in chunks]
    source = SourceSnapshot(None, None, (SourceFile("all.yaml", "", "\n---\n".join([*documents, LIMIT]).encode()),))
    compiled = compile_routes(source, load(source.files), Options())
    assert compiled.problems == ()
    listeners = tuple(replace(one, address="127.0.0.1", port=0) for one in compiled.table.listeners)
    with ExitStack() as stack:
        one, shadow = (stack.enter_context(Upstream(name)) for name in ("one", "shadow"))
        addresses = {"one.default": one.address, "shadow.default": shadow.address}
        options = RenderOptions(service_addresses=addresses, access_log_path="", sharding=request.param)
        bootstrap = static_bootstrap(render(replace(compiled.table, listeners=listeners), options), options)
        folder = tmp_path_factory.mktemp("envoy")
        envoy = stack.enter_context(EnvoyProcess(envoy_path(), bootstrap, folder))
        yield Running(envoy, one, shadow, divided=request.param is not Sharding.NONE)


def test_nobody_behind_sees_the_header(running: Running) -> None:
    """Neither ours nor what a client says in its place reaches an upstream."""
    assert OURS not in running.get("/up/").seen["headers"]
    for headers in (SPOOFED, {OURS.title(): "x"}):
        reply = running.get("/up/", headers=headers)
        assert (reply.upstream, OURS in reply.seen["headers"]) == ("one", not running.divided)


def test_what_a_client_says_does_not_choose(running: Running) -> None:
    """A client can't have the routes of another host by naming its scope."""
    assert running.get("/elsewhere", headers=SPOOFED).status == 404
    assert running.get("/elsewhere", "b.test", SPOOFED).upstream == "one"


def test_mirrors_do_not_see_it_either(running: Running) -> None:
    """A copy of a request is as the request."""
    assert running.get("/mirrored/", headers=SPOOFED).upstream == "one"
    eventually(lambda: running.shadow.seen)
    seen = running.shadow.seen[0]["headers"]
    assert isinstance(seen, dict)
    assert seen.get(OURS) in ({None} if running.divided else {SPOOFED[OURS]})


def test_upgrades_where_the_route_allows_them(running: Running) -> None:
    """One route lets a client ask for WebSocket, the other refuses it before an upstream hears of it."""
    before = len(running.one.seen)
    assert running.get("/up/", headers=UPGRADE).status == 403
    assert len(running.one.seen) == before
    assert running.get("/ws/", headers=UPGRADE).status == 200
    assert len(running.one.seen) == before + 1


def test_error_bodies_of_one_mapping(running: Running) -> None:
    """The filter is on for the route that asks for it, and for no other."""
    assert (running.get("/excused/").status, running.get("/excused/").body) == (503, b"come back later")
    assert running.get("/dead/").status == 503
    assert running.get("/dead/").body != b"come back later"


def test_limits_of_one_mapping(running: Running) -> None:
    """It is counted once for all spellings of the host, and for no other Mapping."""
    spellings = ("a.test", "a.test:80", "a.test:8080", "a.test")
    assert [running.get("/limited/", host).status for host in spellings] == [200, 200, 429, 429]
    assert running.get("/up/").status == 200


def test_http_2(running: Running) -> None:
    """The host of HTTP/2 requests counts as that of HTTP/1.1."""
    with httpcore.ConnectionPool(http1=False, http2=True) as client:

        def ask(host: str, path: str) -> httpcore.Response:
            return client.request("GET", f"http://127.0.0.1:{running.port}{path}", headers={"host": host})

        assert json.loads(ask("a.test", "/up/").content)["upstream"] == "one"
        assert json.loads(ask("b.test:8080", "/anything").content)["upstream"] == "one"
        assert ask("c.test", "/up/").status == 404
