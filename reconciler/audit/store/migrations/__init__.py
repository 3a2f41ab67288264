"""EDGE: brings a journal's tables to a newer layout, in one transaction: a crash in the middle leaves the old journal.

A script below `versions` takes what was recorded to the next layout. What is worked out from that (see `schema`) is
made anew after the last of them, so no script knows of it.
"""

from collections.abc import Callable
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

_HEAD = "head"


def upgrade(connection: Connection) -> None:
    """Runs the scripts that the database lacks, within the transaction that is open."""
    config, scripts = _scripts()

    def wanted(revision: str, _context: MigrationContext) -> object:
        return scripts._upgrade_revs(_HEAD, revision)  # noqa: SLF001 - as Alembic's own command does

    _run(connection, config, scripts, wanted)


def stamp(connection: Connection) -> None:
    """Notes that a database that was just made lacks none of the scripts."""
    config, scripts = _scripts()

    def wanted(revision: str, _context: MigrationContext) -> object:
        return scripts._stamp_revs(_HEAD, revision)  # noqa: SLF001 - likewise

    _run(connection, config, scripts, wanted)


def _run(
    connection: Connection, config: Config, scripts: ScriptDirectory, wanted: Callable[[str, MigrationContext], object]
) -> None:
    with EnvironmentContext(config, scripts, fn=wanted) as environment:
        environment.configure(connection=connection)
        environment.run_migrations()


def _scripts() -> tuple[Config, ScriptDirectory]:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config, ScriptDirectory.from_config(config)
