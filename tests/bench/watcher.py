"""Sees when an answer changes: a process of its own, so that it never waits for the one that is measured.

Run as ``python -m tests.bench.watcher PORT``. It reads ``HOST PATH VALUE`` lines, asks the path over and over on one
connection until the answer has ``x-bench: VALUE``, and prints the seconds of the machine's clock when it had.
"""

import socket
import subprocess
import sys
import time
from types import TracebackType

from tests.bench.patience import PATIENCE_S
from tests.support.command import PROJECT


class Watcher:
    """Asks one port, while entered.

    Args:
        port: on loopback.
    """

    def __init__(self, port: int) -> None:
        self._port = port

    def __enter__(self) -> "Watcher":
        command = [sys.executable, "-m", "tests.bench.watcher", str(self._port)]
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT, text=True, bufsize=1
        )
        assert self._line() == "connected"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._child.kill()
        self._child.communicate()

    def expect(self, host: str, path: str, value: str) -> None:
        """Ask from now on. Asking costs a CPU: it begins when an answer is near."""
        assert self._child.stdin
        self._child.stdin.write(f"{host} {path} {value}\n")

    def seen(self) -> float:
        """When the expected answer came, in seconds of the machine's clock; waits for it."""
        return float(self._line())

    def _line(self) -> str:
        assert self._child.stdout
        line = self._child.stdout.readline().strip()
        assert line, "the watcher ended"
        return line


def _main(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print("connected", flush=True)
        for line in sys.stdin:
            host, path, value = line.split()
            request = f"GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode()
            expected = f"\r\nx-bench: {value}\r\n".encode()
            while expected not in _ask(connection, request):
                pass
            print(time.perf_counter(), flush=True)


def _ask(connection: socket.socket, request: bytes) -> bytes:
    """The head of the answer; no answer in these measurements has a body."""
    connection.sendall(request)
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        more = connection.recv(65536)
        assert more, "Envoy closed the connection"
        answer += more
    return answer


if __name__ == "__main__":
    _main(int(sys.argv[1]))
