"""Settings to whoever writes the journal: it says when a process begins and ends, and goes on without it if it may."""

import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType

from reconciler.audit import Clerk, Journal, Spool
from reconciler.cli import log
from reconciler.model.controller import Controller
from reconciler.presence import began, ended
from reconciler.settings import Loaded
from reconciler.settings.recorded import as_recorded

SPOOL = "journal-missed.jsonl"
_ENDLESS = "run"


def identity(settings: Loaded) -> Controller:
    """This process, as records name it."""
    s = settings.settings
    host = socket.gethostname()
    return Controller(s.instance, s.replica or os.environ.get("POD_NAME", "") or host, s.environment, host, os.getpid())


def clerk_of(
    stack: ExitStack, settings: Loaded, journal: Journal, state: Path, clock: Callable[[], datetime], verb: str
) -> Clerk:
    """Writes the journal; that this process begins is recorded, and that it ends when the stack is left.

    A process that goes on until it is told to stop says so at once. One that is run every minute, and finds nothing,
    leaves no word.

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
    beginning = began(journal, clock(), who, verb, settings.digest, as_recorded(settings))
    clerk.open_with(beginning, waits=verb != _ENDLESS)

    def end(kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        error = kind if kind and issubclass(kind, Exception) else None  # others are ways to be told to end
        clerk.close_with(lambda number: ended(who, verb, number, error))

    stack.push(end)
    return clerk
