"""What applying did, told by whoever really knows."""

from dataclasses import dataclass
from enum import StrEnum


class AckState(StrEnum):
    """``UNKNOWN``: the transport has no way to say (files)."""

    PENDING = "Pending"
    ACKED = "Acked"
    NACKED = "Nacked"
    UNKNOWN = "Unknown"


class Evidence(StrEnum):
    """How we know."""

    STREAM = "stream"
    READ_BACK = "read-back"
    NONE = "none"


@dataclass(frozen=True, slots=True, order=True)
class Ack:
    """One Envoy's word (or silence) on one type.

    Attributes:
        node: Envoy's node id, or the directory of a file target.
        version: the version asked for.
        detail: Envoy's own error text, truncated, for NACKED.
    """

    target: str
    node: str
    type_url: str
    version: str
    state: AckState
    evidence: Evidence
    detail: str = ""
