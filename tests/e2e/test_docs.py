"""Every command of the documentation runs as it stands, with real servers behind its example addresses."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.git_servers import HttpsServer, SshServer, free_port, https_server, ssh_server
from tests.support.log_lines import text_line
from tests.support.repositories import Repository

ROOT = Path(__file__).parents[2]
# Their commands need a cluster: tests/kubernetes runs them.
_OF_CLUSTERS = ("annotations.md", "configmaps.md", "high-availability.md", "install-on-a-cluster.md", "kubectl.md")
# Its commands ask a journal of two weeks: test_audit_scenario.py runs them.
_OF_A_PAST = ("audit.md",)
ELSEWHERE = {ROOT / "docs" / "guides" / name for name in (*_OF_CLUSTERS, *_OF_A_PAST)}
FOUND = {*ROOT.glob("*.md"), *ROOT.glob("docs/guides/*.md")} - ELSEWHERE
PAGES = sorted(path.relative_to(ROOT) for path in FOUND)
# These never end by themselves: they must still run after a moment, and end when told.
ENDLESS = re.compile(r"^reconciler run |^envoy -c ")


@dataclass(frozen=True)
class Place:
    """A directory with the sample routes, and the servers the examples speak of."""

    directory: Path
    https: HttpsServer
    ssh: SshServer
    state: Path
    xds_address: str
    pages_address: str

    def real(self, command: str) -> str:
        """The command with the example addresses replaced by those of this place."""
        for example, ours in {
            "https://git.example.com/team/routes.git": f"{self.https.url}/routes",
            "ssh://git@git.example.com/team/routes.git": f"{self.ssh.url}{self.directory / 'served' / 'routes'}",
            "./routes-repo": str(self.directory / "served" / "routes"),
            "/etc/envoy/routes": str(self.directory / "envoy-routes"),
            "127.0.0.1:8082": self.pages_address,
        }.items():
            command = command.replace(example, ours)
        return command

    @property
    def environment(self) -> dict[str, str]:
        """What a user has set beside what the examples say: where everything is on this machine."""
        return os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "RECONCILER_STATE": str(self.state),
            "RECONCILER_CA_FILE": str(self.https.ca_file),
            "RECONCILER_LISTEN": f"127.0.0.1:{free_port()}",
            "RECONCILER_WEB_ADDRESS": "off",
            "RECONCILER_XDS_ADDRESS": self.xds_address,
        }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One for all pages: the journal that one command fills is what the next one reads."""
    directory = tmp_path_factory.mktemp("docs")
    shutil.copytree(ROOT / "routes", directory / "routes")
    repository = Repository.create(directory / "served" / "routes")
    files = {str(p.relative_to(ROOT / "routes")): p.read_bytes() for p in (ROOT / "routes").rglob("*.yaml")}
    start = repository.commit(files, "Start")
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    lines = (
        text_line("default/hello", start, source="hello.yaml", time=at),
        text_line("-", "-", source="-", flags="NR"),
    )
    (directory / "access.log").write_text("\n".join(lines) + "\n")
    (directory / "token").write_text("a-token\n")
    scratch = directory / "scratch"
    scratch.mkdir()
    with ExitStack() as stack:
        https = stack.enter_context(https_server(directory / "served", scratch))
        ssh = stack.enter_context(ssh_server(scratch))
        shutil.copy(ssh.key_file, directory / "deploy_key")
        shutil.copy(ssh.known_hosts, directory / "known_hosts")
        yield Place(directory, https, ssh, directory / "state", *_free_addresses())


def _free_addresses() -> tuple[str, str]:
    return f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"


def blocks(page: Path) -> list[list[str]]:
    """The lines of each console block of the page, without comments."""
    found = re.findall(r"^```console\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    lines = [[line.split(" #")[0].rstrip() for line in block.splitlines()] for block in found]
    return [[line for line in block if line] for block in lines]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_commands_of_a_page_run(page: Path, place: Place) -> None:
    """In order, as a reader would type them; `make` targets must exist (CI itself runs them)."""
    for block in blocks(page):
        with ExitStack() as endless:
            for command in block:
                if command.startswith("make "):
                    subprocess.run(["make", "--dry-run", command.split()[1]], cwd=ROOT, check=True, capture_output=True)
                elif ENDLESS.match(command):
                    endless.enter_context(_running(place, command))
                else:
                    done = _run(place, command)
                    assert done.returncode == 0, f"{command}\n{done.stdout.decode()}{done.stderr.decode()}"


def test_the_pages_have_commands_at_all() -> None:
    """A page whose blocks are no longer found would pass by saying nothing."""
    assert sum(len(block) for page in PAGES for block in blocks(page)) >= 20


# Not those of installed packages and caches, nor what tests expect.
OURS = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(part[0] == "." or part == "expected" for part in path.relative_to(ROOT).parts)
)


@pytest.mark.parametrize("page", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """Every relative link names a file that exists."""
    if ".venv" in page.parts:
        return
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page}: {target}"


def _run(place: Place, command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        place.real(command), shell=True, cwd=place.directory, env=place.environment, capture_output=True, check=False
    )


@contextmanager
def _running(place: Place, command: str) -> Iterator[None]:
    """The command in the background until left: it must not have ended by itself by then."""
    process = subprocess.Popen(
        f"exec {place.real(command)}",
        shell=True,
        cwd=place.directory,
        env=place.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        yield
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=2)
    finally:
        process.send_signal(signal.SIGTERM)
        _, words = process.communicate(timeout=20)
        # On a busy machine it is told to end before it works, which has an exit code of its own.
        assert process.returncode in (0, -signal.SIGTERM, 128 + signal.SIGTERM), f"{command}\n{words.decode()}"
