"""Exit codes, as documented in docs/reference/command-line.md."""

from enum import IntEnum


class Exit(IntEnum):
    """What the caller learns from the exit code alone."""

    FINE = 0
    PROBLEM = 1
    USAGE = 2
    BUG = 3
    CHANGES_PENDING = 10
    INTERRUPTED = 130
    TERMINATED = 143
