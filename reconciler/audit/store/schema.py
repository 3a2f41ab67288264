"""The tables of the journal, layout 3, in types that SQLite and PostgreSQL share.

Recorded is what `records`, `documents`, `checkpoints` and `anchors` hold. All else is a projection: worked out from the
bodies of the records, so that questions are answered without reading them. Verification works it out again and
compares, and a migration makes it anew. Nothing is projected of a record whose body retention deleted.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
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
_NUMBER = BigInteger().with_variant(Integer(), "sqlite")
_HASH = String(71)  # sha256: and 64 hex digits
_STAMP = String(24)  # RFC 3339, UTC, milliseconds
_ANSWER = String(7)  # yes, no, unknown

metadata = MetaData()


def _single_row() -> tuple[Column[int], CheckConstraint]:
    return Column("id", Integer, primary_key=True, autoincrement=False), CheckConstraint("id = 1", name="ck_only_one")


# `entry`: the number of the entry it belongs to, which is that of the intent for a result, and its own otherwise.
# `body` is NULL where retention deleted it; it comes last: SQLite reads a row from its start, so filters never walk
# through it.
records = Table(
    "records",
    metadata,
    Column("sequence", _NUMBER, primary_key=True, autoincrement=False),
    Column("hash", _HASH, nullable=False),
    Column("time", _STAMP, nullable=False),
    Column("event", String(32), nullable=False),
    Column("entry", _NUMBER, ForeignKey("records.sequence"), nullable=False),
    Column("intent", _NUMBER, ForeignKey("records.sequence"), unique=True),
    Column("body", LargeBinary),
    Index("ix_records_entry", "entry"),
)
# How many bodies are gone is told without looking at those that are not.
Index(
    "ix_records_pruned",
    records.c.sequence,
    sqlite_where=records.c.body.is_(None),
    postgresql_where=records.c.body.is_(None),
)

people = Table(
    "people",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("text", Text, nullable=False, unique=True),
)

# One line of the log each: intents, decisions and notes.
entries = Table(
    "entries",
    metadata,
    Column("number", _NUMBER, ForeignKey("records.sequence"), primary_key=True, autoincrement=False),
    Column("last", _NUMBER, ForeignKey("records.sequence")),
    Column("time", _STAMP, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
    Column("finished", _STAMP),
    Column("trigger", String(32)),
    Column("decision", String(32)),
    Column("interrupted", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("commit_sha", String(64)),
    Column("author_id", _NUMBER, ForeignKey("people.id")),
    Column("committer", Text, nullable=False),
    Column("pull_request", Text, nullable=False),
    Column("approved", _ANSWER, nullable=False),
    Column("self_approved", Boolean, nullable=False),
    Column("signed", _ANSWER, nullable=False),
    Column("acknowledged", _ANSWER, nullable=False),
    Column("changes_served", Boolean, nullable=False),
    Column("creates", Integer, nullable=False),
    Column("updates", Integer, nullable=False),
    Column("deletes", Integer, nullable=False),
    Column("quarantined", Integer, nullable=False),
    Column("lead_ms", BigInteger),
    Column("actor", Text, nullable=False),
    Column("commits_omitted", Integer, nullable=False),
    Index("ix_entries_time", "time_ms"),
    Index("ix_entries_commit", "commit_sha", "number"),
    Index("ix_entries_author", "author_id", "number"),
)
# Few entries bring more commits than their records list.
Index(
    "ix_entries_omitted",
    entries.c.number,
    sqlite_where=entries.c.commits_omitted > 0,
    postgresql_where=entries.c.commits_omitted > 0,
)

happenings = Table(
    "happenings",
    metadata,
    Column("happening", String(32), primary_key=True),
    Column("entry", _NUMBER, ForeignKey("entries.number"), primary_key=True),
    Index("ix_happenings_entry", "entry"),
    sqlite_with_rowid=False,
)

# Who wrote any of what an entry brought: authors of its commits and of its documents, and who wrote objects.
entry_people = Table(
    "entry_people",
    metadata,
    Column("person_id", _NUMBER, ForeignKey("people.id"), primary_key=True),
    Column("entry", _NUMBER, ForeignKey("entries.number"), primary_key=True),
    Index("ix_entry_people_entry", "entry"),
    sqlite_with_rowid=False,
)

# Every commit an entry brought, as far as its records name them, and the one of its revision.
entry_commits = Table(
    "entry_commits",
    metadata,
    Column("commit_sha", String(64), primary_key=True),
    Column("entry", _NUMBER, ForeignKey("entries.number"), primary_key=True),
    Index("ix_entry_commits_entry", "entry"),
    sqlite_with_rowid=False,
)

# What an entry is about. `op` is NULL for what is quarantined and was in no plan; `applied` is whether that change is
# served: not where it was refused, rejected, rolled back or is still under way.
touched = Table(
    "touched",
    metadata,
    Column("entry", _NUMBER, ForeignKey("entries.number"), primary_key=True),
    Column("kind", String(64), primary_key=True),
    Column("namespace", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("op", String(16)),
    Column("applied", Boolean, nullable=False),
    Index("ix_touched_resource", "name", "namespace", "kind", "entry"),
    Index("ix_touched_namespace", "namespace", "entry"),
    sqlite_with_rowid=False,
)

# The complete subtrees of level 1 and higher of the Merkle tree; its leaves are made from records.hash.
nodes = Table(
    "nodes",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("position", _NUMBER, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# The last record: where the next one attaches, and what a lost tail is noticed by; the right edge of the Merkle tree,
# and the signed checkpoint over all of it, empty where nothing signs.
head = Table(
    "head",
    metadata,
    *_single_row(),
    Column("sequence", _NUMBER, ForeignKey("records.sequence"), nullable=False),
    Column("hash", _HASH, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("checkpoint", Text, nullable=False),
)

# The signed checkpoints that were left outside, and where.
checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", _NUMBER, primary_key=True, autoincrement=False),
    Column("time", _STAMP, nullable=False),
    Column("text", Text, nullable=False),
)

anchors = Table(
    "anchors",
    metadata,
    Column("place", String(255), primary_key=True),
    Column("size", _NUMBER, ForeignKey("checkpoints.size"), primary_key=True),
    Column("time", _STAMP, nullable=False),
)

# Intents without a result yet: at most one, unless two controllers share a journal.
open_intents = Table(
    "open_intents",
    metadata,
    Column("sequence", _NUMBER, ForeignKey("records.sequence"), primary_key=True, autoincrement=False),
)

# What was written, by the digest of it: shared by all versions that are written the same.
documents = Table(
    "documents",
    metadata,
    Column("digest", _HASH, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

# Every version of every document that was served. It was served after record S where its era is that of the state
# after S and `since <= S` and (`until` is NULL or `until > S`). `came` is the result that brought the version; `since`
# is that too, or where the era began. After a migration nothing is known of what was served before: `came` is then the
# first result whose documents are known, and the version may be older.
served = Table(
    "served",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("era", Integer, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("touch_sha", Text),
    Column("touch_author", Text),
    Column("touch_time", Text),
    Column("document", _HASH, ForeignKey("documents.digest"), nullable=False),
    Column("came", _NUMBER, ForeignKey("records.sequence"), nullable=False),
    Column("since", _NUMBER, nullable=False),
    Column("until", _NUMBER),
    Index("ix_served_era", "era", "since"),
    Index("ix_served_resource", "kind", "namespace", "name", "came"),
    Index("ix_served_touch", "touch_sha"),
    Index("ix_served_document", "document"),
    Index("ix_served_until", "until"),
)
# At most one live version each, and how the one that ends is found.
Index(
    "ix_served_live",
    served.c.era,
    served.c.kind,
    served.c.namespace,
    served.c.name,
    unique=True,
    sqlite_where=served.c.until.is_(None),
    postgresql_where=served.c.until.is_(None),
)

# One per record that says what is served from it on; the newest is what is served now. `era` is NULL where the
# documents are not kept: of journals from before layout 3, and where retention deleted them.
served_states = Table(
    "served_states",
    metadata,
    Column("sequence", _NUMBER, ForeignKey("records.sequence"), primary_key=True, autoincrement=False),
    Column("time_ms", BigInteger, nullable=False),
    Column("entry", _NUMBER, ForeignKey("records.sequence"), nullable=False),
    Column("era", Integer),
    Column("revision", Text),
    Column("snapshot", _HASH),
    Column("resources", Integer, nullable=False),
    Column("documents", _HASH, nullable=False),
    Index("ix_served_states_time", "time_ms"),
)

# What must not be deleted for a legal reason: whose record is the hold, from when until when records are held.
holds = Table(
    "holds",
    metadata,
    Column("sequence", _NUMBER, ForeignKey("records.sequence"), primary_key=True, autoincrement=False),
    Column("since", _STAMP),
    Column("until", _STAMP),
    Column("reason", Text, nullable=False),
    Column("released", _NUMBER),
)
