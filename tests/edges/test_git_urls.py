"""Which addresses are accepted, and that secrets stay where they belong."""

import os
import traceback
from pathlib import Path

import pytest

from reconciler.model.errors import Stalled, Transient
from reconciler.sources import BasicAuth, GitSettings, GitSource, SshAuth
from reconciler.sources.git.remote import parse_remote
from tests.support.repositories import Repository, digests_of_text, local_source

SECRET = "s3cr3t-t0ken"


def _settings(url: str, folder: Path, **settings: object) -> GitSettings:
    return GitSettings(url=url, clone_dir=folder, **settings)  # type: ignore[arg-type] # each test names real settings


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ext::sh -c 'touch /tmp/owned'",
        "fd::17",
        "-oProxyCommand=touch /tmp/owned",
        "--upload-pack=touch",
        "ssh://-oProxyCommand=touch/x",
        "ssh://git@-oProxyCommand=x/y",
        "ssh://git:pw@host/x",
        "git@-host:x",
        "git@host:-x",
        "https://host/x\nhelper=evil",
        "https://host/x%0ahelper",
        "https://host\r/x",
        "https://host/",
        "https://ho st/x",
        "https://host:99999/x",
        "https://host/x?token=1",
        "https://host/x#y",
        "https:///x",
        "http://host/x",
        "git://host/x",
        "ftp://host/x",
        "file:///srv/x",
        "file://elsewhere/x",
        "/srv/x",
        "x::y",
    ],
)
def test_address_is_refused(url: str, tmp_path: Path) -> None:
    """Command transports, options in disguise, control characters, clear text and local paths are refused."""
    with pytest.raises(Stalled) as caught:
        parse_remote(_settings(url, tmp_path))
    assert caught.value.reason == "GitUrlRefused"


def test_local_path_is_read_only_where_allowed(tmp_path: Path) -> None:
    """The same path is refused without the setting, and read with it, also as a file:// URL."""
    repository = Repository.create(tmp_path / "with space")
    repository.commit({"a.yaml": "a"})
    with pytest.raises(Stalled, match="local path"):
        parse_remote(_settings(str(repository.path), tmp_path))
    assert local_source(repository.path, tmp_path / "one").fetch(None).files
    url = f"file://{tmp_path}/with%20space"
    source = GitSource(_settings(url, tmp_path / "two", allow_local=True), digests_of_text)
    assert source.fetch(None).files
    assert source.describe == str(repository.path)


def test_credentials_in_the_url_are_moved(tmp_path: Path) -> None:
    """User and password leave the URL before git or anybody else sees it."""
    remote = parse_remote(_settings(f"https://ann:{SECRET}%21@git.example/x.git", tmp_path))
    assert remote.url == remote.described == "https://git.example/x.git"
    assert remote.basic == BasicAuth(f"{SECRET}!", "ann")
    alone = parse_remote(_settings(f"https://{SECRET}@git.example/x.git", tmp_path))
    assert alone.basic is not None
    assert alone.basic.password == SECRET


def test_secrets_are_not_in_any_representation(tmp_path: Path) -> None:
    """Printing settings or a remote shows no secret."""
    settings = _settings(f"https://ann:{SECRET}@git.example/x.git", tmp_path, basic=BasicAuth(SECRET))
    assert SECRET not in repr(settings) + str(settings) + repr(parse_remote(settings))


@pytest.mark.parametrize("url", [f"https://a:{SECRET}@ho st/x", f"ssh://a:{SECRET}@host/x", f"https://h/x?t={SECRET}"])
def test_refusal_does_not_repeat_a_secret(url: str, tmp_path: Path) -> None:
    """A URL that is refused is not echoed."""
    with pytest.raises(Stalled) as caught:
        parse_remote(_settings(url, tmp_path))
    assert SECRET not in str(caught.value)


def test_ssh_needs_its_files(tmp_path: Path) -> None:
    """Without a key and known hosts, or with files that are not there, ssh is not even tried."""
    with pytest.raises(Stalled, match="deploy key"):
        parse_remote(_settings("git@host:x.git", tmp_path))
    auth = SshAuth(tmp_path / "key", tmp_path / "known_hosts")
    with pytest.raises(Stalled, match="no such file"):
        parse_remote(_settings("ssh://git@host/x.git", tmp_path, ssh=auth))


def test_nobody_answers(tmp_path: Path) -> None:
    """A closed port is passing trouble, and the message holds no secret."""
    url = f"https://ann:{SECRET}@127.0.0.1:1/x.git"
    with pytest.raises(Transient) as caught:
        GitSource(_settings(url, tmp_path / "state"), digests_of_text).fetch(None)
    assert caught.value.reason == "GitUnreachable"
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")
def test_repository_of_another_user_is_explained(tmp_path: Path) -> None:
    """Git trusts no repository of somebody else; the message says so and what helps."""
    repository = Repository.create(tmp_path / "origin")
    repository.commit({"a.yaml": "a"})
    for folder, _, files in os.walk(repository.path):
        for name in [".", *files]:
            os.chown(Path(folder) / name, 65534, 65534)
    with pytest.raises(Stalled, match="belongs to another user") as caught:
        local_source(repository.path, tmp_path / "state").fetch(None)
    assert caught.value.reason == "GitDubiousOwnership"


def test_inherited_settings_do_not_reach_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that would redirect or instrument git, as a hook that starts us would set them, are dropped."""
    repository = Repository.create(tmp_path / "origin")
    repository.commit({"a.yaml": "a"})
    trace = tmp_path / "trace"
    for name, value in {
        "GIT_DIR": "/nonexistent",
        "GIT_OBJECT_DIRECTORY": "/nonexistent",
        "GIT_TRACE": str(trace),
        "GIT_CONFIG_PARAMETERS": "'core.bare=maybe'",
        "GIT_SSH_COMMAND": "false",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    source = local_source(repository.path, tmp_path / "state")
    assert [file.path for file in source.fetch(None).files] == ["a.yaml"]
    assert not trace.exists()


def test_configuration_of_the_home_directory_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's own git configuration neither helps nor harms."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[core\nbroken")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    repository = Repository.create(tmp_path / "origin")
    repository.commit({"a.yaml": "a"})
    assert local_source(repository.path, tmp_path / "state").fetch(None).files
