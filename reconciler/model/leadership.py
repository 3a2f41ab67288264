"""Which of several replicas leads."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Leadership:
    """How an election stands, as one replica knows it.

    Attributes:
        leads: whether this replica leads.
        identity: its name.
        holder: who holds the Lease; empty for nobody, or where that is not known.
        trouble: why the Lease can't be had or renewed; empty where nothing is wrong.
    """

    leads: bool
    identity: str
    holder: str
    trouble: str
