"""From layouts 1 and 2, which only SQLite had: bodies may be deleted, and what was served before is kept.

Of what was served before the last result only digests are known, which the results recorded.
"""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = None
branch_labels = None
depends_on = None

_OLD = ("records", "served", "served_head")
_DROPPED = ("touched", "head", "open_intents")
_HASH = sa.String(71)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TOLD = ("revision", "snapshot", "resources", "documents")
_RESULTS = sa.text(
    "SELECT sequence, intent, time, body FROM old_records WHERE event IN ('result', 'decision') ORDER BY sequence"
)
_STATE = sa.text(
    "INSERT INTO served_states (sequence, time_ms, entry, era, revision, snapshot, resources, documents) "
    "VALUES (:sequence, :time_ms, :entry, :era, :revision, :snapshot, :resources, :documents)"
)
_PLACE = "kind, namespace, name, path, line, touch_sha, touch_author, touch_time"
_SERVED = sa.text(f"SELECT {_PLACE}, document FROM old_served")  # noqa: S608 - our own columns
_DOCUMENT = sa.text("INSERT INTO documents (digest, body) VALUES (:digest, :body) ON CONFLICT DO NOTHING")
_VERSION = sa.text(
    f"INSERT INTO served (era, {_PLACE}, document, came, since) "  # noqa: S608 - likewise
    "VALUES (1, :kind, :namespace, :name, :path, :line, :touch_sha, :touch_author, :touch_time, "
    ":document, :came, :came)"
)


def upgrade() -> None:
    """Moves records and what is served into the new tables."""
    for name in _DROPPED:
        op.drop_table(name)
    op.drop_index("ix_records_commit_sha", "records")
    for name in _OLD:
        op.rename_table(name, f"old_{name}")
    _make_tables()
    op.execute(
        "INSERT INTO records (sequence, hash, time, event, entry, intent, body) "
        "SELECT sequence, hash, time, event, coalesce(intent, sequence), intent, body FROM old_records"
    )
    head = op.get_bind().execute(sa.text("SELECT sequence FROM old_served_head")).scalar()
    _move_served(head)
    _tell_states(head)
    for name in reversed(_OLD):
        op.drop_table(f"old_{name}")


def _make_tables() -> None:
    op.create_table(
        "records",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", _HASH, nullable=False),
        sa.Column("time", sa.String(24), nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("intent", sa.Integer()),
        sa.Column("body", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("sequence"),
        sa.ForeignKeyConstraint(["entry"], ["records.sequence"]),
        sa.ForeignKeyConstraint(["intent"], ["records.sequence"]),
        sa.UniqueConstraint("intent"),
    )
    op.create_index("ix_records_entry", "records", ["entry"])
    op.create_index("ix_records_pruned", "records", ["sequence"], sqlite_where=sa.text("body IS NULL"))
    op.create_table(
        "documents",
        sa.Column("digest", _HASH, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "served",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("era", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("namespace", "name", "path")),
        sa.Column("line", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text()) for name in ("touch_sha", "touch_author", "touch_time")),
        sa.Column("document", _HASH, nullable=False),
        sa.Column("came", sa.Integer(), nullable=False),
        sa.Column("since", sa.Integer(), nullable=False),
        sa.Column("until", sa.Integer()),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["document"], ["documents.digest"]),
        sa.ForeignKeyConstraint(["came"], ["records.sequence"]),
    )
    op.create_index("ix_served_era", "served", ["era", "since"])
    op.create_index("ix_served_resource", "served", ["kind", "namespace", "name", "came"])
    op.create_index("ix_served_touch", "served", ["touch_sha"])
    op.create_index("ix_served_document", "served", ["document"])
    op.create_index("ix_served_until", "served", ["until"])
    live = ["era", "kind", "namespace", "name"]
    op.create_index("ix_served_live", "served", live, unique=True, sqlite_where=sa.text("until IS NULL"))
    op.create_table(
        "served_states",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("era", sa.Integer()),
        sa.Column("revision", sa.Text()),
        sa.Column("snapshot", _HASH),
        sa.Column("resources", sa.Integer(), nullable=False),
        sa.Column("documents", _HASH, nullable=False),
        sa.PrimaryKeyConstraint("sequence"),
        sa.ForeignKeyConstraint(["sequence"], ["records.sequence"]),
        sa.ForeignKeyConstraint(["entry"], ["records.sequence"]),
    )
    op.create_index("ix_served_states_time", "served_states", ["time_ms"])


def _move_served(head: int | None) -> None:
    """What is served now is the first era; since when each version was served is not known any more."""
    connection = op.get_bind()
    # Row by row: all documents, or all bodies, may be more than fits into memory.
    for row in connection.execute(_SERVED).mappings():
        digest = "sha256:" + sha256(row["document"]).hexdigest()
        connection.execute(_DOCUMENT, {"digest": digest, "body": row["document"]})
        connection.execute(_VERSION, {**row, "document": digest, "came": head})


def _tell_states(head: int | None) -> None:
    """What each result said is served; the documents are known of the last one only."""
    connection = op.get_bind()
    for row in connection.execute(_RESULTS):
        told = json.loads(row.body).get("served")
        if told is not None:
            frame = {
                "sequence": row.sequence,
                "time_ms": (datetime.fromisoformat(row.time) - _EPOCH) // timedelta(milliseconds=1),
                "entry": row.intent or row.sequence,
                "era": 1 if row.sequence == head else None,
            }
            connection.execute(_STATE, frame | {name: told[name] for name in _TOLD})
