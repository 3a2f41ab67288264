"""Endpoints and keys that change between snapshots, and real Envoys."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.apply import ServerTls, XdsTarget
from reconciler.apply.envoy_process import EnvoyProcess
from reconciler.compile import NOTHING, Options, compile_routes, load_source
from reconciler.envoy import (
    EndpointSource,
    RenderOptions,
    SecretContent,
    SecretSource,
    live_secret,
    load_assignment,
    xds_bootstrap,
)
from reconciler.model.effect import AckState
from reconciler.model.endpoints import AddressType, EndpointSlice, EndpointsName, Service, ServicePort, SliceEndpoint
from reconciler.model.errors import Stalled
from reconciler.model.snapshot import Snapshot, TypeUrl, XdsResource
from reconciler.model.source import SourceFile, SourceSnapshot
from reconciler.model.tls import SecretRef
from tests.support.authority import Authority, Pair, mount_files
from tests.support.envoys import envoy_path
from tests.support.ports import reserve_port
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually
from tests.support.xds_model import listener, snapshot
from tests.support.xds_world import Load, get

_OPTIONS = RenderOptions(endpoints=EndpointSource.KUBERNETES, secrets=SecretSource.KUBERNETES, access_log_path="")
_SHOP = "default/shop:80"
_SERVED = "certificate/secret/default/served"

_HTTP = """
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {{name: http}}
spec: {{port: {port}, protocol: HTTP, securityModel: XFP, hostBinding: {{namespace: {{from: ALL}}}}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {{name: shop}}
spec: {{hostname: "*", prefix: /, service: shop, resolver: kubernetes-endpoint, connect_timeout_ms: {patience}}}
"""
_HTTPS = """
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {{name: https}}
spec: {{port: {port}, protocol: HTTPS, securityModel: XFP, hostBinding: {{namespace: {{from: ALL}}}}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {{name: a}}
spec: {{hostname: a.test, tlsSecret: {{name: served}}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {{name: m}}
spec: {{hostname: a.test, prefix: /, service: {answer}.test, host_redirect: true}}
"""

_UPSTREAM_TLS = """
---
apiVersion: getambassador.io/v3alpha1
kind: TLSContext
metadata: {{name: verified}}
spec: {{ca_secret: trusted}}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {{name: secure}}
spec: {{hostname: "*", prefix: /secure/, service: "https://127.0.0.1:9", tls: verified}}
"""


def compiled(documents: str, **values: object) -> Snapshot:
    """The snapshot of documents without problems."""
    options = Options(render=_OPTIONS)
    source = SourceSnapshot(None, None, (SourceFile("a.yaml", "", documents.format(**values).encode()),))
    found = compile_routes(source, load_source(source, options), options, NOTHING.resources)
    assert not found.problems, found.problems
    return found.snapshot


def endpoints(*upstreams: Upstream) -> dict[str, XdsResource | None]:
    """What stands for the endpoints of the shop."""
    at = [upstream.address.rpartition(":") for upstream in upstreams]
    slices = [
        EndpointSlice("shop", AddressType.IPV4, (ServicePort(int(port)),), (SliceEndpoint(host),))
        for host, _, port in at
    ]
    return {_SHOP: load_assignment(EndpointsName.parse(_SHOP), Service((ServicePort(80),)), slices)}


def key_material(pair: Pair) -> dict[str, XdsResource | None]:
    """What stands for the certificate that is served."""
    content = SecretContent({"tls.crt": pair.certificate, "tls.key": pair.key})
    secrets = {SecretRef("default", "served"): content}
    return {_SERVED: live_secret(_SERVED, secrets, "tls.crt", datetime.now(UTC))}


@dataclass
class World:
    """A server and its Envoy."""

    target: XdsTarget
    envoy: EnvoyProcess
    port: int
    asked: list[frozenset[str]]
    refused: list[tuple[str, TypeUrl]]
    authority: Authority

    def answer(self) -> int:
        """Status of a request."""
        return get(self.port)[0]

    def shown(self) -> str:
        """The certificate a new connection is shown, and where a request over it is sent."""
        context = ssl.create_default_context(cadata=self.authority.certificate.decode())
        try:
            with (
                socket.create_connection(("127.0.0.1", self.port), 5) as plain,
                context.wrap_socket(plain, server_hostname="a.test") as connection,
            ):
                connection.sendall(b"GET / HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n")
                certificate = connection.getpeercert() or {}
                head = b"".join(iter(connection.makefile("rb").readline, b"\r\n")).decode()
        except OSError as error:
            return type(error).__name__
        name = dict(pair[0] for pair in certificate["subject"])["commonName"]  # type: ignore[misc] # of typeshed
        return f"{name} {head.partition('location: https://')[2].partition('.')[0]}"


Begin = Callable[[], World]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What is closed when the test is over."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(params=[True, False], ids=["delta", "sotw"])
def world(request: pytest.FixtureRequest, tmp_path: Path, stack: ExitStack) -> World:
    """An Envoy that is connected, by each protocol."""
    refused: list[tuple[str, TypeUrl]] = []
    target = XdsTarget("127.0.0.1:0", 20.0, on_refused=lambda node, of: refused.append((node, of)))
    stack.callback(target.close)
    asked: list[frozenset[str]] = []
    target.live.own(TypeUrl.ENDPOINT, asked.append)
    target.serve_keys(asked.append, loopback=False)
    bootstrap = xds_bootstrap(f"127.0.0.1:{target.port}", delta=request.param)
    envoy = EnvoyProcess(envoy_path(), bootstrap, tmp_path / "envoy")
    stack.callback(envoy.stop)
    envoy.start(wait=False)
    eventually(target.nodes, what="the Envoy has connected")
    return World(target, envoy, reserve_port(), asked, refused, Authority())


def test_endpoints_come_and_go_without_a_snapshot(world: World, stack: ExitStack) -> None:
    """A new endpoint is served, one that went is not, and the last leaves a quick 503; nobody applied anything."""
    first, second = (stack.enter_context(Upstream(name)) for name in ("first", "second"))
    world.target.live.put(TypeUrl.ENDPOINT, endpoints(first))
    snapshot = compiled(_HTTP, port=world.port, patience=1000)
    acks = world.target.apply(snapshot)
    assert world.asked == [frozenset({_SHOP}), frozenset()]
    assert {ack.state for ack in acks} == {AckState.ACKED}
    with Load(world.port) as load:
        eventually(lambda: load.seen("first"))
        world.target.live.put(TypeUrl.ENDPOINT, endpoints(second))
        eventually(lambda: load.seen("second"))
    assert load.failed == 0
    world.target.live.put(TypeUrl.ENDPOINT, endpoints())
    eventually(lambda: world.answer() == 503)
    world.target.live.put(TypeUrl.ENDPOINT, endpoints(first))
    eventually(lambda: world.answer() == 200)
    assert world.target.observe() == snapshot.digest


def test_a_service_without_endpoints_holds_nothing_up(world: World) -> None:
    """A cluster that is told that there are none is warm at once: everything is acknowledged, requests get a 503."""
    world.target.live.put(TypeUrl.ENDPOINT, endpoints())
    acks = world.target.apply(compiled(_HTTP, port=world.port, patience=1000))
    assert {ack.state for ack in acks} == {AckState.ACKED}
    eventually(lambda: world.answer() == 503)


def test_a_changed_cluster_gets_its_endpoints_again(world: World, stack: ExitStack) -> None:
    """Envoy warms it only with endpoints, which have not changed: no request fails meanwhile."""
    upstream = stack.enter_context(Upstream("first"))
    world.target.live.put(TypeUrl.ENDPOINT, endpoints(upstream))
    world.target.apply(compiled(_HTTP, port=world.port, patience=1000))
    with Load(world.port) as load:
        eventually(lambda: load.seen("first"))
        acks = world.target.apply(compiled(_HTTP, port=world.port, patience=2000))
        seen = load.seen("first")
        eventually(lambda: load.seen("first") > seen + 10)
    assert {ack.state for ack in acks} == {AckState.ACKED}
    assert load.failed == 0


def test_what_is_not_known_yet_is_neither_sent_nor_taken_away(world: World, stack: ExitStack) -> None:
    """A server that has just begun, and knows no endpoints yet, leaves those that Envoy has alone."""
    upstream = stack.enter_context(Upstream("first"))
    world.target.live.put(TypeUrl.ENDPOINT, endpoints(upstream))
    world.target.apply(compiled(_HTTP, port=world.port, patience=1000))
    port = world.target.port
    with Load(world.port) as load:
        eventually(lambda: load.seen("first"))
        world.target.close()
        again = XdsTarget(f"127.0.0.1:{port}", 20.0)
        stack.callback(again.close)
        again.live.own(TypeUrl.ENDPOINT, lambda _: None)
        again.serve(compiled(_HTTP, port=world.port, patience=1000))
        eventually(again.nodes, what="the Envoy has come back")
        eventually(lambda: again.nodes()[0].counters.requests >= 4, what="and said what it holds")
        seen = load.seen("first")
        eventually(lambda: load.seen("first") > seen + 10)
        other = stack.enter_context(Upstream("second"))
        again.live.put(TypeUrl.ENDPOINT, endpoints(other))
        eventually(lambda: load.seen("second"))
    assert load.failed == 0


def test_who_refuses_what_drops_a_service_goes_on_with_its_true_endpoints(world: World, stack: ExitStack) -> None:
    """As it goes on routing to it; the service is watched until the Envoy has really dropped it."""
    first, second = (stack.enter_context(Upstream(name)) for name in ("first", "second"))
    world.target.live.put(TypeUrl.ENDPOINT, endpoints(first))
    world.target.apply(compiled(_HTTP, port=world.port, patience=1000))
    refused = snapshot(listeners=[listener("without filters", reserve_port(), "x")])
    with Load(world.port) as load:
        eventually(lambda: load.seen("first"))
        acks = world.target.apply(refused)
        assert AckState.NACKED in {ack.state for ack in acks}
        world.target.live.put(TypeUrl.ENDPOINT, endpoints(second))
        eventually(lambda: load.seen("second"))
    assert load.failed == 0
    assert world.asked[-2] == frozenset({_SHOP})
    world.target.apply(snapshot())
    assert world.asked[-2] == frozenset()


def test_a_renewed_certificate_is_shown_without_a_snapshot(world: World) -> None:
    """The next connection sees it; connections that are there go on."""
    world.target.live.put(TypeUrl.SECRET, key_material(world.authority.issue("one", "a.test")))
    acks = world.target.apply(compiled(_HTTPS, port=world.port, answer="hello"))
    assert {ack.state for ack in acks} == {AckState.ACKED}
    eventually(lambda: world.shown() == "one hello")
    world.target.live.put(TypeUrl.SECRET, key_material(world.authority.issue("two", "a.test")))
    eventually(lambda: world.shown() == "two hello")
    assert world.refused == []


def test_a_secret_that_is_not_there_holds_nothing_up(world: World) -> None:
    """Its host is not served, all else is applied and acknowledged; once it is there, its host is served too."""
    world.target.live.put(TypeUrl.SECRET, {_SERVED: None})
    acks = world.target.apply(compiled(_HTTPS, port=world.port, answer="hello"))
    assert {ack.state for ack in acks} == {AckState.ACKED}
    assert "hello" not in world.shown()
    acks = world.target.apply(compiled(_HTTPS, port=world.port, answer="again"))
    assert {ack.state for ack in acks} == {AckState.ACKED}
    world.target.live.put(TypeUrl.SECRET, key_material(world.authority.issue("one", "a.test")))
    eventually(lambda: world.shown() == "one again")


def test_authorities_that_are_not_there_close_an_upstream_and_nothing_else(world: World, stack: ExitStack) -> None:
    """Nobody can be verified, so nobody is spoken to; what else the change brought is acknowledged and served."""
    upstream = stack.enter_context(Upstream("first"))
    world.target.live.put(TypeUrl.ENDPOINT, endpoints(upstream))
    name = "authorities/secret/default/trusted"
    world.target.live.put(TypeUrl.SECRET, {name: None})
    began = time.monotonic()
    acks = world.target.apply(compiled(_HTTP + _UPSTREAM_TLS, port=world.port, patience=1000))
    took = time.monotonic() - began
    eventually(lambda: get(world.port, "/secure/")[0] == 503)
    eventually(lambda: get(world.port)[0] == 200)
    assert {ack.state for ack in acks} == {AckState.ACKED}
    assert took < 5


def test_what_envoy_refuses_of_it_is_told_and_no_snapshot_is_blamed(world: World) -> None:
    """The one before stays, routes go on to change, and the next certificate is taken."""
    good = key_material(world.authority.issue("one", "a.test"))
    world.target.live.put(TypeUrl.SECRET, good)
    world.target.apply(compiled(_HTTPS, port=world.port, answer="hello"))
    eventually(lambda: world.shown() == "one hello")
    body = good[_SERVED]
    assert body is not None
    broken = XdsResource.of(_SERVED, body.body.replace(b"BEGIN CERTIFICATE", b"BEGIN CERTIFICOTE"))
    world.target.live.put(TypeUrl.SECRET, {_SERVED: broken})
    eventually(lambda: world.refused == [("envoy", TypeUrl.SECRET)])
    acks = world.target.apply(compiled(_HTTPS, port=world.port, answer="again"))
    assert {ack.state for ack in acks} == {AckState.ACKED}
    eventually(lambda: world.shown() == "one again")
    world.target.live.put(TypeUrl.SECRET, key_material(world.authority.issue("two", "a.test")))
    eventually(lambda: world.shown() == "two again")


def test_keys_are_for_envoys_that_show_who_they_are(tmp_path: Path) -> None:
    """TLS alone is not enough, nor that some authority signed a certificate; on loopback no document may lead there."""
    pair = Authority().issue("server", "reconciler")
    mount_files(tmp_path, {"tls.crt": pair.certificate, "tls.key": pair.key, "ca.crt": pair.certificate})
    files = tmp_path / "tls.crt", tmp_path / "tls.key"
    plain = XdsTarget("0.0.0.0:0", insecure=True)
    one_sided = XdsTarget("0.0.0.0:0", tls=ServerTls(*files))
    nameless = XdsTarget("0.0.0.0:0", tls=ServerTls(*files, tmp_path / "ca.crt"))
    mutual = XdsTarget("0.0.0.0:0", tls=ServerTls(*files, tmp_path / "ca.crt", ("envoy.edge",)))
    local = XdsTarget("127.0.0.1:0")
    for target in (plain, one_sided, nameless):
        with pytest.raises(Stalled, match="keys are served only"):
            target.serve_keys(lambda _: None, loopback=False)
    with pytest.raises(Stalled, match="keys are served only"):
        local.serve_keys(lambda _: None)
    local.serve_keys(lambda _: None, loopback=False)
    mutual.serve_keys(lambda _: None)
    for target in (plain, one_sided, nameless, mutual, local):
        target.close()
