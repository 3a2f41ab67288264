"""Endpoints and Secrets of a real API server, served by a real Envoy without anybody reconciling."""

import http.client
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reconciler.apply import XdsTarget
from reconciler.apply.envoy_process import EnvoyProcess
from reconciler.cluster import Cluster, ClusterSettings, Pace
from reconciler.compile import NOTHING, Options, compile_routes, load_source
from reconciler.discovery import EndpointDiscovery, SecretDiscovery
from reconciler.envoy import EndpointSource, RenderOptions, SecretSource, xds_bootstrap
from reconciler.model.effect import Ack, AckState
from reconciler.model.snapshot import Snapshot, TypeUrl
from reconciler.model.source import SourceFile, SourceSnapshot
from tests.support.authority import Authority, Pair
from tests.support.discovery import documents, own_address
from tests.support.envoys import envoy_path
from tests.support.kubernetes import ApiServer, Document, User
from tests.support.ports import reserve_port
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually
from tests.support.xds_world import Load, get

_PACE = Pace(retry_s=0.05, retry_cap_s=0.2)
_WATCHED = {"apiGroups": [""], "resources": ["services"], "verbs": ["list", "watch"]}
_SLICES = {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]}
_SECRETS = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch"], "resourceNames": ["served"]}


def service(*ports: tuple[int, str]) -> Document:
    """A Service named shop."""
    listed = [{"port": port, "name": name} for port, name in ports]
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "shop"}, "spec": {"ports": listed}}


