"""EDGE: the journal's tables in SQLite or PostgreSQL, how they are written, migrated, asked and checked."""
