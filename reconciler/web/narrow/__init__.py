"""PURE: of what is shown, only what concerns the routes of some namespaces.

Whoever may see one namespace is told of others that something happened at most, and never what. So nothing is struck
out of a text here: what is shown is put together from the facts that are about routes of theirs, and texts that may
name others are left out.
"""

from reconciler.web.narrow.credits import Credited, credited
from reconciler.web.narrow.entries import narrowed_change, narrowed_entry
from reconciler.web.narrow.live import LIVE_WITHHELD, narrowed_live, narrowed_match
from reconciler.web.narrow.searched import agrees, askable
from reconciler.web.narrow.served import STANDING_WITHHELD, narrowed_at, narrowed_standing

__all__ = [
    "LIVE_WITHHELD",
    "STANDING_WITHHELD",
    "Credited",
    "agrees",
    "askable",
    "credited",
    "narrowed_at",
    "narrowed_change",
    "narrowed_entry",
    "narrowed_live",
    "narrowed_match",
    "narrowed_standing",
]
