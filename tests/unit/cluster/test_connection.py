"""Where the API server is and who asks: from a pod's service account or a kubeconfig."""

import json
import sys
from pathlib import Path

import pytest

from reconciler.cluster import ClusterSettings, connect
from reconciler.cluster.connection import address, chosen, load
from reconciler.model.errors import Stalled, Transient

POD = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
SECRET = "topsecret-token"


def account(directory: Path, token: str = SECRET) -> Path:
    """The directory of a service account."""
    directory.mkdir(exist_ok=True)
    (directory / "token").write_text(token)
    (directory / "ca.crt").write_text("a certificate")
    return directory


def kubeconfig(file: Path, user: dict[str, object], **cluster: object) -> ClusterSettings:
    """Settings for a kubeconfig of two contexts: `test`, the current one, and `other`."""
    document = {
        "current-context": "test",
        "contexts": [
            {"name": "test", "context": {"cluster": "here", "user": "me"}},
            {"name": "other", "context": {"cluster": "there", "user": "me"}},
        ],
        "clusters": [
            {"name": "here", "cluster": {"server": "https://here:6443", **cluster}},
            {"name": "there", "cluster": {"server": "https://there:6443"}},
        ],
        "users": [{"name": "me", "user": user}],
    }
    file.write_text(json.dumps(document))
    return ClusterSettings(kubeconfig=file)


def test_auto_takes_no_kubeconfig_that_just_lies_there(tmp_path: Path) -> None:
    """A laptop's current context is nobody's wish; a pod's service account and what is named are."""
    nothing = ClusterSettings(account=tmp_path / "none")
    in_pod = ClusterSettings(account=account(tmp_path / "account"))
    assert chosen(nothing, {}) == chosen(nothing, POD) == chosen(in_pod, {}) == "off"
    assert chosen(in_pod, POD) == "in-cluster"
    assert chosen(ClusterSettings(kubeconfig=tmp_path, account=in_pod.account), POD) == "kubeconfig"
    assert chosen(ClusterSettings(context="prod"), {}) == "kubeconfig"
    assert chosen(ClusterSettings(mode="off", context="prod"), POD) == "off"
    assert connect(ClusterSettings(mode="off")) is None


def test_a_pod_is_its_service_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Address from the variables, token and authority from the mounted files."""
    for name, value in POD.items():
        monkeypatch.setenv(name, value)
    settings = ClusterSettings(mode="in-cluster", account=account(tmp_path / "account"))
    configuration = load(settings)
    assert configuration.host == "https://10.0.0.1:443"
    assert configuration.ssl_ca_cert == str(tmp_path / "account" / "ca.crt")
    assert configuration.get_api_key_with_prefix("BearerToken") == f"bearer {SECRET}"


def test_outside_a_pod_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who demands it where it is not is told so."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(Stalled, match="no service account") as raised:
        connect(ClusterSettings(mode="in-cluster"))
    assert raised.value.reason == "ClusterConfigInvalid"


def test_contexts_can_be_chosen(tmp_path: Path) -> None:
    """The current one where none is named."""
    settings = kubeconfig(tmp_path / "config", {"token": SECRET})
    assert load(settings).host == "https://here:6443"
    assert load(ClusterSettings(kubeconfig=settings.kubeconfig, context="other")).host == "https://there:6443"
    with pytest.raises(Stalled, match="absent") as raised:
        load(ClusterSettings(kubeconfig=settings.kubeconfig, context="absent"))
    assert raised.value.reason == "ClusterConfigInvalid"


def test_what_a_kubeconfig_says_of_proxies_is_taken_and_settings_are_stronger(tmp_path: Path) -> None:
    """`tls-server-name`, `proxy-url` and the server itself."""
    cluster = {"tls-server-name": "kubernetes", "proxy-url": "http://user:pw@proxy:3128"}
    settings = kubeconfig(tmp_path / "config", {"token": SECRET}, **cluster)
    configuration = load(settings)
    assert (configuration.tls_server_name, configuration.proxy) == ("kubernetes", "http://user:pw@proxy:3128")
    mine = ClusterSettings(
        kubeconfig=settings.kubeconfig, server="https://name:p@lb/", tls_server_name="api", ca_file=tmp_path / "config"
    )
    configuration = load(mine)
    assert (configuration.host, configuration.tls_server_name) == ("https://name:p@lb", "api")
    assert configuration.ssl_ca_cert == str(tmp_path / "config")
    assert address(configuration.host) == "https://lb"


def test_a_token_file_is_read_and_a_plugin_is_run(tmp_path: Path) -> None:
    """Credentials come from where the kubeconfig says."""
    (tmp_path / "token").write_text("from-file")
    settings = kubeconfig(tmp_path / "config", {"tokenFile": "token"})
    assert load(settings).get_api_key_with_prefix("BearerToken") == "Bearer from-file"
    answer = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": "from-plugin"},
    }
    plugin: dict[str, object] = {"command": sys.executable, "args": ["-c", f"print({json.dumps(answer)!r})"]}
    plugin |= {"apiVersion": answer["apiVersion"], "interactiveMode": "Never"}
    settings = kubeconfig(tmp_path / "config", {"exec": plugin})
    assert load(settings).get_api_key_with_prefix("BearerToken") == "Bearer from-plugin"


@pytest.mark.parametrize("user", [{}, {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "/none"}}])
def test_who_has_no_credentials_does_not_ask_as_anonymous(tmp_path: Path, user: dict[str, object]) -> None:
    """A plugin that fails is named as the cause, not found out by a 403 for `system:anonymous`."""
    with pytest.raises(Transient) as raised:
        load(kubeconfig(tmp_path / "config", user))
    assert raised.value.reason == "ClusterCredentialsMissing"
    assert "https://here:6443" in raised.value.message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "just words",
        f"users: [{{token: {SECRET}",
        '{"current-context": "x"}',
        "contexts: 3",
        "\x00",
        "a: !!x b",
    ],
)
def test_a_broken_kubeconfig_is_told_without_its_content(tmp_path: Path, text: str) -> None:
    """The file holds secrets; only its name and what is wrong are said."""
    file = tmp_path / "config"
    file.write_text(text)
    with pytest.raises(Stalled) as raised:
        load(ClusterSettings(kubeconfig=file))
    assert raised.value.reason == "ClusterConfigInvalid"
    assert str(file) in raised.value.message
    assert SECRET not in str(raised.value)


def test_files_of_certificates_are_looked_for_at_once(tmp_path: Path) -> None:
    """A missing CA is told by name, not as a fault of TLS."""
    settings = kubeconfig(tmp_path / "config", {"token": SECRET})
    with pytest.raises(Stalled, match=r"none\.pem: can't be read"):
        load(ClusterSettings(kubeconfig=settings.kubeconfig, ca_file=tmp_path / "none.pem"))
