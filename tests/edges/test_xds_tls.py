"""The ADS server over TLS, and real Envoys: who may come in, and certificates that are renewed."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.apply import ServerTls, XdsTarget
from reconciler.apply.envoy_process import EnvoyProcess
from reconciler.envoy import XdsTls, secret_files, xds_bootstrap
from reconciler.model.errors import Stalled
from reconciler.model.snapshot import Snapshot
from tests.support.authority import Authority, mount_files, secret_data
from tests.support.envoys import envoy_path, only_port
from tests.support.waiting import eventually
from tests.support.xds_world import cluster, get, listener, routes, snapshot

_OURS = "spiffe://cluster.local/ns/edge/sa/envoy"


def simple(answer: str) -> Snapshot:
    """One route that answers directly."""
    return snapshot([cluster("c", 9)], [listener("web", "web")], [routes("web", {"/": f"={answer}"})])


@dataclass
class World:
    """A server with a certificate for 127.0.0.1, and Envoys with certificates of their own."""

    folder: Path
    stack: ExitStack
    authority: Authority
    told: list[str]
    target: XdsTarget

    def envoy(self, node: str, authority: Authority, name: str, *, delta: bool = True) -> EnvoyProcess:
        """A real Envoy whose certificate an authority signed for a name."""
        tls = XdsTls(self.folder / node / "certificates", self.folder / node)
        data = secret_data(authority.issue(node, name), self.authority.certificate)
        mount_files(self.folder / node / "certificates", data)
        for file, content in secret_files(tls).items():
            (self.folder / node / file).write_bytes(content)
        bootstrap = xds_bootstrap(f"127.0.0.1:{self.target.port}", node_id=node, delta=delta, tls=tls)
        process = EnvoyProcess(envoy_path(), bootstrap, self.folder / node / "envoy")
        self.stack.callback(process.stop)
        process.start(wait=False)
        return process

    def renew(self, data: dict[str, bytes]) -> None:
        """Other files for the server."""
        mount_files(self.folder / "server", data)

    def shown(self) -> str:
        """Common name of the certificate that the server shows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(cadata=self.authority.certificate.decode())
        return _common_name(context, self.target.port)


def _common_name(context: ssl.SSLContext, port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), 5) as plain, context.wrap_socket(plain) as connection:
        certificate = connection.getpeercert() or {}
        return str(dict(pair[0] for pair in certificate["subject"])["commonName"])  # type: ignore[misc] # of typeshed


