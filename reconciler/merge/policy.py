"""What to do when Mappings ask for the same requests."""

from enum import StrEnum


class ConflictPolicy(StrEnum):
    """What happens to Mappings without ``weight`` that ask for the same requests.

    ``QUARANTINE``: the first wins, the others are quarantined. ``SPLIT``: all are kept and share evenly, as Emissary
    does it; a warning says so.
    """

    QUARANTINE = "quarantine"
    SPLIT = "split"