def endpoint_slice(name: str, port_name: str, *upstreams: Upstream, ready: bool = True) -> Document:
    """A slice of it; all upstreams listen on the same port, as Pods do."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": "shop"}},
        "addressType": "IPv4",
        "ports": [{"name": port_name, "port": upstream.port, "protocol": "TCP"} for upstream in upstreams[:1]],
        "endpoints": [{"addresses": [upstream.host], "conditions": {"ready": ready}} for upstream in upstreams],
    }


def tls_secret(pair: Pair, name: str = "served") -> Document:
    """A Secret of cert-manager."""
    data = {"tls.crt": b64encode(pair.certificate).decode(), "tls.key": b64encode(pair.key).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": name}, "data": data}


@dataclass
class World:
    """An API server with a Service and a Secret, and an Envoy that is to serve them."""

    api: ApiServer
    namespace: str
    user: User
    target: XdsTarget
    snapshot: Snapshot
    http: int
    https: int
    authority: Authority
    told: dict[str, str] = field(default_factory=dict)

    def put(self, *documents: Document) -> None:
        """Objects as they are to be."""
        self.api.admin.apply(*documents, namespace=self.namespace, force=True)

    def serve(self) -> tuple[Ack, ...]:
        """Has it all served; nobody applies anything after this."""
        return self.target.apply(self.snapshot)

    def status(self) -> int:
        """Status of a request in clear text."""
        return get(self.http, host="a.test")[0]

    def shown(self) -> str:
        """The certificate that a new connection is shown."""
        try:
            with self.connected() as connection:
                certificate = connection.getpeercert() or {}
        except OSError as error:
            return type(error).__name__
        return str(dict(pair[0] for pair in certificate["subject"])["commonName"])  # type: ignore[misc] # of typeshed

    def connected(self) -> ssl.SSLSocket:
        """A new connection over TLS."""
        context = ssl.create_default_context(cadata=self.authority.certificate.decode())
        plain = socket.create_connection(("127.0.0.1", self.https), 5)
        return context.wrap_socket(plain, server_hostname="a.test")


@pytest.fixture
def world(api: ApiServer, namespace: str, tmp_path: Path) -> Iterator[World]:
    """Everything is watched by a user who may watch no more than it must."""
    user = api.admin.service_account(namespace, "reconciler")
    api.admin.grant(user, _WATCHED, _SLICES, _SECRETS, namespace=namespace)
    config = api.kubeconfig(tmp_path / "kubeconfig", user, namespace=namespace)
    http, https = reserve_port(), reserve_port()
    text = documents(namespace, http, https)
    render = RenderOptions(endpoints=EndpointSource.KUBERNETES, secrets=SecretSource.KUBERNETES, access_log_path="")
    source = SourceSnapshot(None, None, (SourceFile("a.yaml", "", text.encode()),))
    options = Options(render=render)
    compiled = compile_routes(source, load_source(source, options), options, NOTHING.resources)
    assert not compiled.problems
    with ExitStack() as stack:
        cluster = Cluster(ClusterSettings(mode="kubeconfig", kubeconfig=config))
        stack.callback(cluster.close)
        target = XdsTarget("127.0.0.1:0", 20.0)
        stack.callback(target.close)
        told: dict[str, str] = {}
        live = target.live
        endpoints = EndpointDiscovery(
            cluster, lambda put: live.put(TypeUrl.ENDPOINT, put), told.__setitem__, _PACE, patience_s=3.0
        )
        stack.callback(endpoints.close)
        secrets = SecretDiscovery(
            cluster, lambda put: live.put(TypeUrl.SECRET, put), told.__setitem__, "tls.crt", _PACE, patience_s=3.0
        )
        stack.callback(secrets.close)
        live.own(TypeUrl.ENDPOINT, endpoints.want)
        target.serve_keys(secrets.want, loopback=False)
        envoy = EnvoyProcess(envoy_path(), xds_bootstrap(f"127.0.0.1:{target.port}"), tmp_path / "envoy")
        stack.callback(envoy.stop)
        envoy.start(wait=False)
        eventually(target.nodes, what="the Envoy has connected")
        yield World(api, namespace, user, target, compiled.snapshot, http, https, Authority(), told)


def test_endpoints_follow_the_slices_within_a_second(world: World) -> None:
    """Added, exchanged, not ready, gone with the Service: Envoy has it within a second, and no request fails before."""
    host = own_address()
    with Upstream("first", host=host) as first, Upstream("second", host=host) as second:
        world.put(tls_secret(world.authority.issue("one", "a.test")), service((80, "http"), (9090, "metrics")))
        world.put(endpoint_slice("shop-1", "http", first), endpoint_slice("shop-m", "metrics", second))
        assert {ack.state for ack in world.serve()} == {AckState.ACKED}
        with Load(world.http, host="a.test") as load:
            eventually(lambda: load.seen("first"))
            world.put(endpoint_slice("shop-2", "http", second))
            eventually(lambda: load.seen("second"), seconds=1)
            world.put(endpoint_slice("shop-1", "http", first, ready=False))
            world.api.admin.delete("EndpointSlice", "shop-m", world.namespace)
            eventually(lambda: only(load, "second"), seconds=2)
        assert load.failed == 0
        world.api.admin.delete("Service", "shop", world.namespace)
        eventually(lambda: world.status() == 503, seconds=1)
        assert world.told[f"endpoints of {world.namespace}/shop:80"] == f"there is no Service {world.namespace}/shop"
        world.put(service((80, "http")))
        eventually(lambda: world.status() == 200, seconds=1)
        assert world.told[f"endpoints of {world.namespace}/shop:80"] == ""


def only(load: Load, upstream: str) -> bool:
    """Whether an upstream gives all of the next answers."""
    before = dict(load.answers)
    seen = load.seen(upstream)
    eventually(lambda: load.seen(upstream) >= seen + 20)
    return all(count == before.get(key, 0) for key, count in load.answers.items() if key != (200, upstream))


def test_a_service_that_is_not_there_is_a_quick_503(world: World) -> None:
    """Neither the change nor Envoy waits for it; a port that it has not is told with those that it has."""
    world.put(tls_secret(world.authority.issue("one", "a.test")))
    assert {ack.state for ack in world.serve()} == {AckState.ACKED}
    eventually(lambda: world.status() == 503)
    world.put(service((8080, "http")))
    name = f"endpoints of {world.namespace}/shop:80"
    eventually(lambda: world.told[name].endswith("has no port 80; it has 8080"), what=str(world.told))


def test_a_secret_is_rotated_while_connections_live(world: World) -> None:
    """New connections are shown the new certificate; one that was there goes on to be answered."""
    with Upstream("first", host=own_address()) as first:
        world.put(tls_secret(world.authority.issue("one", "a.test")), service((80, "http")))
        world.put(endpoint_slice("shop-1", "http", first))
        assert {ack.state for ack in world.serve()} == {AckState.ACKED}
        eventually(lambda: world.shown() == "one")
        connection = http.client.HTTPConnection("a.test")
        connection.sock = world.connected()
        assert answered(connection) == 200
        world.put(tls_secret(world.authority.issue("two", "a.test")))
        eventually(lambda: world.shown() == "two", seconds=1)
        assert answered(connection) == 200
        connection.close()


def answered(connection: http.client.HTTPConnection) -> int:
    """Status of a request over a connection that stays."""
    connection.request("GET", "/", headers={"host": "a.test"})
    response = connection.getresponse()
    response.read()
    return response.status


def test_what_cannot_serve_leaves_the_one_before(world: World) -> None:
    """No certificate, another's key, an expired one, deleted: told each time, never sent, and mended by a good one."""
    good, other = world.authority.issue("one", "a.test"), world.authority.issue("other", "a.test")
    world.put(tls_secret(good))
    world.serve()
    eventually(lambda: world.shown() == "one")
    secret = f"Secret {world.namespace}/served"
    broken = {
        "the certificate is none in PEM": Pair(b"no certificate", good.key),
        "the key is not that of the certificate": Pair(other.certificate, good.key),
        "the certificate expired at": world.authority.issue("old", "a.test", days=-1),
    }
    for words, pair in broken.items():
        world.put(tls_secret(pair))
        eventually(lambda words=words: words in world.told.get(secret, ""), what=words)  # type: ignore[misc]
        assert "what was there before is served on" in world.told[secret]
        assert world.shown() == "one"
    world.api.admin.delete("Secret", "served", world.namespace)
    eventually(lambda: "is not there" in world.told[secret])
    assert world.shown() == "one"
    world.put(tls_secret(world.authority.issue("two", "a.test")))
    eventually(lambda: world.shown() == "two" and world.told[secret] == "")
    assert "PRIVATE" not in str(world.told)


