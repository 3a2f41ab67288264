"""How long a change was on its way: commit → fetch → apply → acknowledged. Pure."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from reconciler.model.decision import Decision
from reconciler.model.entry import Answer, Entry
from reconciler.model.telling import brings_its_commit
from reconciler.web.pages.views import facts
from reconciler.web.pages.views.facts import Group
from reconciler.web.pages.views.moments import Moment, length, moment

WIDTH = 1000
_NARROWEST = 60


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg of the way; ``x`` and ``width`` in thousandths of the bar."""

    name: str
    what: str
    begin: Moment
    end: Moment
    length: str
    milliseconds: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Timing:
    """The way; ``skewed``: a clock of somebody else ran ahead of ours, so that a leg would be negative."""

    legs: tuple[Leg, ...]
    total: str
    skewed: bool


def timing(entry: Entry, begin: Group, end: Group) -> Timing | None:
    """The legs between the moments that the records tell; None where there are not two of them."""
    source = facts.group(begin, "source")
    effect = facts.group(end, "effect")
    finished = facts.time(end.get("finished_at"))
    written = facts.time(effect.get("written_at"))
    stops: list[tuple[str, str, datetime | None]] = [
        ("commit", "", facts.time(source.get("committed_at")) if brings_its_commit(source) else None),
        ("fetch", "from the commit until it was seen here", facts.time(source.get("fetched_at"))),
        _applied(entry, written, finished),
        ("acknowledge", _last(entry), finished if written and finished else None),
    ]
    known = [(name, what, at) for name, what, at in stops if at is not None]
    if len(known) < 2:  # noqa: PLR2004 - a way has two ends
        return None
    pairs = list(pairwise(known))
    lengths = [round((after[2] - before[2]).total_seconds() * 1000) for before, after in pairs]
    widths = _widths([max(0, ms) for ms in lengths])
    legs = []
    x = 0.0
    for (before, after), ms, width in zip(pairs, lengths, widths, strict=True):
        told = length(ms) if ms >= 0 else f"{length(-ms)} before it"
        legs.append(Leg(after[0], after[1], moment(before[2]), moment(after[2]), told, ms, x, width))
        x += width
    whole = round((known[-1][2] - known[0][2]).total_seconds() * 1000)
    return Timing(tuple(legs), length(max(0, whole)), any(ms < 0 for ms in lengths))


def _applied(entry: Entry, written: datetime | None, finished: datetime | None) -> tuple[str, str, datetime | None]:
    """Until it was written; where nobody knows when that was, or nothing was, until it ended."""
    if entry.decision not in (Decision.APPLIED, Decision.PARTIAL, Decision.ROLLED_BACK):
        return "decide", "read, checked and planned; nothing was touched", finished
    return "apply", "read, checked, planned, written" + ("" if written else f"; {_last(entry)}"), written or finished


def _last(entry: Entry) -> str:
    if entry.acknowledged is Answer.YES:
        return "until every Envoy had said yes"
    return (
        "until it was given up waiting" if entry.acknowledged is Answer.NO else "until it was done; nobody can say more"
    )


def _widths(lengths: list[int]) -> list[float]:
    """Shares of the bar, none too narrow to be seen."""
    total = sum(lengths) or 1
    wished = [max(_NARROWEST, WIDTH * ms / total) for ms in lengths]
    excess = sum(wished) - WIDTH
    room = sum(width - _NARROWEST for width in wished) or 1
    return [width - excess * (width - _NARROWEST) / room for width in wished]
