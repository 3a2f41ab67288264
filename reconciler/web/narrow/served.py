"""What was served, how much happened and how the journal is, as those see it who may see some namespaces. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from reconciler.model.entry import Entry
from reconciler.model.question import JournalState, ServedAt, Volume
from reconciler.web.access import Scope
from reconciler.web.narrow.entries import narrowed_entry


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


def volume_of(entries: Iterable[Entry], since: datetime, until: datetime, stretches: int) -> tuple[Volume, ...]:
    """How much happened in each of so many equal stretches, counted from entries that may be seen."""
    width = (until - since) / stretches
    sorted_in: list[list[Entry]] = [[] for _ in range(stretches)]
    for entry in entries:
        place = int((entry.time - since) / width)
        if 0 <= place < stretches:
            sorted_in[place].append(entry)
    return tuple(_stretch(since + width * index, found) for index, found in enumerate(sorted_in))


def _stretch(begin: datetime, found: list[Entry]) -> Volume:
    happened = Counter(str(what) for entry in found for what in entry.happened)
    changes = sum(entry.creates + entry.updates + entry.deletes for entry in found if _applied(entry))
    lead_times = sorted(entry.lead_ms for entry in found if entry.lead_ms is not None)
    return Volume(begin, changes, dict(sorted(happened.items())), tuple(lead_times))


def _applied(entry: Entry) -> bool:
    return entry.decision is not None and entry.decision.value in ("Applied", "Partial")