def test_only_what_is_named_is_asked_for(world: World) -> None:
    """No other Secret is read, not even its name; a Role that names the one Secret is enough."""
    world.put(tls_secret(world.authority.issue("one", "a.test")), tls_secret(world.authority.issue("x"), "another"))
    world.serve()
    eventually(lambda: world.shown() == "one")
    uris = [event["requestURI"] for event in world.api.events_of(world.user) if "secrets" in event["requestURI"]]
    assert uris
    assert all("fieldSelector=metadata.name%3Dserved" in uri for uri in uris)
    verbs = {verb for verb, _, _, _ in world.api.requests_of(world.user)}
    assert verbs == {"list", "watch"}


def test_what_may_not_be_read_is_told(world: World, api: ApiServer) -> None:
    """Without the right to a Secret its host is not served, and the words say which right is missing."""
    namespace = api.admin.create_namespace()
    try:
        moved = compiled_elsewhere(world, namespace)
        acks = world.target.apply(moved)
        assert {ack.state for ack in acks} >= {AckState.ACKED}
        told = world.told[f"Secret {namespace}/served"]
        assert "list" in told
        assert "secrets" in told
    finally:
        api.admin.remove_namespace(namespace)


def compiled_elsewhere(world: World, namespace: str) -> Snapshot:
    """The same documents about a namespace that nothing was granted in."""
    text = documents(namespace, world.http, world.https)
    render = RenderOptions(endpoints=EndpointSource.DNS, secrets=SecretSource.KUBERNETES, access_log_path="")
    source = SourceSnapshot(None, None, (SourceFile("a.yaml", "", text.encode()),))
    options = Options(render=render)
    return compile_routes(source, load_source(source, options), options, NOTHING.resources).snapshot
