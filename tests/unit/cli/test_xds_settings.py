"""Settings of the xDS server: what goes together, and the files of a bootstrap with TLS."""

import json
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner

from reconciler.apply import FilesTarget, ServerTls, XdsTarget
from reconciler.cli.main import cli
from reconciler.cli.stages import machine_access
from reconciler.cli.xds import discover, server_tls
from reconciler.model.errors import Stalled
from reconciler.settings import Settings, load


def settings(**values: object) -> Settings:
    """Settings as one would type them."""
    return load(values, {}, None).settings


def test_tls_needs_certificate_and_key() -> None:
    """Half of it is no TLS, and must not become clear text in silence."""
    assert server_tls(settings()) is None
    for half in ("xds_cert_file", "xds_key_file", "xds_client_ca_file"):
        with pytest.raises(Stalled, match="needs both"):
            server_tls(settings(**{half: "/x"}))
    whole = settings(xds_cert_file="/c", xds_key_file="/k", xds_client_ca_file="/a", xds_client_name=("one", "two"))
    assert server_tls(whole) == ServerTls(Path("/c"), Path("/k"), Path("/a"), ("one", "two"))
    with pytest.raises(Stalled, match="for certificates"):
        server_tls(settings(xds_cert_file="/c", xds_key_file="/k", xds_client_name=("one",)))


def test_what_is_kept_from_documents() -> None:
    """The certificate of Envoy's bootstrap, Secrets also as the files they are mounted as, and our ports beside it."""
    kept = {"xds_envoy_certs": "/run/own", "never_secrets": ("edge/xds",), "never_services": ("xds.edge:18000",)}
    access = machine_access(settings(**kept, target=("xds",), xds_address="0.0.0.0:18000"))
    assert access.never_files == ("/run/own", "/etc/envoy/secrets/edge/xds")
    assert (access.never_secrets, access.never_services) == (("edge/xds",), ("xds.edge:18000",))
    assert access.own_ports == ()
    assert machine_access(settings()).never_files == ()
    assert machine_access(settings(target=("xds",))).own_ports == (18000, 8081)
    assert machine_access(settings(target=("xds",), web_address="off", xds_address="[::1]:9")).own_ports == (9,)
    assert machine_access(settings(target=("none",))).own_ports == ()


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("never_secrets", "xds"),
        ("never_secrets", "Edge/xds"),
        ("never_secrets", "edge/xds/tls.key"),
        ("never_services", "xds"),
        ("never_services", "xds.edge.svc"),
        ("never_services", "xds.edge:port"),
        ("never_services", "xds.edge:70000"),
        ("never_services", "fd00::1"),
        ("never_services", "[10.0.0.1]"),
    ],
)
def test_what_is_kept_is_named_in_full(name: str, bad: str) -> None:
    """A name that would keep nothing is no setting."""
    for good in ("xds.edge", "xds.edge:18000", "10.0.0.1", "10.0.0.1:80", "[fd00::1]", "[fd00::1]:80"):
        assert settings(never_services=(good,)).never_services == (good,)
    with pytest.raises(Stalled, match=name):
        settings(**{name: (bad,)})


@pytest.mark.parametrize("what", ["endpoints", "secrets"])
def test_only_xds_can_serve_what_is_discovered(what: str, tmp_path: Path) -> None:
    """Another target would get names and nothing for them; and without a cluster there is nothing to watch."""
    xds, files = XdsTarget("127.0.0.1:0"), FilesTarget(tmp_path, settle_s=0)
    wanted = settings(**{what: "kubernetes"}, kubernetes="off")
    with ExitStack() as stack:
        stack.callback(xds.close)
        stack.callback(files.close)
        with pytest.raises(Stalled, match="another target"):
            discover(stack, wanted, (xds, files))
        with pytest.raises(Stalled, match="takes an API server"):
            discover(stack, wanted, (xds,))
        discover(stack, settings(), (xds, files))


def test_a_bootstrap_with_tls_is_three_files(tmp_path: Path) -> None:
    """Each names only files; printed alone it would lack two of them, so that is refused."""
    flags = ["render", "--stage", "bootstrap", "--target", "xds", "--xds-address", "reconciler:18000"]
    secure = [*flags, "--xds-envoy-certs", "/run/certs"]
    alone = CliRunner().invoke(cli, secure)
    assert isinstance(alone.exception, Stalled)
    assert "--into" in alone.exception.hint
    assert CliRunner().invoke(cli, [*secure, "--into", str(tmp_path)]).exit_code == 0
    files = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert sorted(files) == ["envoy.json", "xds-authorities.json", "xds-certificate.json"]
    assert "/run/certs/tls.key" in files["xds-certificate.json"]
    assert "/run/certs/ca.crt" in files["xds-authorities.json"]
    assert str(tmp_path / "xds-certificate.json") in files["envoy.json"]
    plain = CliRunner().invoke(cli, [*flags, "--output", "json"])
    assert "transport_socket" not in json.loads(plain.output)["static_resources"]["clusters"][0]


def test_a_static_bootstrap_is_complete_whatever_the_settings_say(tmp_path: Path) -> None:
    """Nobody feeds it: it asks DNS, and names files."""
    (tmp_path / "a.yaml").write_text(
        "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: a}\n"
        "spec: {hostname: '*', prefix: /, service: shop.team, resolver: kubernetes-endpoint}\n"
    )
    flags = [str(tmp_path), "--endpoints", "kubernetes", "--secrets", "kubernetes", "--output", "json"]
    static = CliRunner().invoke(cli, ["render", "--stage", "bootstrap", *flags])
    assert '"STRICT_DNS"' in static.stdout
    assert '"EDS"' in CliRunner().invoke(cli, ["render", *flags]).stdout
