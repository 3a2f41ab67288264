"""Settings to whoever writes the journal: it says when a process begins and ends, and goes on without it if it may."""

import os
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path

from reconciler.audit import Clerk, Journal, Spool
from reconciler.cli import log
from reconciler.model.controller import Controller
from reconciler.model.errors import ReconcileError
from reconciler.presence import began, ended
from reconciler.settings import Loaded
from reconciler.settings.recorded import as_recorded

SPOOL = "journal-missed.jsonl"


def identity(settings: Loaded) -> Controller:
    """This process, as records name it."""
    s = settings.settings
    host = socket.gethostname()
    return Controller(s.instance, s.replica or os.environ.get("POD_NAME", "") or host, s.environment, host, os.getpid())


def clerk_of(
    stack: ExitStack, settings: Loaded, journal: Journal, state: Path, clock: Callable[[], datetime], verb: str
) -> Clerk:
    """Writes the journal; that this process begins is recorded now, and that it ends when the stack is left.

    Args:
        stack: to be left before the journal is closed.
        settings: what it works with.
        journal: written.
        state: the state directory, for what could not be written.
        clock: the time now, aware.
        verb: what this process does.

    Raises:
        Stalled, Transient: the journal can't be read.
    """
    who = identity(settings)
    goes_on = settings.settings.journal_failure == "open"
    clerk = Clerk(journal, clock, goes_on, Spool.at(state / SPOOL), log.log_journal)
    started = clerk.open_with(began(journal, who, verb, settings.digest, as_recorded(settings)))

    def end() -> None:
        with suppress(ReconcileError):  # then the next process finds that this one ended without a word
            clerk.note(ended(who, verb, started))

    stack.callback(end)
    return clerk