Start = Callable[..., World]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a server; its certificate is called ``first``."""
    with ExitStack() as stack:

        def begin(*, clients: bool, names: tuple[str, ...] = ()) -> World:
            authority = Authority()
            data = secret_data(authority.issue("first", "127.0.0.1"), authority.certificate)
            directory, told = tmp_path / "server", list[str]()
            mount_files(directory, data)
            trusted = directory / "ca.crt" if clients else None
            tls = ServerTls(directory / "tls.crt", directory / "tls.key", trusted, names)
            target = XdsTarget("127.0.0.1:0", 20.0, tls=tls, tell=told.append)
            stack.callback(target.close)
            return World(tmp_path, stack, authority, told, target)

        yield begin


def served(envoy: EnvoyProcess, answer: str) -> bool:
    """Whether an Envoy has its routes."""
    return get(only_port(envoy)) == (200, answer)


@pytest.mark.parametrize("delta", [True, False])
def test_envoys_are_served_over_tls(start: Start, *, delta: bool) -> None:
    """An Envoy that was told whom to trust is served, in both protocols."""
    world = start(clients=False)
    envoy = world.envoy("edge", world.authority, "edge", delta=delta)
    eventually(world.target.nodes, what="the Envoy has connected")
    world.target.apply(simple("one"))
    eventually(lambda: served(envoy, "one"))


def test_only_clients_of_the_authority_come_in(start: Start) -> None:
    """An Envoy with a certificate of somebody else is turned away; one of ours is served."""
    world = start(clients=True)
    world.target.serve(simple("one"))
    stranger = world.envoy("stranger", Authority("another"), _OURS)
    ours = world.envoy("ours", world.authority, _OURS)
    eventually(lambda: served(ours, "one"))
    eventually(lambda: counted(stranger, "upstream_cx_destroy") >= 2, what="it was turned away more than once")
    assert [node.node for node in world.target.nodes()] == ["ours"]
    assert only_port(stranger) == 0


def counted(envoy: EnvoyProcess, what: str) -> int:
    """A counter of an Envoy about the cluster of its server."""
    lines = envoy.admin(f"/stats?filter=^cluster.reconciler_xds.{what}$").splitlines()
    return int(lines[0].rpartition(": ")[2]) if lines else 0


def test_only_the_names_that_are_allowed_come_in(start: Start) -> None:
    """With names, it is not enough that the authority signed."""
    world = start(clients=True, names=(_OURS,))
    world.target.serve(simple("one"))
    other = world.envoy("other", world.authority, "spiffe://cluster.local/ns/team/sa/default")
    ours = world.envoy("ours", world.authority, _OURS)
    eventually(lambda: served(ours, "one"))
    eventually(lambda: counted(other, "upstream_rq_total") >= 2, what="it was turned away more than once")
    assert [node.node for node in world.target.nodes()] == ["ours"]
    assert only_port(other) == 0


def test_renewed_certificates_are_shown_and_streams_stay(start: Start) -> None:
    """The server shows a renewed certificate to the next that comes, and nobody's stream ends."""
    world = start(clients=True)
    envoy = world.envoy("edge", world.authority, _OURS)
    eventually(world.target.nodes, what="the Envoy has connected")
    world.target.apply(simple("one"))
    since = world.target.nodes()[0].connected_since
    assert world.shown() == "first"
    world.renew(secret_data(world.authority.issue("second", "127.0.0.1"), world.authority.certificate))
    assert world.shown() == "second"
    world.target.apply(simple("two"))
    eventually(lambda: served(envoy, "two"))
    assert [node.connected_since for node in world.target.nodes()] == [since]
    assert world.told == []


def test_an_unusable_renewal_changes_nothing_and_is_told_once(start: Start) -> None:
    """Half a renewal, or rubbish, leaves the certificate as it was; the next good one is taken."""
    world = start(clients=False)
    good, other = (world.authority.issue(name, "127.0.0.1") for name in ("second", "third"))
    half = {"tls.crt": good.certificate, "tls.key": other.key, "ca.crt": world.authority.certificate}
    world.renew(half)
    assert [world.shown(), world.shown()] == ["first", "first"]
    assert world.told == ["the key is not that of the certificate"]
    world.renew(half | {"tls.key": b"rubbish"})
    assert world.shown() == "first"
    world.renew(secret_data(good, world.authority.certificate))
    assert world.shown() == "second"
    assert world.told[1:] == ["the key is no private key in PEM", ""]


def test_an_envoy_shows_its_renewed_certificate(start: Start) -> None:
    """An Envoy reads its certificate anew without a restart: with the renewed one it is let in."""
    world = start(clients=True)
    world.target.serve(simple("one"))
    envoy = world.envoy("edge", Authority("retired"), _OURS)
    eventually(lambda: counted(envoy, "upstream_cx_destroy") >= 1, what="its first certificate is not enough")
    data = secret_data(world.authority.issue("edge", _OURS), world.authority.certificate)
    mount_files(world.folder / "edge" / "certificates", data)
    eventually(lambda: served(envoy, "one"), what="it shows the renewed one")


def test_beyond_this_machine_only_with_tls_or_on_request() -> None:
    """Clear text for others is refused, unless it is asked for."""
    with pytest.raises(Stalled, match="clear text"):
        XdsTarget("0.0.0.0:0")
    XdsTarget("0.0.0.0:0", insecure=True).close()
    XdsTarget("localhost:0").close()


def test_a_certificate_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    """The message names the file, or what is wrong with it."""
    expired = Authority().issue("old", "127.0.0.1", days=-1)
    files = {"tls.crt": expired.certificate, "tls.key": expired.key}
    mount_files(tmp_path, files)
    with pytest.raises(Stalled, match="expired at"):
        XdsTarget("127.0.0.1:0", tls=ServerTls(tmp_path / "tls.crt", tmp_path / "tls.key"))
    with pytest.raises(Stalled, match=r"none\.key"):
        XdsTarget("127.0.0.1:0", tls=ServerTls(tmp_path / "tls.crt", tmp_path / "none.key"))
