"""Who writes the records: one of the replicas of one controller, somewhere."""

from dataclasses import dataclass

from reconciler.model.digest import Json


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

    def as_json(self) -> dict[str, Json]:
        """For records; ``unknown`` what nobody said."""
        said: dict[str, Json] = {
            "instance": self.instance,
            "replica": self.replica,
            "environment": self.environment,
            "host": self.host,
            "pid": self.pid,
        }
        return {name: value or "unknown" for name, value in said.items()}


NOBODY = Controller()
