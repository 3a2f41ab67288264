"""The guide to audits, and what its commands really print: ``python -m tests.support.audit_guide`` writes it anew."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from click.testing import CliRunner

from reconciler.cli.main import cli
from tests.support.audit_scenario import Scenario, scenario

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "audit.md"
_BLOCK = re.compile(
    r"^```console\n(?P<commands>.*?)^```\n(?:\n```text\n(?P<output>.*?)^```\n)?", re.MULTILINE | re.DOTALL
)
_FAILS = "  # exits with 1"
_SHELL = re.compile(r"[|<>;&$]")
# What no two runs have in common.
_CHANGING = (
    (re.compile(r"sha256:[0-9a-f]{64}"), "sha256:DIGEST"),
    (re.compile(r"\b[0-9a-f]{40}\b"), "COMMIT"),
    (re.compile(r"\b[0-9a-f]{7}\b"), "COMMIT7"),
    (re.compile(r"--allow-plan [0-9a-f]{12}"), "--allow-plan DIGITS"),
    (re.compile(r"\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44}"), "+KEY"),
    (re.compile(r"(\d\d:\d\d):\d\d(?:\.\d{3})?Z?"), r"\1:SS"),
    (re.compile(r"\b\d+ records\b"), "N records"),
    (re.compile(r" +"), " "),
)


@dataclass(frozen=True, slots=True)
class Block:
    """Commands of the guide, typed one after the other.

    Attributes:
        output: what the guide shows of the last one; None where it shows nothing.
    """

    commands: tuple[str, ...]
    output: str | None


@dataclass(frozen=True, slots=True)
class Typed:
    """What came of a command: its exit code, and all that it printed, in order."""

    code: int
    text: str
    out: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who types what the guide says, on the machine of the controller."""

    lived: Scenario
    desk: Path

    def type(self, command: str) -> Typed:
        """Runs a command of the guide; where it needs no shell, in this process."""
        if command.startswith("reconciler ") and not _SHELL.search(command):
            return self._here(command)
        done = subprocess.run(
            command, shell=True, cwd=self.desk, env=self._environment, stdout=-1, stderr=subprocess.STDOUT, check=False
        )
        return Typed(done.returncode, self._shown(done.stdout.decode()), "")

    def _here(self, command: str) -> Typed:
        words = shlex.split(command)[1:]
        # Files are named as one names them in that directory.
        with chdir(self.desk), patch.dict(os.environ, self._environment):
            done = CliRunner().invoke(cli, words, standalone_mode=False)
        if done.exception is not None:
            raise done.exception
        return Typed(int(done.return_value or 0), self._shown(done.output), done.stdout)

    def _shown(self, text: str) -> str:
        """With the directory that the guide speaks of."""
        return text.replace(str(self.lived.files), "/etc/envoy/routes")

    @property
    def _environment(self) -> dict[str, str]:
        """The settings of the controller, as the machine's own."""
        service = self.lived.settings["service_address"]
        assert isinstance(service, tuple)
        return os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "RECONCILER_STATE": str(self.lived.state),
            "RECONCILER_LISTEN": str(self.lived.settings["listen"]),
            "RECONCILER_SERVICE_ADDRESS": " ".join(service),
            "RECONCILER_TARGET": "xds",
            "LANG": "C.UTF-8",
        }


def reader(lived: Scenario, desk: Path | None = None) -> Reader:
    """With Envoy's access log and the backup at hand."""
    desk = desk or lived.root / "desk"
    desk.mkdir()
    shutil.copyfile(lived.log, desk / "access.log")
    shutil.copytree(lived.backup, desk / "backup")
    return Reader(lived, desk)


def blocks(text: str) -> Iterator[Block]:
    """The commands of the guide with what it shows, in order."""
    for found in _BLOCK.finditer(text):
        yield Block(tuple(found["commands"].splitlines()), found["output"])


def plain(output: str) -> str:
    """Without what differs from run to run: digests, ids, keys, seconds, and spaces that align them."""
    for pattern, word in _CHANGING:
        output = pattern.sub(word, output)
    return "\n".join(line.rstrip() for line in output.strip().splitlines())


def expected_code(command: str) -> tuple[str, int]:
    """A line of the guide as a command, and what it must exit with."""
    return (command.removesuffix(_FAILS), 1) if command.endswith(_FAILS) else (command, 0)


def written_anew(text: str, who: Reader) -> str:
    """The guide with the output of now."""

    def renewed(found: re.Match[str]) -> str:
        typed = Typed(0, "", "")
        for line in found["commands"].splitlines():
            typed = who.type(expected_code(line)[0])
        if found["output"] is None:
            return found[0]
        return f"```console\n{found['commands']}```\n\n```text\n{typed.text.rstrip()}\n```\n"

    return _BLOCK.sub(renewed, text)


def main() -> None:
    """Writes what the commands print into the guide."""
    with tempfile.TemporaryDirectory() as scratch, scenario(Path(scratch) / "audit") as lived:
        GUIDE.write_text(written_anew(GUIDE.read_text(), reader(lived)))


if __name__ == "__main__":
    main()
