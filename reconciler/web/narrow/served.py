"""What was served and how the journal is, as those see it who may see some namespaces. Pure."""

from dataclasses import replace

from reconciler.model.question import JournalState, ServedAt
from reconciler.web.access import Scope
from reconciler.web.narrow.entries import narrowed_entry

STANDING_WITHHELD = ("anchors", "gaps", "open_intents", "place")


def narrowed_at(served: ServedAt, scope: Scope) -> ServedAt:
    """What was served at a moment: the documents that may be seen."""
    if scope.everything:
        return served
    entry = narrowed_entry(served.entry, scope) if served.entry else None
    origins = tuple(origin for origin in served.origins if scope.sees(origin.id.namespace))
    return replace(served, entry=entry, origins=origins, settings={})


def narrowed_standing(state: JournalState, scope: Scope) -> JournalState:
    """What is needed to check that nothing was changed or left out."""
    if scope.everything:
        return state
    return replace(state, anchors=(), gaps=(), open_intents=(), place="")
