"""The tables of layout 2; to go once the journal writes layout 3."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

# In SQLite only an INTEGER primary key is the row's own number.
_SEQUENCE = BigInteger().with_variant(Integer(), "sqlite")
_HASH = String(71)  # sha256: and 64 hex digits

metadata = MetaData()


def _single_row() -> tuple[Column[int], CheckConstraint]:
    return Column("id", Integer, primary_key=True, autoincrement=False), CheckConstraint("id = 1")


# The columns beside `body` repeat what the body says, for filters only; verification holds them against it. The body
# comes last: SQLite reads a row from its start, so filters never walk through it.
records = Table(
    "records",
    metadata,
    Column("sequence", _SEQUENCE, primary_key=True, autoincrement=False),
    Column("hash", _HASH, nullable=False),
    Column("time", String(24), nullable=False),
    Column("event", String(32), nullable=False),
    Column("intent", _SEQUENCE, ForeignKey("records.sequence"), unique=True),
    Column("commit_sha", String(64), index=True),
    Column("author", Text),
    Column("body", LargeBinary, nullable=False),
)

# The resources a record is about: what `audit log` filters by.
touched = Table(
    "touched",
    metadata,
    Column("sequence", _SEQUENCE, ForeignKey("records.sequence"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("namespace", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Index("ix_touched_resource", "name", "namespace", "sequence"),
    sqlite_with_rowid=False,
)

# The last record: where the next one attaches, and what a lost tail is noticed by.
head = Table(
    "head",
    metadata,
    *_single_row(),
    Column("sequence", _SEQUENCE, ForeignKey("records.sequence"), nullable=False),
    Column("hash", _HASH, nullable=False),
)

# Intents without a result yet: at most one, unless two controllers share a journal.
open_intents = Table(
    "open_intents",
    metadata,
    Column("sequence", _SEQUENCE, ForeignKey("records.sequence"), primary_key=True, autoincrement=False),
)

# What was last applied, document by document: enough to serve it again without Git.
served = Table(
    "served",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("namespace", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("path", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("touch_sha", Text),
    Column("touch_author", Text),
    Column("touch_time", Text),
    Column("document", LargeBinary, nullable=False),
)

served_head = Table(
    "served_head",
    metadata,
    *_single_row(),
    Column("sequence", _SEQUENCE, ForeignKey("records.sequence"), nullable=False),
    Column("revision", Text),
    Column("snapshot", _HASH),
)
