"""Over https, from a real git http-backend."""

import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from reconciler.model.errors import Stalled, Transient
from reconciler.sources import BasicAuth, GitSettings, GitSource, Ref
from tests.support.git_servers import HttpsServer, https_server
from tests.support.processes import adopting_orphans, await_gone, children
from tests.support.repositories import Repository, digests_of_text

TOKEN = "t0ken/with=odd+characters"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository.create(tmp_path / "root" / "routes.git")
    made.commit({"a.yaml": "a"})
    return made


@pytest.fixture
def server(repository: Repository, tmp_path: Path) -> Iterator[HttpsServer]:
    with https_server(repository.path.parent, tmp_path) as running:
        yield running


def _source(server: HttpsServer, tmp_path: Path, **settings: object) -> GitSource:
    values: dict[str, object] = {"url": f"{server.url}/routes.git", "ca_file": server.ca_file}
    return GitSource(
        GitSettings(clone_dir=tmp_path / "state", **(values | settings)),  # type: ignore[arg-type] # real settings
        digests_of_text,
    )


def _everything_written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.parametrize("login", ["x-access-token", "ann"])
def test_token_and_password_are_accepted(server: HttpsServer, tmp_path: Path, login: str) -> None:
    """A token with the default user name, and a user with a password, get in; neither is written to disk."""
    server.behaviour.login = f"{login}:{TOKEN}"
    source = _source(server, tmp_path, basic=BasicAuth(TOKEN, login))
    assert [file.content for file in source.fetch(None).files] == [b"a"]
    assert source.describe == f"{server.url}/routes.git"
    assert TOKEN.encode() not in _everything_written(tmp_path / "state")


def test_credentials_in_the_url_get_in(server: HttpsServer, tmp_path: Path) -> None:
    """A password in the URL works and is nowhere to be seen."""
    server.behaviour.login = "ann:pass word"
    url = server.url.replace("https://", "https://ann:pass%20word@") + "/routes.git"
    source = _source(server, tmp_path, url=url)
    assert source.fetch(None).files
    assert "pass" not in source.describe
    assert b"pass" not in _everything_written(tmp_path / "state")


def test_secret_is_on_no_command_line(server: HttpsServer, tmp_path: Path) -> None:
    """While git waits for the server, no process has the token among its arguments."""
    server.behaviour.login = f"x-access-token:{TOKEN}"
    lines: list[bytes] = []

    class Watching(list[str]):
        def append(self, path: str) -> None:
            super().append(path)
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    lines.append(process.read_bytes())
                except OSError:
                    continue

    server.behaviour.asked = Watching()
    _source(server, tmp_path, basic=BasicAuth(TOKEN)).fetch(None)
    assert any(b"ls-remote" in line for line in lines)
    assert not any(TOKEN.encode() in line for line in lines)


@pytest.mark.parametrize("basic", [None, BasicAuth("wrong-" + TOKEN), BasicAuth(TOKEN, "somebody")])
def test_wrong_credentials_stall_and_are_not_printed(
    server: HttpsServer, tmp_path: Path, basic: BasicAuth | None, capfd: pytest.CaptureFixture[str]
) -> None:
    """Refused credentials are for a person to repair, and neither message, traceback nor output holds them."""
    server.behaviour.login = f"ann:{TOKEN}"
    with pytest.raises(Stalled) as caught:
        _source(server, tmp_path, basic=basic).fetch(None)
    assert caught.value.reason == "GitAuthenticationFailed"
    printed = capfd.readouterr()
    everything = "".join(traceback.format_exception(caught.value)) + str(caught.value) + printed.out + printed.err
    assert TOKEN not in everything


def test_unknown_certificate_stalls(server: HttpsServer, tmp_path: Path) -> None:
    """Without the file of its authority a self-signed certificate is refused."""
    with pytest.raises(Stalled) as caught:
        _source(server, tmp_path, ca_file=None).fetch(None)
    assert caught.value.reason == "GitCertificateRefused"


def test_repository_that_is_not_there_stalls(server: HttpsServer, tmp_path: Path) -> None:
    """A 404 says to check URL and rights."""
    with pytest.raises(Stalled) as caught:
        _source(server, tmp_path, url=f"{server.url}/other.git").fetch(None)
    assert caught.value.reason == "GitRepositoryNotFound"


def test_redirects_are_not_followed(server: HttpsServer, tmp_path: Path) -> None:
    """A redirect, to this or another host, is refused with the credentials kept."""
    server.behaviour.status = 302
    server.behaviour.location = "https://127.0.0.1:1/elsewhere.git/info/refs?service=git-upload-pack"
    with pytest.raises(Stalled) as caught:
        _source(server, tmp_path, basic=BasicAuth(TOKEN)).fetch(None)
    assert caught.value.reason == "GitRedirectRefused"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_forge_in_trouble_is_transient(server: HttpsServer, tmp_path: Path, status: int) -> None:
    """A server error passes: try again later."""
    server.behaviour.status = status
    with pytest.raises(Transient) as caught:
        _source(server, tmp_path).fetch(None)
    assert caught.value.reason == "GitUnreachable"


def test_outage_and_back(repository: Repository, tmp_path: Path) -> None:
    """While the server is gone each poll is transient; when it is back the same source goes on where it was."""
    with https_server(repository.path.parent, tmp_path) as server:
        source = _source(server, tmp_path)
        before = source.fetch(None)
    port = urlsplit(server.url).port or 0
    for _ in range(2):
        with pytest.raises(Transient) as caught:
            source.fetch(before.revision)
        assert caught.value.reason == "GitUnreachable"
    sha = repository.commit({"a.yaml": "b"})
    with https_server(repository.path.parent, tmp_path, port) as server:
        after = source.fetch(before.revision)
    assert after.fast_forward is True
    assert [commit.sha for commit in after.commits_in_range] == [sha]


def test_silent_server_is_given_up_with_everything_git_started(server: HttpsServer, tmp_path: Path) -> None:
    """A server that takes the request and never answers costs no more than the timeout, and leaves no process."""
    server.behaviour.hang.clear()
    began = time.monotonic()
    with pytest.raises(Transient, match="took too long") as caught:
        _source(server, tmp_path, fetch_timeout_s=0.5).fetch(None)
    assert caught.value.reason == "GitUnreachable"
    assert time.monotonic() - began < 10
    await_gone(urlsplit(server.url).netloc)


def test_orphans_of_a_killed_git_are_reaped(server: HttpsServer, tmp_path: Path) -> None:
    """As the first process of a container we adopt git's children when it is killed; none stays as a zombie."""
    server.behaviour.hang.clear()
    before = children()
    with adopting_orphans(), pytest.raises(Transient, match="took too long"):
        _source(server, tmp_path, fetch_timeout_s=0.5).fetch(None)
    assert children() == before


def test_unchanged_poll_asks_for_the_ref_only(server: HttpsServer, tmp_path: Path) -> None:
    """Nothing is fetched while the branch stands still, and the very same snapshot is returned."""
    source = _source(server, tmp_path)
    first = source.fetch(None)
    server.behaviour.asked.clear()
    assert source.fetch(None) is first
    assert len(server.behaviour.asked) == 2  # what the server can do, and the refs


def test_commit_is_fetched_by_its_id(repository: Repository, server: HttpsServer, tmp_path: Path) -> None:
    """A pinned commit is fetched over https too."""
    sha = repository.head
    repository.commit({"a.yaml": "b"})
    source = _source(server, tmp_path, ref=Ref.parse(sha))
    assert [file.content for file in source.fetch(None).files] == [b"a"]
