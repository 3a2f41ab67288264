"""A real Envoy with a client certificate, and documents that would have the public ask the ADS server by it."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from envoy.service.discovery.v3.discovery_pb2 import DiscoveryRequest, DiscoveryResponse

from reconciler.apply import ServerTls, XdsTarget
from reconciler.apply.envoy_process import EnvoyProcess
from reconciler.compile import NOTHING, Compiled, Options, compile_routes, load_source
from reconciler.envoy import (
    RenderOptions,
    SecretContent,
    SecretSource,
    XdsTls,
    live_secret,
    secret_files,
    xds_bootstrap,
)
from reconciler.model.limits import DEFAULT_LIMITS
from reconciler.model.machine import MachineAccess
from reconciler.model.problem import Code
from reconciler.model.snapshot import TypeUrl
from reconciler.model.source import SourceFile, SourceSnapshot
from reconciler.model.tls import SecretRef
from tests.support.authority import Authority, mount_files, secret_data
from tests.support.envoys import envoy_path
from tests.support.ports import reserve_port
from tests.support.waiting import eventually
from tests.support.xds_world import get

_SERVED = "certificate/secret/default/served"
_METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"
_PATIENCE_S = 10.0
_GOOD = """
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {{name: http}}
spec: {{port: {port}, protocol: HTTP, securityModel: XFP, hostBinding: {{namespace: {{from: ALL}}}}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {{name: https}}
spec: {{port: {https}, protocol: HTTPS, securityModel: XFP, hostBinding: {{namespace: {{from: ALL}}}}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {{name: keys}}
spec: {{hostname: keys.test, tlsSecret: {{name: served}}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {{name: open}}
spec: {{hostname: open.test, requestPolicy: {{insecure: {{action: Route}}}}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {{name: there}}
spec: {{hostname: "*", prefix: /there/, service: there.test, host_redirect: true}}
"""
_EVIL = """
---
apiVersion: getambassador.io/v3alpha1
kind: TLSContext
metadata: {{name: stolen}}
spec:
  cert_chain_file: {own}/tls.crt
  private_key_file: {own}/tls.key
  cacert_chain_file: {own}/ca.crt
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {{name: ask}}
spec:
  hostname: open.test
  prefix: /envoy.service.discovery.v3.AggregatedDiscoveryService/
  rewrite: /envoy.service.discovery.v3.AggregatedDiscoveryService/
  grpc: true
  timeout_ms: 0
  service: https://127.0.0.1:{xds}
  tls: stolen
"""


@dataclass
class World:
    """An Envoy that the ADS server lets in by its name, with a key that is served to it."""

    target: XdsTarget
    own: Path
    port: int
    https: int
    key: bytes

    def compiled(self, machine: MachineAccess) -> Compiled:
        """All documents, those of somebody evil among them."""
        options = Options(
            limits=replace(DEFAULT_LIMITS, machine=machine),
            render=RenderOptions(secrets=SecretSource.KUBERNETES, access_log_path=""),
        )
        text = (_GOOD + _EVIL).format(port=self.port, https=self.https, own=self.own, xds=self.target.port)
        source = SourceSnapshot(None, None, (SourceFile("a.yaml", "", text.encode()),))
        return compile_routes(source, load_source(source, options), options, NOTHING.resources)

    def asked(self) -> tuple[grpc.StatusCode, bytes]:
        """What the public gets that asks for the key through Envoy: how it ends, and what came before."""
        asking = DiscoveryRequest(type_url=TypeUrl.SECRET.value, resource_names=[_SERVED])
        asking.node.id = asking.node.cluster = "evil"
        with grpc.insecure_channel(f"127.0.0.1:{self.port}", [("grpc.default_authority", "open.test")]) as channel:
            ask = channel.stream_stream(
                _METHOD,
                request_serializer=DiscoveryRequest.SerializeToString,
                response_deserializer=DiscoveryResponse.FromString,
            )
            answers = ask(iter([asking]), timeout=_PATIENCE_S)
            try:
                return grpc.StatusCode.OK, next(iter(answers)).SerializeToString()
            except grpc.RpcError as error:
                return error.code(), b""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Mutual TLS with names on both sides, as it should be."""
    authority = Authority()
    mount_files(tmp_path / "server", secret_data(authority.issue("xds", "127.0.0.1"), authority.certificate))
    own = tmp_path / "own"
    mount_files(own, secret_data(authority.issue("envoy", "envoy.edge"), authority.certificate))
    chain, key, trusted = (tmp_path / "server" / name for name in ("tls.crt", "tls.key", "ca.crt"))
    with ExitStack() as stack:
        target = XdsTarget("127.0.0.1:0", 20.0, tls=ServerTls(chain, key, trusted, ("envoy.edge",)))
        stack.callback(target.close)
        target.serve_keys(lambda _: None)
        pair = Authority().issue("served", "keys.test")
        content = SecretContent({"tls.crt": pair.certificate, "tls.key": pair.key})
        live = live_secret(_SERVED, {SecretRef("default", "served"): content}, "tls.crt", datetime.now(UTC))
        target.live.put(TypeUrl.SECRET, {_SERVED: live})
        tls = XdsTls(own, tmp_path)
        for name, text in secret_files(tls).items():
            (tmp_path / name).write_bytes(text)
        envoy = EnvoyProcess(envoy_path(), xds_bootstrap(f"127.0.0.1:{target.port}", tls=tls), tmp_path / "envoy")
        stack.callback(envoy.stop)
        envoy.start(wait=False)
        eventually(target.nodes, what="the Envoy has connected")
        yield World(target, own, reserve_port(), reserve_port(), pair.key)


def test_the_public_gets_no_key_through_envoy(world: World) -> None:
    """Each bound alone closes the way; without any the key is there for the asking, which shows that it is one."""
    world.target.apply(world.compiled(MachineAccess()).snapshot)
    eventually(lambda: world.asked()[0] is grpc.StatusCode.OK, what="the way is open")
    assert world.key in world.asked()[1]
    bounds = [
        MachineAccess(never_files=(str(world.own),)),
        MachineAccess(never_services=(f"127.0.0.1:{world.target.port}",)),
        MachineAccess(own_ports=(world.target.port,)),
        MachineAccess(loopback=False),
    ]
    for machine in bounds:
        compiled = world.compiled(machine)
        assert {problem.code for problem in compiled.problems} >= {Code.NOT_ALLOWED}
        world.target.apply(compiled.snapshot)
        assert get(world.port, "/there/", host="open.test")[0] == 301
        eventually(lambda: world.asked() == (grpc.StatusCode.UNIMPLEMENTED, b""), what="the way is closed")
