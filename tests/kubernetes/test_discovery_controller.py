"""The whole controller with endpoints and Secrets of a real API server: what it serves, and where no key ever is."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from reconciler.apply.envoy_process import EnvoyProcess
from reconciler.envoy import XdsTls, secret_files, xds_bootstrap
from tests.support.authority import Authority, Pair, mount_files, secret_data
from tests.support.command import Controller, Desk
from tests.support.discovery import documents, own_address
from tests.support.envoys import envoy_path
from tests.support.kubernetes import ApiServer, Document
from tests.support.ports import reserve_port
from tests.support.repositories import Repository
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually
from tests.support.xds_world import Load, get

_RIGHTS = (
    {"apiGroups": [""], "resources": ["services"], "verbs": ["list", "watch"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch"]},
)


@dataclass
class World:
    """A controller that speaks mutual TLS with its Envoy, beside an API server."""

    api: ApiServer
    namespace: str
    desk: Desk
    repository: Repository
    flags: tuple[object, ...]
    envoy: EnvoyProcess
    http: int
    https: int
    pair: Pair

    def commit(self, prefix: str) -> str:
        """Documents that name the Service and the Secret."""
        return self.repository.commit({"all.yaml": documents(self.namespace, self.http, self.https, prefix)})

    @contextmanager
    def controller(self) -> Iterator[Controller]:
        """It runs."""
        with self.desk.controller(self.repository.path, *self.flags) as controller:
            yield controller


def put_shop(api: ApiServer, namespace: str, upstream: Upstream, pair: Pair) -> None:
    """A Service with one endpoint, and the Secret of its host."""
    documents: list[Document] = [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "shop"}, "spec": {"ports": [{"port": 80}]}},
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "shop-1", "labels": {"kubernetes.io/service-name": "shop"}},
            "addressType": "IPv4",
            "ports": [{"name": "", "port": upstream.port, "protocol": "TCP"}],
            "endpoints": [{"addresses": [upstream.host]}],
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"name": "served"},
            "data": {
                "tls.crt": b64encode(pair.certificate).decode(),
                "tls.key": b64encode(pair.key).decode(),
            },
        },
    ]
    api.admin.apply(*documents, namespace=namespace, force=True)


@pytest.fixture
def world(api: ApiServer, namespace: str, tmp_path: Path) -> Iterator[World]:
    """Certificates, rights, an upstream and an Envoy; the test starts the controller."""
    user = api.admin.service_account(namespace, "reconciler")
    api.admin.grant(user, *_RIGHTS, namespace=namespace)
    config = api.kubeconfig(tmp_path / "kubeconfig", user, namespace=namespace)
    authority, pair = Authority(), Authority().issue("served", "a.test")
    server = secret_data(authority.issue("server", "127.0.0.1"), authority.certificate)
    mount_files(tmp_path / "server", server)
    mount_files(tmp_path / "client", secret_data(authority.issue("client", "envoy.edge"), authority.certificate))
    xds = f"127.0.0.1:{reserve_port()}"
    flags = (
        *("--target", "xds", "--xds-address", xds, "--interval", "200ms", "--access-log", "", "--log-format", "json"),
        *("--xds-cert-file", tmp_path / "server/tls.crt", "--xds-key-file", tmp_path / "server/tls.key"),
        *("--xds-client-ca-file", tmp_path / "server/ca.crt", "--xds-client-name", "envoy.edge"),
        *("--endpoints", "kubernetes", "--secrets", "kubernetes", "--kubeconfig", config),
    )
    tls = XdsTls(tmp_path / "client", tmp_path)
    for name, content in secret_files(tls).items():
        (tmp_path / name).write_bytes(content)
    with ExitStack() as stack:
        upstream = stack.enter_context(Upstream("shop", host=own_address()))
        put_shop(api, namespace, upstream, pair)
        envoy = EnvoyProcess(envoy_path(), xds_bootstrap(xds, tls=tls), tmp_path / "envoy")
        stack.callback(envoy.stop)
        envoy.start(wait=False)
        desk, repository = Desk(tmp_path), Repository.create(tmp_path / "repository")
        yield World(api, namespace, desk, repository, flags, envoy, reserve_port(), reserve_port(), pair)


def test_no_key_is_anywhere_but_in_envoy(world: World) -> None:
    """Not in the state directory, a log, the journal, metrics or what is printed; not in any encoding of it."""
    commit = world.commit("/")
    with world.controller() as controller:
        controller.await_decision("Applied", commit)
        eventually(lambda: get(world.http, host="a.test")[0] == 200)
        said = controller.ask("/metrics")
        shown = world.desk.run("audit", "show", commit, "--state", world.desk.state)
        rendered = world.desk.run("render", world.repository.path, "--secrets", "kubernetes", "--output", "json")
        assert controller.end() == 0
    assert said is not None
    assert "certificate/secret" in rendered.out
    kept = [path.read_bytes() for path in world.desk.state.rglob("*") if path.is_file()]
    assert len(kept) > 3
    everything = b"".join(
        [*kept, controller.text.encode(), repr(said).encode(), shown.text.encode(), rendered.out.encode()]
    )
    for spelling in spellings(world.pair.key):
        assert spelling not in everything


def spellings(key: bytes) -> list[bytes]:
    """How a key may look like: as PEM, a line of it, in base64 as the API has it, and as bytes."""
    private = load_pem_private_key(key, None)
    binary = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return [key, key.splitlines()[1], b64encode(key)[:64], binary, binary[36:68]]


def test_a_restart_takes_nothing_away(world: World) -> None:
    """Requests go on while the controller is down and while it comes back; then changes are served again."""
    first = world.commit("/")
    with world.controller() as controller:
        controller.await_decision("Applied", first)
        eventually(lambda: get(world.http, host="a.test")[0] == 200)
        with Load(world.http, host="a.test") as load:
            assert controller.end() == 0
            second = world.commit("/other/")
            with world.controller() as again:
                again.await_decision("Applied", second)
                failed = load.answers
                eventually(lambda: get(world.http, "/other/", host="a.test")[0] == 200)
                assert again.end() == 0
    assert {status for status, _ in failed} <= {200, 404}  # 404 since its prefix is another


def test_a_change_of_endpoints_is_no_reconcile(world: World) -> None:
    """It is served at once, and neither the log nor the journal has more than before."""
    commit = world.commit("/")
    with world.controller() as controller, Upstream("next", host=own_address()) as following:
        controller.await_decision("Applied", commit)
        eventually(lambda: get(world.http, host="a.test")[0] == 200)
        before = len(controller.decisions())
        put_shop(world.api, world.namespace, following, world.pair)
        eventually(lambda: '"next"' in get(world.http, host="a.test")[1], seconds=5)
        assert len(controller.decisions()) == before
        assert controller.end() == 0
