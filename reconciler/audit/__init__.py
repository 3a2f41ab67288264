"""EDGE out: the journal. Append-only, hash-chained records that link every change to its commit, and what is served.

`Journal` is the door. `record` (what a record holds) and `proof` (why it can't be changed unseen) are pure; `store` is
the database.
"""

from reconciler.audit.clerk import Clerk
from reconciler.audit.journal import Journal
from reconciler.audit.retaining import Retention
from reconciler.audit.spool import Spool
from reconciler.audit.store.append import KeyOf
from reconciler.audit.store.proving import Range
from reconciler.audit.store.versions import RecordedVersions

__all__ = ["Clerk", "Journal", "KeyOf", "Range", "RecordedVersions", "Retention", "Spool"]
