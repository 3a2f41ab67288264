"""Opens the journal for the verbs that read it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import click

from reconciler.audit import Journal
from reconciler.cli.clock import now
from reconciler.cli.journal import open_journal
from reconciler.model.asked import moment
from reconciler.settings import Loaded

_SHORTEST_COMMIT = 7  # git's own shortest abbreviation; below it a number is an entry
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


@contextmanager
def opened(settings: Loaded) -> Iterator[Journal]:
    """The journal of these settings, to read; also while a controller writes it.

    Raises:
        Stalled: there is none, or it is damaged.
    """
    journal = open_journal(settings.settings, now, read_only=True)
    try:
        yield journal
    finally:
        journal.close()


def wanted_entry(text: str) -> int | str:
    """The number of an entry, or the first digits of a commit, in any case."""
    text = text.strip().lower()
    return int(text) if text.isascii() and text.isdigit() and len(text) < _SHORTEST_COMMIT else text


def wanted_moment(journal: Journal, text: str) -> datetime | int | None:
    """A moment, or the number of an entry, also that of a commit; None where there is no such entry.

    Raises:
        click.BadParameter: it is none of these.
    """
    if (text.isascii() and text.isdigit()) or _COMMIT.fullmatch(text.strip().lower()):
        entry = journal.entry(wanted_entry(text))
        return entry.sequence if entry else None
    try:
        return moment(text, now())
    except ValueError as error:
        raise click.BadParameter(f"{error}, or the number of an entry, or a commit") from error
