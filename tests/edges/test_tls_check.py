"""The check before an apply, where none of the certificates are."""

from pathlib import Path

import pytest

from reconciler.apply.envoy_binary import validate
from reconciler.envoy import RenderOptions, files_of, render, static_bootstrap
from reconciler.model.files import FilesFormat
from reconciler.model.match import ANY_HOST
from reconciler.model.ports import Stack
from reconciler.model.resource import SecurityModel
from reconciler.model.snapshot import Snapshot
from reconciler.model.table import Cluster, Listener, VirtualHost
from reconciler.model.tls import SecretRef, Termination, TlsParameters, UpstreamTls
from reconciler.model.upstream import ServiceAddress, Upstream
from tests.support.envoys import envoy_path
from tests.support.routing import rule, table

_OPTIONS = RenderOptions(secrets_path="/nowhere", upstream_ca_file="/nowhere/ca.crt", access_log_path="")
_SECRET = SecretRef("ns", "s")


def _snapshot(parameters: TlsParameters, *, udp: bool = False, upstream: bool = False) -> Snapshot:
    ending = Termination("Host ns/h", _SECRET, _SECRET, parameters=TlsParameters() if upstream else parameters)
    host = VirtualHost(ANY_HOST, (rule("a", "/", "up"),), None, ending)
    stack = Stack(tls=True, udp=udp)
    listener = Listener("https", "127.0.0.1", 8443, SecurityModel.XFP, (host,), stack=stack)
    tls = UpstreamTls(_SECRET, _SECRET, parameters=parameters if upstream else TlsParameters())
    cluster = Cluster("up", ServiceAddress("up.test", 443, tls=True), Upstream(tls=tls))
    return render(table([listener], cluster), _OPTIONS)


def _complaint(snapshot: Snapshot) -> str | None:
    bootstrap = static_bootstrap(snapshot, _OPTIONS, FilesFormat.PB, without_files=True)
    return validate(envoy_path(), bootstrap, form=FilesFormat.PB)


@pytest.mark.parametrize("udp", [False, True])
def test_files_are_not_missed(*, udp: bool) -> None:
    """Certificates that are elsewhere are no fault, over TCP and over UDP."""
    assert _complaint(_snapshot(TlsParameters(ecdh_curves=("X25519",), alpn=("h2",)), udp=udp)) is None


@pytest.mark.parametrize("upstream", [False, True])
@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        (TlsParameters(cipher_suites=("NO-SUCH-CIPHER",)), "NO-SUCH-CIPHER"),
        (TlsParameters(ecdh_curves=("P-1",)), "P-1"),
    ],
)
def test_settings_are_checked(parameters: TlsParameters, word: str, *, upstream: bool) -> None:
    """What Envoy would refuse it refuses here, towards clients as towards upstreams."""
    assert word in (_complaint(_snapshot(parameters, upstream=upstream)) or "")


def test_files_are_told() -> None:
    """Which files Envoy needs is known without it."""
    directory = Path("/nowhere/ns/s")
    assert files_of(_snapshot(TlsParameters())) == {str(directory / "tls.crt"), str(directory / "tls.key")}
