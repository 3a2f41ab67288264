"""What every verb that reads the journal shares: opening it, times in flags, one line for an entry."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import click

from reconciler.audit import Journal
from reconciler.cli.wiring import JOURNAL, now
from reconciler.model.decision import Decision
from reconciler.model.entry import Entry
from reconciler.model.text import printable
from reconciler.settings import Loaded

_COLOURS = {
    Decision.APPLIED: "green",
    Decision.UNCHANGED: "green",
    Decision.PARTIAL: "yellow",
    Decision.REFUSED: "red",
    Decision.ROLLED_BACK: "red",
    Decision.FAILED: "red",
}

_ACKS = {"Acked": "acknowledged", "Nacked": "rejected", "Pending": "silent", "Unknown": "written"}


@contextmanager
def opened(settings: Loaded) -> Iterator[Journal]:
    """The journal of these settings, to read; also while a controller writes it.

    Raises:
        Stalled: there is none, or it is damaged.
    """
    journal = Journal.open(settings.settings.state / JOURNAL, now, read_only=True)
    try:
        yield journal
    finally:
        journal.close()


def utc(moment: datetime | None) -> datetime | None:
    """A moment that was given without a zone."""
    return moment.replace(tzinfo=now().tzinfo) if moment else None


def line(entry: Entry) -> str:
    """An entry in one line for people."""
    decision = str(entry.decision) if entry.decision else ("Interrupted" if entry.interrupted else "under way")
    colour = _COLOURS.get(entry.decision, "yellow") if entry.decision else "yellow"
    counts = "".join(
        f" {sign}{many}" for sign, many in (("+", entry.creates), ("~", entry.updates), ("-", entry.deletes)) if many
    )
    acks = ", ".join(f"{many} {_ACKS.get(state, state)}" for state, many in entry.acks)
    words = [
        f"{entry.sequence:>5}",
        f"{entry.time:%Y-%m-%d %H:%M:%S}",
        click.style(f"{decision:<11}", fg=colour),
        click.style(entry.commit[:7] or "-", fg="cyan"),
        printable(f"{entry.author or '-'}: {entry.subject or '-'}"),
        f"[{counts.strip()}]" if counts else "",
        f"({acks})" if acks else "",
        entry.reason,
    ]
    return "  ".join(word for word in words if word)
