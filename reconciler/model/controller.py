"""Who writes the records: one of the replicas of one controller, somewhere."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Controller:
    """Names of this process, for those who read its records.

    Attributes:
        instance: of the controller, which its replicas share.
        replica: of this one.
        environment: the environment or cluster, as people call it; empty where nobody said.
        host: the machine.
        pid: the process there.
    """

    instance: str = ""
    replica: str = ""
    environment: str = ""
    host: str = ""
    pid: int = 0


NOBODY = Controller()
