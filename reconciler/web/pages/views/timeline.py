"""The timeline: decisions by day, newest first, with what an auditor misses of each. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from reconciler.model.decision import Decision, Trigger
from reconciler.model.entry import UNKNOWN, Answer, Entry
from reconciler.model.happening import Happening
from reconciler.web.pages.views import badges, moments, outcomes
from reconciler.web.pages.views.badges import Badge, Tone
from reconciler.web.pages.views.moments import Moment


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the timeline.

    Attributes:
        title: the commit's subject, or what a note says.
        why: reason and message, where something is not well.
        counts: routes created, updated, deleted; or that would have been, or perhaps were.
        chips: what there is to say about evidence: what is missing stands out.
        hidden: what of it whoever asks may not see, in words.
        gap: nothing could be recorded for a while: shown as a break in the line.
    """

    number: int
    at: Moment
    badge: Badge
    title: str
    commit: str
    author: str
    actor: str
    why: str
    counts: tuple[Badge, ...]
    quarantined: int
    acks: tuple[Badge, ...]
    chips: tuple[Badge, ...]
    unknown: str
    hidden: str
    lead: str
    commits: int
    gap: bool
    quiet: bool


@dataclass(frozen=True, slots=True)
class Day:
    """The items of one day (UTC)."""

    day: str
    items: tuple[Item, ...]


def days(entries: Sequence[Entry], now: datetime) -> tuple[Day, ...]:
    """The log by day."""
    items = [item(entry, now) for entry in entries]
    return tuple(Day(day, tuple(group)) for day, group in groupby(items, key=lambda one: one.at.day))


def item(entry: Entry, now: datetime) -> Item:
    """One entry as a line."""
    badge = badges.of_entry(entry)
    note = entry.trigger is None
    told = not note and bool(entry.commit or entry.creates)
    hidden = told and "people" in entry.withheld
    chips, unknown = evidence(entry) if told and not hidden else (_overridden(entry), "")
    if not entry.intact:
        chips = (Badge("✕", "damaged: no evidence", Tone.BAD), *chips)
    return Item(
        number=entry.sequence,
        at=moments.moment(entry.time, now),
        badge=badge,
        title=title(entry),
        commit=entry.commit,
        author=entry.author,
        actor=entry.actor,
        why="" if note else why(entry),
        counts=outcomes.counts(entry),
        quarantined=entry.quarantined,
        acks=tuple(_acks(entry)),
        chips=chips,
        unknown=unknown,
        hidden="author, PR, approval, signature" if hidden else "",
        lead=moments.length(entry.lead_ms) if entry.lead_ms is not None and entry.lead_ms >= 0 else "",
        commits=max(0, len(entry.commits) - 1),
        gap=Happening.AUDIT_GAP in entry.happened,
        quiet=note or badge.tone is Tone.QUIET,
    )


def title(entry: Entry) -> str:
    """What it is about, in a line."""
    if entry.trigger is None:
        return entry.message or badges.of_entry(entry).word
    if entry.trigger is Trigger.DRIFT:
        return f"Somebody changed what Envoys hold; {_put_back(entry)}"
    if entry.trigger is Trigger.LATE_NACK:
        return "An Envoy rejected it later"
    return entry.subject or entry.revision or str(entry.trigger)


def _put_back(entry: Entry) -> str:
    """What became of it: only what was applied was put back."""
    if entry.decision is None and not entry.interrupted:
        return "it is being put back"
    if entry.decision is Decision.UNCHANGED:
        return "nothing was left to put back"
    match outcomes.applied(entry):
        case Answer.YES:
            return "it was put back"
        case Answer.NO:
            return "it was not put back"
        case Answer.UNKNOWN:
            return "whether it was put back is not known"


def why(entry: Entry) -> str:
    """Reason and message of what did not go well."""
    if entry.interrupted:
        return "the process ended between intent and result; what Envoys held in between is not known"
    return ": ".join(filter(None, (entry.reason, entry.message)))


def _acks(entry: Entry) -> list[Badge]:
    found = []
    for state, many in entry.acks:
        badge = badges.of_ack(state)
        found.append(Badge(badge.mark, f"{many} {badge.word}", badge.tone))
    return found


def evidence(entry: Entry) -> tuple[tuple[Badge, ...], str]:
    """What stands behind a change, and in one line what nobody knows."""
    chips: list[Badge] = []
    unknown: list[str] = []
    if entry.pull_request == UNKNOWN:
        unknown.append("PR")
    elif entry.pull_request:
        chips.append(Badge("⇡", f"PR #{entry.pull_request}", Tone.NOTICE))
    else:
        chips.append(Badge("✕", "no PR", Tone.WARN))
    if entry.self_approved:
        chips.append(Badge("✕", "self-approved", Tone.WARN))
    else:
        _add(chips, unknown, entry.approved, f"approved by {_names(entry)}", "not approved", "approval")
    _add(chips, unknown, entry.signed, "signed", "unsigned", "signature")
    return (*chips, *_overridden(entry)), ", ".join(unknown)


def _overridden(entry: Entry) -> tuple[Badge, ...]:
    return (Badge("!", "safeguard overridden", Tone.BAD),) if Happening.BREAK_GLASS in entry.happened else ()


def _names(entry: Entry) -> str:
    return ", ".join(name.partition(" <")[0] for name in entry.approvers or ())


def _add(chips: list[Badge], unknown: list[str], answer: Answer, yes: str, no: str, name: str) -> None:
    if answer is Answer.UNKNOWN:
        unknown.append(name)
    else:
        chips.append(badges.of_answer(answer, yes, no, ""))
