"""EDGE out: the journal. Append-only, hash-chained records that link every change to its commit, and what is served.

`Journal` is the door. Beside it, `chain`, `records`, `groups`, `clean`, `served` and `entry` are pure: what a record
holds and when a chain verifies. `schema`, `database`, `query` and `verify` touch the database.
"""

from reconciler.audit.entry import Entry
from reconciler.audit.journal import Journal

__all__ = ["Entry", "Journal"]
