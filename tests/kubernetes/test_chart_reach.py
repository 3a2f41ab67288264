"""What documents reach of a release that the chart has installed: neither its keys nor its configuration."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from reconciler.cli.main import cli
from tests.support.kubernetes import Document
from tests.support.release import made, named, settings_of

pytestmark = pytest.mark.usefixtures("helm")


def mapping(service: str) -> str:
    """A Mapping with this service."""
    spec = {"hostname": "a.test", "prefix": "/", "service": service}
    return yaml.safe_dump({"kind": "Mapping", "metadata": {"name": "a", "namespace": "shop"}, "spec": spec})


def context(**fields: str) -> str:
    """A TLSContext with these fields."""
    spec = {"hosts": ["a.test"], **fields}
    return yaml.safe_dump({"kind": "TLSContext", "metadata": {"name": "a", "namespace": "shop"}, "spec": spec})


def certificate(directory: str) -> str:
    """A TLSContext with the files of a directory."""
    return context(cert_chain_file=f"{directory}/tls.crt", private_key_file=f"{directory}/tls.key")


def complaints(documents: list[Document], directory: Path, written: str) -> str:
    """What the controller says of a document, with the settings that the chart gives it."""
    routes, file = directory / "routes", directory / "settings.yaml"
    routes.mkdir()
    (routes / "a.yaml").write_text(f"apiVersion: getambassador.io/v3alpha1\n{written}")
    file.write_text(yaml.safe_dump(settings_of(documents) | {"envoy": "off"}))
    return CliRunner().invoke(cli, ["validate", str(routes), "--config", str(file)]).output


_ASKED = "configMap.enabled=true,configMap.ackSeconds=100"
_SSH = "git.sshSecret=deploy-key"
_OWN = "tls.source=secret,tls.serverSecret=mine,tls.clientSecret=theirs"


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ("", certificate("/run/reconciler-xds")),
        ("", certificate("/var/run/reconciler-xds")),
        ("", certificate("/etc/envoy/secrets/../../../run/reconciler-xds")),
        ("settings.tls_files={/}", certificate("/run/reconciler-xds")),
        ("", certificate("/etc/envoy/secrets/shop/edge-reconciler-xds-client")),
        ("", certificate("/etc/certificates")),
        ("", context(secret="edge-reconciler-xds-client")),
        ("", context(secret="edge-reconciler-xds-server")),
        ("", context(secret="edge-reconciler-xds-ca")),
        ("", context(secret="edge-reconciler-xds-client.shop")),
        (_OWN, context(secret="theirs")),
        (_OWN, context(secret="mine")),
        (_SSH, context(secret="deploy-key")),
        ("settings.never_secrets={shop/other}", context(secret="edge-reconciler-xds-client")),
        ("settings.never_secrets={shop/other}", context(secret="other")),
        ("", mapping("https://edge-reconciler-xds:18000")),
        ("", mapping("https://edge-reconciler-xds.shop.svc.cluster.local:18000")),
        ("", mapping("edge-reconciler-0.edge-reconciler-xds:18000")),
        ("", mapping("edge-reconciler.shop:8081")),
        (_ASKED, mapping("edge-reconciler-envoy-probes:8002")),
        ("settings.never_services={other.shop}", mapping("edge-reconciler-xds:18000")),
        ("settings.never_services={other.shop}", mapping("other")),
        ("", mapping("127.0.0.1:8002")),
    ],
)
def test_no_document_reaches_what_the_release_keeps(values: str, written: str, tmp_path: Path) -> None:
    """Its own certificates, as files and as Secrets; configuration and metrics, by each of their names."""
    assert "not-allowed" in complaints(made(values), tmp_path, written)


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ("", certificate("/etc/envoy/secrets/shop/shop-tls")),
        ("", context(secret="shop-tls")),
        ("settings.tls_files={/etc/certificates}", certificate("/etc/certificates")),
        ("", mapping("shop")),
        ("", mapping("edge-reconciler-xds.games:18000")),
        ("settings.loopback=true", mapping("127.0.0.1:8002")),
        ("envoy.enabled=false,tls.source=off", context(secret="edge-reconciler-xds-client")),
    ],
)
def test_documents_reach_all_else(values: str, written: str, tmp_path: Path) -> None:
    """What is somebody else's is none of the chart's business."""
    assert "no problems" in complaints(made(values), tmp_path, written)


def test_envoys_have_their_keys_where_the_settings_say() -> None:
    """The directories that documents may name, and may not, are those of the Pods."""
    documents = made("envoy.tlsSecrets={shop-tls}")
    pod = named(documents, "Deployment", "edge-reconciler-envoy")["spec"]["template"]["spec"]
    places = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    settings = settings_of(documents)
    assert places["xds-tls"] == settings["xds_envoy_certs"]
    assert places["secret-shop-tls"] == f"{settings['tls_files'][0]}/shop/shop-tls"
    assert len(settings["tls_files"]) == 1
