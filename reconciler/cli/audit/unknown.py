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
    if served.unknown and served.since is None and served.deleted is None and begins and served.moment < begins:
        return f"the journal begins {stamped(begins)}: what was served before is not known"
    return served.unknown
