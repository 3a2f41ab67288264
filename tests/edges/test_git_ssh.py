"""Over ssh, from a real sshd."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.model.errors import Stalled, Transient
from reconciler.sources import GitSettings, GitSource, SshAuth
from tests.support.git_servers import SshServer, make_key, ssh_server
from tests.support.repositories import Repository, digests_of_text


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository.create(tmp_path / "routes")
    made.commit({"a.yaml": "a"})
    return made


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    scratch = tmp_path / "sshd"
    scratch.mkdir()
    with ssh_server(scratch) as running:
        yield running


def _source(server: SshServer, repository: Repository, key: Path, known_hosts: Path) -> GitSource:
    auth = SshAuth(key, known_hosts)
    url = f"{server.url}{repository.path}"
    return GitSource(GitSettings(url=url, clone_dir=server.scratch / "state", ssh=auth), digests_of_text)


def test_deploy_key_gets_in(server: SshServer, repository: Repository) -> None:
    """A deploy key and a pinned host key are all that is needed, and changes are fetched."""
    source = _source(server, repository, server.key_file, server.known_hosts)
    first = source.fetch(None)
    assert [file.content for file in first.files] == [b"a"]
    repository.commit({"a.yaml": "b"})
    assert [file.content for file in source.fetch(first.revision).files] == [b"b"]
    assert source.describe == f"ssh://127.0.0.1:{server.port}{repository.path}"


def test_files_with_odd_paths_get_in(server: SshServer, repository: Repository, tmp_path: Path) -> None:
    """Spaces and per cent signs in the paths of key and known hosts mean themselves."""
    odd = tmp_path / "a b %h"
    odd.mkdir()
    key = (odd / "key").resolve()
    key.write_bytes(server.key_file.read_bytes())
    key.chmod(0o600)
    hosts = odd / "hosts"
    hosts.write_bytes(server.known_hosts.read_bytes())
    assert _source(server, repository, key, hosts).fetch(None).files


def test_wrong_key_stalls(server: SshServer, repository: Repository, tmp_path: Path) -> None:
    """A key the server does not know is for a person to repair."""
    stranger = make_key(tmp_path / "stranger")
    with pytest.raises(Stalled) as caught:
        _source(server, repository, stranger, server.known_hosts).fetch(None)
    assert caught.value.reason == "GitAuthenticationFailed"


@pytest.mark.parametrize("pinned", ["another key", "nothing"])
def test_host_key_that_is_not_pinned_stalls(
    server: SshServer, repository: Repository, tmp_path: Path, pinned: str
) -> None:
    """A changed host key, and one nobody vouched for, are refused; nothing is added to the file."""
    hosts = tmp_path / "hosts"
    other = make_key(tmp_path / "other").with_suffix(".pub").read_text()
    hosts.write_text(f"[127.0.0.1]:{server.port} {other}" if pinned == "another key" else "")
    before = hosts.read_bytes()
    with pytest.raises(Stalled) as caught:
        _source(server, repository, server.key_file, hosts).fetch(None)
    assert caught.value.reason == "GitHostKeyMismatch"
    assert hosts.read_bytes() == before


def test_no_agent_and_no_user_configuration_is_used(
    server: SshServer, repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An inherited ssh command or agent is not asked."""
    monkeypatch.setenv("GIT_SSH_COMMAND", "false")
    monkeypatch.setenv("GIT_SSH", "false")
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "nobody"))
    assert _source(server, repository, server.key_file, server.known_hosts).fetch(None).files


def test_missing_repository_stalls(server: SshServer, repository: Repository) -> None:
    """A path without a repository is reported as such."""
    absent = Repository(repository.path / "absent")
    with pytest.raises(Stalled) as caught:
        _source(server, absent, server.key_file, server.known_hosts).fetch(None)
    assert caught.value.reason == "GitRepositoryNotFound"


def test_stopped_server_is_transient(repository: Repository, tmp_path: Path) -> None:
    """A server that is gone is passing trouble."""
    with ssh_server(tmp_path) as server:
        source = _source(server, repository, server.key_file, server.known_hosts)
        source.fetch(None)
    with pytest.raises(Transient) as caught:
        source.fetch(None)
    assert caught.value.reason == "GitUnreachable"
