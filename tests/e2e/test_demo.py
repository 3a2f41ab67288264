"""``reconciler demo``: what a newcomer starts with, as they see it, and nothing left behind."""

import os
import pty
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.support.command import COMMAND, PROJECT, Desk
from tests.support.ports import reserve_port
from tests.support.processes import await_gone, commands_with
from tests.support.waiting import eventually


@dataclass(frozen=True, slots=True)
class Terminal:
    """A demo on a terminal of its own: ``text`` is the screen so far."""

    process: "subprocess.Popen[bytes]"
    screen: Path

    @property
    def text(self) -> str:
        return re.sub(r"\x1b\[[0-9;]*m", "", self.screen.read_text(errors="replace"))

    def shows(self, words: str) -> None:
        """Wait for words on the screen."""
        eventually(lambda: words in self.text or self.process.poll() is not None, seconds=30, what=words)
        assert words in self.text, self.text


@contextmanager
def demo_on_a_terminal(desk: Desk, *arguments: str) -> Iterator[tuple[Terminal, int]]:
    """The demo as the foreground process of a pseudo terminal; yields it and our end of the terminal."""
    screen = desk.root / "screen.txt"
    ours, theirs = pty.openpty()
    with screen.open("wb") as recorded:
        # script(1) would do as well; the terminal driver turns a typed ^C into the signal for the whole group.
        reader = subprocess.Popen(["cat"], stdin=ours, stdout=recorded, stderr=subprocess.DEVNULL)
        process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *COMMAND, "demo", *arguments],
            env=desk.environment({"TERM": "dumb"}),
            cwd=PROJECT,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
    os.close(theirs)
    try:
        yield Terminal(process, screen), ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        reader.kill()
        reader.wait()


def nothing_is_left(desk: Desk) -> None:
    """No process that worked in the temporary directory, and nothing in it."""
    await_gone(str(desk.temporary))
    assert list(desk.temporary.iterdir()) == []


def body(url: str) -> str:
    """What a URL answers, the status if it is an error."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return str(error.code)


def test_the_demo_checks_itself(desk: Desk) -> None:
    """``demo --check`` serves a commit, says so in its last line, in time, and leaves neither process nor file."""
    began = time.monotonic()
    done = desk.run("demo", "--check", cwd=PROJECT)
    assert done.code == 0, done.text
    assert re.fullmatch(r"demo: ok commit=[0-9a-f]{40} served_ms=\d+", done.out.splitlines()[-1])
    assert time.monotonic() - began < 60
    assert commands_with(str(desk.temporary)) == []
    assert list(desk.temporary.iterdir()) == []


def test_a_newcomer_follows_the_words_on_the_screen(desk: Desk) -> None:
    """What the screen says to type works: the change is shown and served, its author is found; ^C cleans up."""
    with demo_on_a_terminal(desk, "--port", str(reserve_port())) as (terminal, keyboard):
        terminal.shows("Ctrl-C ends it")
        words = [line.strip() for line in terminal.text.splitlines()]
        change = [line for line in words if line.startswith(("cd ", "sed ", "git "))]
        assert len(change) == 3
        changed = next(
            line.removeprefix("curl ") for line in words if "/greetings/" in line and line.startswith("curl ")
        )
        for asked in (line for line in words if line.startswith("curl ") and "/greetings/" not in line):
            answer = subprocess.run(["sh", "-c", asked], capture_output=True, check=True, text=True)
            assert answer.stdout, asked
        assert body(changed) == "404"

        subprocess.run(["sh", "-ec", "\n".join(change)], env=desk.environment(), check=True, stdout=subprocess.DEVNULL)
        eventually(lambda: "hello" in body(changed), what="the commit to be served")
        terminal.shows("1 Envoy acknowledged")
        shown = terminal.text.partition("Ctrl-C ends it")[2]
        assert "~ Mapping default/hello" in shown
        assert re.search(r"path: +prefix /hello/ → prefix /greetings/", shown)
        assert re.search(r"Applied · commit [0-9a-f]{7} by Demo <demo@example.com> · 1 Envoy acknowledged", shown)

        terminal.shows(" audit trace ")
        after = [line.strip() for line in terminal.text.partition("Ask who did it")[2].splitlines()]
        expected = {
            " audit log ": "Greet the world",
            " audit blame ": "path: prefix /greetings/",
            " route http": "hello",
        }
        expected[" audit trace "] = "/greetings/world 200  default/hello  routes/hello.yaml:2 @"
        for sign, expected_words in expected.items():
            asked = next(line for line in (*after, *words) if sign in line)
            eventually(partial(_answers, desk, asked, expected_words), what=asked)
        shown_at = next(line for line in after if line.startswith("http://"))
        assert "Greet the world" in body(shown_at)

        os.write(keyboard, b"\x03")
        assert terminal.process.wait(20) == 0, terminal.text
        terminal.shows("removing the scratch repository")
    nothing_is_left(desk)


def _answers(desk: Desk, command: str, words: str) -> bool:
    """Whether a command prints these words; the access log is written with a delay."""
    done = subprocess.run(["sh", "-c", command], env=desk.environment(), capture_output=True, check=True, text=True)
    return words in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("when", ["the scratch repository is made", "Envoy starts", "it serves"])
def test_a_demo_that_is_ended_at_any_time_cleans_up(desk: Desk, number: signal.Signals, when: str) -> None:
    """SIGINT and SIGTERM end it early and late; nothing is left, and the exit code is the documented one."""
    signs = {"the scratch repository is made": "reconciler-demo-*", "Envoy starts": "reconciler-demo-*/envoy"}
    printed = desk.root / "printed.txt"
    with printed.open("wb") as file:
        process = subprocess.Popen(
            [*COMMAND, "demo", "--port", str(reserve_port())],
            env=desk.environment({"PYTHONUNBUFFERED": "1"}),
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    try:
        if when in signs:
            eventually(lambda: list(desk.temporary.glob(signs[when])), what=when)
        else:
            eventually(lambda: b"Ctrl-C ends it" in printed.read_bytes(), seconds=30, what=when)
        process.send_signal(number)
        early = 130 if number == signal.SIGINT else 143
        assert process.wait(20) == (0 if when == "it serves" else early), printed.read_text()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
    assert "Traceback" not in printed.read_text()
    nothing_is_left(desk)
