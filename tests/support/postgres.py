"""A real PostgreSQL: one server per test process, as `nobody` where tests run as root, and a schema per test."""

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path

import psycopg

from tests.support.ports import reserve_port
from tests.support.waiting import eventually

USER, PASSWORD = "keeper", "hunter2"
_numbers = count(1)
# Whoever comes over the network needs a password; the socket is for the tests' own looks.
_ACCESS = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
# Nothing here has to survive a crash of the machine.
_QUICK = "fsync=off\nfull_page_writes=off\nshared_buffers=32MB\nmax_connections=60\n"


@dataclass(slots=True)
class Postgres:
    """A server, with the role `keeper` and an empty database of that name.

    Attributes:
        folder: its files and its socket.
        port: on 127.0.0.1.
    """

    folder: Path
    port: int
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """The database, over the network and with a password in it."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{USER}?sslmode=disable"

    def start(self) -> None:
        """Starts it and waits until it answers."""
        log = (self.folder / "log").open("ab")
        # It must not outlive tests that are killed.
        dying = ["setpriv", "--pdeathsig", "INT", "--"]
        command = [_binary("postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder), "-p", str(self.port)]
        self._process = subprocess.Popen([*dying, *command], stdout=log, stderr=log, cwd="/", user=_somebody())
        log.close()
        eventually(self._answers, seconds=60, what=f"PostgreSQL answers, see {self.folder / 'log'}")

    def stop(self) -> None:
        """Ends every session and stops it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(30)
            self._process = None

    def ask(self, statement: str, *values: object, user: str = "postgres") -> list[tuple[object, ...]]:
        """Runs one statement as the superuser, through the socket."""
        with self._session(user) as session:
            found = session.execute(statement.encode(), values or None)
            return found.fetchall() if found.description else []

    def schema(self) -> str:
        """The name of a schema that isn't there yet."""
        return f"journal_{os.getpid()}_{next(_numbers)}"

    def _answers(self) -> bool:
        try:
            return bool(self.ask("SELECT 1"))
        except psycopg.OperationalError:
            return False

    def _session(self, user: str) -> psycopg.Connection[tuple[object, ...]]:
        database = USER if (self.folder / "made").exists() else "postgres"
        return psycopg.connect(host=str(self.folder), port=self.port, user=user, dbname=database, autocommit=True)


@cache
def server() -> Postgres:
    """The server of this test process, started when it is first asked for."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    made = Postgres(folder, reserve_port())
    owner = _somebody()
    if owner is not None:
        shutil.chown(folder, owner)
    data = folder / "data"
    command = [
        _binary("initdb"),
        "-D",
        str(data),
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
    ]
    subprocess.run(command, check=True, capture_output=True, cwd="/", user=_somebody())
    (data / "pg_hba.conf").write_text(_ACCESS)
    with (data / "postgresql.conf").open("a") as settings:
        settings.write(_QUICK)
    made.start()
    atexit.register(_remove, made)
    made.ask(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
    made.ask(f"CREATE DATABASE {USER} OWNER {USER}")
    (folder / "made").touch()
    return made


def _remove(made: Postgres) -> None:
    made.stop()
    shutil.rmtree(made.folder, ignore_errors=True)


def _binary(name: str) -> str:
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: int(place.parent.name), reverse=True)
    found = shutil.which(name, path=os.pathsep.join([*map(str, places), os.environ.get("PATH", "")]))
    assert found, f"{name} is not installed: `make system` does it"
    return found


def _somebody() -> int | None:
    """PostgreSQL refuses to run as root: then it is `nobody`, and otherwise whoever runs the tests."""
    return None if os.getuid() else pwd.getpwnam("nobody").pw_uid
