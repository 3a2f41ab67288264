"""Git repositories of the tables that are measured, and commits to them, fast enough for a hundred thousand files.

Everything is written by `git fast-import` into a bare repository: no work tree, one process for any number of commits.
"""

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench import tables

EDGE = "routes/edge.yaml"
_PERSON = "Bench <bench@example.com>"
_FIRST_COMMIT_AT = 1_700_000_000
_BRANCH = "refs/heads/main"
_AHEAD = "refs/bench/ahead"  # not a branch: what follows main does not see it


@dataclass(frozen=True, slots=True)
class Table:
    """What a repository holds.

    Attributes:
        mappings: how many.
        hosts: among how many Hosts they are spread.
        services: how many services they share; 0: as `tables` has it, one for ten Mappings.
    """

    mappings: int
    hosts: int = 1
    services: int = 0

    def document(self, number: int, version: str = "") -> str:
        """The file of a Mapping; ``version`` is told in a header of each answer."""
        service = f"shared-{number % self.services}:8080" if self.services else ""
        told = f"  add_response_headers: {{x-bench: {version}}}\n" if version else ""
        return tables.mapping(number, self.hosts, service) + told

    def files(self, ports: tuple[int, int]) -> dict[str, str]:
        """All files by path."""
        around = tables.repository(0, self.hosts, ports)
        return around | {tables.path(number): self.document(number) for number in range(self.mappings)}

    def plain(self, number: int) -> bool:
        """Whether a Mapping alone takes all requests for its prefix."""
        document = self.document(number)
        return not any(word in document for word in ("weight", "prefix_regex", "headers:"))

    def plain_numbers(self, count: int) -> list[int]:
        """So many plain Mappings, spread over the table; fewer if there are not as many."""
        starts = range(0, self.mappings, max(1, self.mappings // count))
        found = (next((n for n in range(start, self.mappings) if self.plain(n)), None) for start in starts)
        return sorted({number for number in found if number is not None})[:count]


@dataclass(frozen=True, slots=True)
class BenchRepository:
    """A bare repository with a table on ``main``."""

    path: Path
    table: Table

    @classmethod
    def create(cls, path: Path, table: Table, ports: tuple[int, int]) -> "BenchRepository":
        """The table in one commit."""
        _git(path.parent, "init", "--quiet", "--bare", "--initial-branch=main", str(path))
        made = cls(path, table)
        (first,) = made.prepare([table.files(ports)])
        made.advance(first)
        return made

    def prepare(self, changes: Iterable[Mapping[str, str]]) -> list[str]:
        """Commits on top of one another and of ``main``, which stays where it is; returns their ids."""
        has_main = self._git("for-each-ref", "--format=%(objectname)", _BRANCH).strip()
        marks = self.path / "bench.marks"
        stream = b"".join(_commits(changes, has_main))
        self._git("fast-import", "--quiet", "--force", f"--export-marks={marks}", feed=stream)
        by_mark = dict(line.split() for line in marks.read_text().splitlines())
        return [by_mark[mark] for mark in sorted(by_mark, key=lambda mark: int(mark[1:]))]

    def advance(self, sha: str) -> None:
        """Point ``main`` at a commit."""
        self._git("update-ref", _BRANCH, sha)

    def listen(self, ports: tuple[int, int]) -> None:
        """Commit Listeners on other ports."""
        (sha,) = self.prepare([{EDGE: tables.repository(0, 0, ports)[EDGE]}])
        self.advance(sha)

    def change(self, number: int, version: str) -> dict[str, str]:
        """The one file of a commit that changes one Mapping."""
        return {tables.path(number): self.table.document(number, version)}

    def _git(self, *arguments: str, feed: bytes = b"") -> str:
        return _git(self.path, *arguments, feed=feed)


def _commits(changes: Iterable[Mapping[str, str]], parent: str) -> Iterator[bytes]:
    """The commits as `git fast-import` reads them; see git-fast-import(1)."""
    for number, files in enumerate(changes, start=1):
        message = f"Change {len(files)} files".encode()
        yield f"commit {_AHEAD}\nmark :{number}\n".encode()
        yield f"committer {_PERSON} {_FIRST_COMMIT_AT + number} +0000\ndata {len(message)}\n".encode() + message + b"\n"
        if number > 1:
            yield f"from :{number - 1}\n".encode()
        elif parent:
            yield f"from {parent}\n".encode()
        for path, text in files.items():
            content = text.encode()
            yield f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n"


def _git(directory: Path, *arguments: str, feed: bytes = b"") -> str:
    """Real git with nobody's configuration."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
    done = subprocess.run(
        ["git", *arguments], cwd=directory, env=environment, input=feed, capture_output=True, check=False
    )
    assert done.returncode == 0, f"git {arguments}: {done.stderr.decode()}"
    return done.stdout.decode()
