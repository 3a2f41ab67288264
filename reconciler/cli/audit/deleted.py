"""Says what retention deleted, where a question is about it: never that there was nothing."""

from reconciler.audit import Journal
from reconciler.cli.audit.reading import wanted_entry
from reconciler.model.happening import Happening
from reconciler.model.question import Query
from reconciler.model.text import printable

_DELETIONS = Query(happened=frozenset({Happening.RETENTION_DELETE}), limit=1)


def missing(journal: Journal, wanted: str) -> str:
    """Why there is no such entry."""
    number = wanted_entry(wanted)
    if isinstance(number, int):
        by = journal.deletion_of(number)
        if by is not None:
            return f"entry {number} is deleted by retention, entry {by}: its hash is left"
    by_others = older(journal)
    return f"no entry {printable(wanted)}; `reconciler audit log` lists them{f'; {by_others}' if by_others else ''}"


def older(journal: Journal) -> str:
    """That something from before a moment is deleted; empty where nothing is."""
    found = journal.entries(_DELETIONS)
    if not found:
        return ""
    before = found[0].records[0].body.get("before")
    return f"what was not served any more before {before} is deleted by retention, entry {found[0].sequence}"
