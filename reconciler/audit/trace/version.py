"""Versions of documents as the journal has them, and the one that a moment is about. Pure.

Times are texts as the journal and Envoy write them, RFC 3339 UTC to the millisecond: they sort as the times do, and
millions of them need not be read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a document that was served.

    Attributes:
        kind, namespace, name: whose.
        path, line: where it stands.
        touch, author, written: the key of the commit or object version, who wrote it and when; empty for none.
        came: sequence of the record by which it came to be served; ``entry``: the number of its entry.
        begun: when that apply began to write it to Envoys.
        until: when the apply that replaced it had ended; None: it is served.
        document: digest of what was written.
    """

    kind: str
    namespace: str
    name: str
    path: str
    line: int
    touch: str
    author: str
    written: str
    came: int
    entry: int
    begun: str
    until: str | None
    document: str

    @property
    def mapping(self) -> str:
        """``namespace/name``."""
        return f"{self.namespace}/{self.name}"

    def covers(self, moment: str) -> bool:
        """Whether an Envoy that is told everything may have had it at that moment."""
        return self.begun <= moment and (self.until is None or moment < self.until)


def apart(version: Version, moment: str) -> float:
    """Seconds between a moment and the time a version was served; 0 within, negative before it."""
    if version.covers(moment):
        return 0.0
    edge = version.begun if moment < version.begun or version.until is None else version.until
    return (datetime.fromisoformat(moment) - datetime.fromisoformat(edge)).total_seconds()


def nearest(versions: Sequence[Version], moment: str) -> Version | None:
    """The version that was served at a moment, of several the newer one; otherwise the nearest in time."""
    covering = [one for one in versions if one.covers(moment)]
    if covering:
        return max(covering, key=lambda one: one.came)
    return min(versions, key=lambda one: (abs(apart(one, moment)), -one.came), default=None)
