"""EDGE: brings a journal's tables to a newer layout, in one transaction: a crash in the middle leaves the old journal.

A script below `versions` takes what was recorded to the next layout. What is worked out from that (see `schema`) is
made anew after the last of them, so no script knows of it.
"""

from pathlib import Path
from shutil import disk_usage
from typing import Any

from sqlalchemy import Connection

from reconciler.model.errors import Transient

_HEAD = "head"
# Of its size: what is moved is first written beside the file, and then into it.
_TIMES = 3.5


def upgrade(connection: Connection) -> None:
    """Runs the scripts that the database lacks, within the transaction that is open.

    Raises:
        Transient: the disk has no room for it.
    """
    _check_room(connection)
    _run(connection, "_upgrade_revs")


def _check_room(connection: Connection) -> None:
    """Sees to it that a file has room for what is moved, before hours of work end in a full disk."""
    if connection.dialect.name != "sqlite":
        return
    file = next(row[2] for row in connection.exec_driver_sql("PRAGMA database_list") if row[1] == "main")
    pages, size = (connection.exec_driver_sql(f"PRAGMA {what}").scalar_one() for what in ("page_count", "page_size"))
    needed, free = int(_TIMES * pages * size), disk_usage(Path(file).parent).free
    if free < needed:
        message = (
            f"{_megabytes(needed)} MB may be needed beside it to bring it to this layout, {_megabytes(free)} are free"
        )
        raise Transient("JournalNeedsRoom", f"{file}: {message}", "Make room; the journal is as it was.")


def _megabytes(size: int) -> int:
    return -(-size // 1_000_000)


def stamp(connection: Connection) -> None:
    """Notes that a database that was just made lacks none of the scripts."""
    _run(connection, "_stamp_revs")


def _run(connection: Connection, steps: str) -> None:
    # Here, since no other verb or transaction needs it, and it takes as long to import as the database's own library.
    from alembic.config import Config  # noqa: PLC0415
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)

    def wanted(revision: Any, _context: Any) -> Any:
        return getattr(scripts, steps)(_HEAD, revision)  # as Alembic's own commands do

    with EnvironmentContext(config, scripts, fn=wanted) as environment:
        environment.configure(connection=connection)
        environment.run_migrations()
