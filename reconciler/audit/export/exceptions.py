"""What an auditor will ask about: changes that lack what a change should have. Pure."""

from collections.abc import Iterator
from datetime import datetime

from reconciler.model.decision import Decision
from reconciler.model.entry import UNKNOWN, Answer, Entry, took_effect
from reconciler.model.happening import Happening
from reconciler.model.question import Window

_HAPPENED = {
    Happening.BREAK_GLASS: "a safeguard was overridden",
    Happening.HISTORY_REWRITTEN: "the branch's history was rewritten",
    Happening.DRIFT_FOUND: "somebody else had changed what was served",
    Happening.INTERRUPTED: "the controller died during the apply: what it touched is not known",
    Happening.AUDIT_GAP: "something was done that could not be recorded when it was",
}


def exceptions(entry: Entry, hours: Window | None) -> tuple[str, ...]:
    """In words, each the same wherever it is one; what nobody asked a forge for is told apart from what is not there.

    Args:
        entry: of these, only those after which something else was served, or may have been, lack anything.
        hours: in which changes are expected; None where they are at any time.
    """
    found = [words for happening, words in _HAPPENED.items() if happening in entry.happened]
    if not entry.intact:
        found.insert(0, "its records are not as they were written: nothing below is evidence")
    if changes_served(entry):
        found.extend(_lacks(entry))
        if hours is not None and not within(entry.time, hours):
            found.append("outside the expected hours")
    return tuple(found)


def changes_served(entry: Entry) -> bool:
    """Whether something else was served by it, or may have been: what is looked at for exceptions."""
    return took_effect(entry)


def within(moment: datetime, hours: Window) -> bool:
    """Whether a moment is within hours of the week; those that end after midnight belong to the day they begin on."""
    local = moment.astimezone(hours.zone)
    clock, day = local.time(), local.weekday()
    if hours.begin < hours.end:
        return day in hours.days and hours.begin <= clock < hours.end
    late = day in hours.days and clock >= hours.begin
    return late or ((day - 1) % 7 in hours.days and clock < hours.end)


def _lacks(entry: Entry) -> Iterator[str]:
    match entry.pull_request:
        case "":
            yield "no pull request"
        case "unknown":
            yield "pull request unknown"
    if entry.self_approved:
        yield "approved by nobody but who wrote it"
    elif entry.approved is Answer.NO:
        yield "no approval"
    elif entry.approved is Answer.UNKNOWN:
        yield f"approval {UNKNOWN}"
    if entry.signed is not Answer.YES:
        yield "not signed by anybody trusted" if entry.signed is Answer.NO else f"signature {UNKNOWN}"
    if entry.decision in (Decision.APPLIED, Decision.PARTIAL) and entry.acknowledged is not Answer.YES:
        unheard = "not acknowledged by every Envoy"
        yield unheard if entry.acknowledged is Answer.NO else f"acknowledgement {UNKNOWN}"
