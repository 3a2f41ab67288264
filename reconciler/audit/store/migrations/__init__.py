"""EDGE: brings a journal's tables to a newer layout, in one transaction: a crash in the middle leaves the old journal.

A script below `versions` takes what was recorded to the next layout. What is worked out from that (see `schema`) is
made anew after the last of them, so no script knows of it.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection

_HEAD = "head"


def upgrade(connection: Connection) -> None:
    """Runs the scripts that the database lacks, within the transaction that is open."""
    _run(connection, "_upgrade_revs")


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
