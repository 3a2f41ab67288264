"""What comes before all else: a journal is made, brought to this program's layout, or turned down."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection, inspect, select

from reconciler import __version__
from reconciler.audit.proof import note
from reconciler.audit.proof.chain import SCHEMA_VERSION
from reconciler.audit.proof.signing import DEFAULT_NAME, Signer
from reconciler.audit.record import records
from reconciler.audit.record.groups import Facts
from reconciler.audit.store import append, database, migrations, postgres, proving, rebuild, schema, sqlite
from reconciler.audit.store.append import Hand, KeyOf
from reconciler.audit.store.database import Database
from reconciler.audit.store.listing import damaged
from reconciler.model.audit import Event
from reconciler.model.errors import ReconcileError, Stalled
from reconciler.model.happening import Happening, Note

_FILE = "sqlite"
_OF_ALL, _OF_OLDER = "records", "served_head"  # tables


def begin(
    place: Database, clock: Callable[[], datetime], origin: str, signer: Signer | KeyOf | None, *, adopt: bool = False
) -> Hand:
    """Makes the journal where there is none, and brings an older one to this layout: whole, or not at all.

    Args:
        place: its database.
        clock: the time now, aware.
        origin: which journal it should be; empty for the one it says it is.
        signer: signs; or gives the key that does.
        adopt: whoever signed its end until now.

    Returns:
        Who writes it from now on.

    Raises:
        Stalled: it is newer than this program, damaged, another one, or signed by another key.
        Transient: it could not be read or written now.
    """
    checkpoint = _checkpoint(place)
    name = _name(checkpoint or "", origin)
    key = signer if signer is None or isinstance(signer, Signer) else signer(name, checkpoint is None)
    hand = Hand(clock, name, key)
    with database.writing(place.writer) as connection:
        if place.schema:
            postgres.make_schema(connection, place.schema)
        version = database.checked_version(_true_version(connection))
        if version == 0:
            _make(connection, hand)
        elif version == SCHEMA_VERSION:
            # What can't be appended to is told before anything is done that would have to be recorded.
            append.ledger(connection, hand, any_end=adopt)
    if 0 < version < SCHEMA_VERSION:
        _migrate(place, hand)
    return hand


def _checkpoint(place: Database) -> str | None:
    """What signs the journal; None where nothing could, since it is yet to be made or brought to this layout."""
    with database.reading(place.reader) as connection:
        version = database.checked_version(_true_version(connection))
        return proving.newest(connection)[1] if version == SCHEMA_VERSION else None


def _name(checkpoint: str, wanted: str) -> str:
    """The name of the journal, which it keeps whatever the replica that writes it is called now."""
    try:
        known = note.claimed(checkpoint).origin
    except ValueError:
        return wanted or DEFAULT_NAME
    if wanted not in ("", known):
        words = f"the journal was signed as {known} so far, and journal_name is {wanted}"
        hint = f"Set journal_name to {known}, or leave it out; another journal needs another place."
        raise Stalled("InvalidSettings", words, hint)
    return known


def look(place: Database) -> None:
    """Turns down what can't be read: no journal, or one of another layout. What is damaged is for others to say.

    Raises:
        Stalled: for one of these reasons.
    """
    version = SCHEMA_VERSION
    try:
        with database.reading(place.reader) as connection:
            version = _true_version(connection)
    except ReconcileError:
        if place.schema:
            raise
    if place.schema and not version:
        raise Stalled("JournalMissing", f"there is no journal in {place.name}", "`sync` or `run` makes one.")
    if 0 < version < SCHEMA_VERSION:
        raise Stalled(
            "JournalTooOld",
            f"the journal has layout {version}, this program reads {SCHEMA_VERSION}",
            "`run` or `sync` brings it to the new layout first; nothing recorded is changed by that.",
        )


def _true_version(connection: Connection) -> int:
    """The layout's number, where the tables are of that age.

    Raises:
        Stalled: they are not: somebody changed the number.
    """
    version = database.found_version(connection)
    tables = set(inspect(connection).get_table_names()) & {_OF_ALL, _OF_OLDER}
    if version < SCHEMA_VERSION and tables != ({_OF_ALL, _OF_OLDER} if version else set()):
        raise damaged(f"the database says it has layout {version}, but its tables are of another one")
    return version


def _make(connection: Connection, hand: Hand) -> None:
    schema.metadata.create_all(connection)
    migrations.stamp(connection)
    database.mark_version(connection)
    facts = records.started(__version__, database.layout(connection))
    append.ledger(connection, hand).append(Event.JOURNAL_STARTED, facts)


def _migrate(place: Database, hand: Hand) -> None:
    is_file = place.writer.dialect.name == _FILE
    if is_file:
        # Tables are made anew under their old names; the references between them are checked at the end.
        sqlite.without_references(place.writer, off=True)
    try:
        with database.writing(place.writer) as connection:
            version = database.found_version(connection)
            if version < SCHEMA_VERSION:  # another process may have been faster
                _bring(connection, hand, version)
    finally:
        if is_file:
            with suppress(*database.FAILURES):
                sqlite.without_references(place.writer, off=False)


def _bring(connection: Connection, hand: Hand, version: int) -> None:
    try:
        migrations.upgrade(connection)
        rebuild.rebuild(connection)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged(f"the journal of layout {version} can't be read whole: {type(error).__name__}") from error
    database.mark_version(connection)
    known = connection.execute(
        select(schema.served_states.c.sequence).where(schema.served_states.c.era.is_not(None)).limit(1)
    ).scalar()
    message = f"The journal was brought from layout {version} to {SCHEMA_VERSION}; what it recorded is as it was."
    facts: Facts = {
        "from_layout": version,
        "to_layout": SCHEMA_VERSION,
        "tool": {"name": "reconciler", "version": __version__},
        "database": database.layout(connection),
        "served_known_from": known,
    }
    # Before this layout nothing was signed.
    ledger = append.ledger(connection, hand, any_end=True)
    ledger.append(Event.NOTE, records.note(Note(Happening.MIGRATED, message, None, facts)))
