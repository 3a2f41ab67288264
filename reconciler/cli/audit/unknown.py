"""What the journal can't say of a moment, and why."""

from datetime import datetime

from reconciler.cli.audit.times import stamped
from reconciler.model.question import ServedAt


def unknown(served: ServedAt, begins: datetime | None) -> str:
    """Why nobody knows from this journal what was served; empty where it does know.

    Args:
        served: what it answered.
        begins: when its first record was written; None where it has none.
    """
    if served.set_back is not None:
        return served.unknown
    if served.deleted is not None:
        return f"deleted by retention, entry {served.deleted}"
    if served.entry is not None:
        return "" if served.proven else "the documents are not kept, or not those that were recorded"
    if begins is None or served.moment < begins:
        return f"the journal begins {stamped(begins) if begins else 'later'}: what was served before is not known"
    return "nothing had been applied yet since the journal began: what Envoys held from before is not known"
