"""Renewed certificates: Envoy shows them without a restart and without a change of ours."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from reconciler.apply import FilesTarget, XdsTarget
from reconciler.apply.envoy_binary import EnvoyProcess
from reconciler.compile import NOTHING, Options, compile_routes, load_source
from reconciler.envoy import RenderOptions, files_bootstrap, static_bootstrap, xds_bootstrap
from reconciler.model.effect import AckState
from reconciler.model.files import FilesFormat
from reconciler.model.snapshot import EMPTY_SNAPSHOT, Snapshot, TypeUrl
from reconciler.model.source import SourceFile, SourceSnapshot
from tests.support.certificates import server_side
from tests.support.envoys import envoy_path
from tests.support.ports import reserve_port
from tests.support.secrets import mount
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually

_DOCUMENTS = """
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
kind: TLSContext
metadata: {{name: upstream}}
spec: {{ca_secret: trusted.other, secret: served}}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {{name: m}}
spec: {{hostname: a.test, prefix: /, service: up.test, tls: upstream}}
"""


class World:
    """Secrets on Envoy's machine, an upstream over TLS, and the snapshot that names them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        mount(folder / "secrets/default/served", "first", "DNS:a.test")
        mount(folder / "secrets/other/trusted", "trusted-first", "DNS:up.test")
        both = folder / "up.pem"
        both.write_bytes(self._trusted("tls.key") + self._trusted("tls.crt"))
        self.upstream = server_side(both)
        address = stack.enter_context(Upstream("up", self.upstream)).address
        self.port = reserve_port()
        self.options = RenderOptions(
            service_addresses={"*": address}, secrets_path=str(folder / "secrets"), access_log_path=""
        )
        text = _DOCUMENTS.format(port=self.port).encode()
        source = SourceSnapshot(None, None, (SourceFile("a.yaml", "", text),))
        options = Options(render=self.options)
        compiled = compile_routes(source, load_source(source, options), options, NOTHING.resources)
        assert not compiled.problems
        self.snapshot: Snapshot = compiled.snapshot

    def _trusted(self, key: str) -> bytes:
        return (self.folder / "secrets/other/trusted" / key).read_bytes()

    def renew(self) -> None:
        """New certificates, as cert-manager and the kubelet bring them: ours, and the one upstreams must show."""
        mount(self.folder / "secrets/default/served", "second", "DNS:a.test")
        mount(self.folder / "secrets/other/trusted", "trusted-second", "DNS:up.test")
        both = self.folder / "up2.pem"
        both.write_bytes(self._trusted("tls.key") + self._trusted("tls.crt"))
        self.upstream.load_cert_chain(both)

    def shown(self) -> str:
        """The certificate a new connection is shown, and how a request over it is answered."""
        served = self.folder / "secrets/default/served"
        try:
            context = ssl.create_default_context(cafile=served / "tls.crt")
            with (
                socket.create_connection(("127.0.0.1", self.port), 5) as plain,
                context.wrap_socket(plain, server_hostname="a.test") as connection,
            ):
                connection.sendall(b"GET / HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n")
                certificate = connection.getpeercert() or {}
                status = connection.makefile("rb").readline().split()[1].decode()
        except (OSError, IndexError) as error:
            return f"{type(error).__name__}"
        return f"{dict(pair[0] for pair in certificate['subject'])['commonName']} {status}"  # type: ignore[misc] # of typeshed


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What is closed when the test is over."""
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("delta", [True, False])
def test_over_xds(tmp_path: Path, stack: ExitStack, *, delta: bool) -> None:
    """Over ADS, in both protocols, Envoy asks for the secrets, acknowledges them and notices renewed files."""
    world = World(tmp_path, stack)
    target = XdsTarget("127.0.0.1:0", 20.0)
    stack.callback(target.close)
    envoy = EnvoyProcess(envoy_path(), xds_bootstrap(f"127.0.0.1:{target.port}", delta=delta), tmp_path / "envoy")
    stack.callback(envoy.stop)
    envoy.start(wait=False)
    eventually(target.nodes, what="the Envoy has connected")
    acks = target.apply(world.snapshot)
    assert {ack.type_url: ack.state for ack in acks}[TypeUrl.SECRET] is AckState.ACKED
    _renewed_is_shown(world)


@pytest.mark.parametrize("form", list(FilesFormat))
def test_from_files(tmp_path: Path, stack: ExitStack, form: FilesFormat) -> None:
    """From a directory too; what is written there is read back as it was."""
    world = World(tmp_path, stack)
    target = FilesTarget(tmp_path / "served", form, settle_s=0)
    target.apply(world.snapshot)
    assert target.observe() == world.snapshot.digest
    envoy = EnvoyProcess(envoy_path(), files_bootstrap(tmp_path / "served", form), tmp_path / "envoy")
    stack.enter_context(envoy)
    _renewed_is_shown(world)


def test_static_is_read_once(tmp_path: Path, stack: ExitStack) -> None:
    """A configuration in one file serves the same, but shows a renewed certificate only after a restart."""
    world = World(tmp_path, stack)
    bootstrap = static_bootstrap(world.snapshot, world.options)
    with EnvoyProcess(envoy_path(), bootstrap, tmp_path / "envoy"):
        eventually(lambda: world.shown() == "first 200", what=world.shown())
        world.renew()
        assert world.shown() == "SSLCertVerificationError"
    with EnvoyProcess(envoy_path(), bootstrap, tmp_path / "envoy"):
        eventually(lambda: world.shown() == "second 200", what=world.shown())


def _renewed_is_shown(world: World) -> None:
    eventually(lambda: world.shown() == "first 200", what="the first certificates are used")
    world.renew()
    eventually(lambda: world.shown() == "second 200", what="the renewed certificates are used")


def test_missing_files_are_told(tmp_path: Path, stack: ExitStack) -> None:
    """An Envoy that lacks the files says so, whatever they are for; with them it takes the same snapshot."""
    world = World(tmp_path, stack)
    secrets, elsewhere = tmp_path / "secrets", tmp_path / "elsewhere"
    secrets.rename(elsewhere)
    target = XdsTarget("127.0.0.1:0", 20.0)
    stack.callback(target.close)
    envoy = EnvoyProcess(envoy_path(), xds_bootstrap(f"127.0.0.1:{target.port}"), tmp_path / "envoy")
    stack.callback(envoy.stop)
    envoy.start(wait=False)
    eventually(target.nodes, what="the Envoy has connected")
    rejected = [ack for ack in target.apply(world.snapshot) if ack.state is AckState.NACKED]
    assert [ack.type_url for ack in rejected] == [TypeUrl.SECRET]
    assert str(secrets) in rejected[0].detail
    elsewhere.rename(secrets)
    target.apply(EMPTY_SNAPSHOT)
    target.apply(world.snapshot)
    eventually(lambda: world.shown() == "first 200", what="the certificates are used")
