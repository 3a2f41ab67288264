"""What a forge knows of how a commit came in: asked for, never guessed."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody approved a commit.

    Attributes:
        by: as the forge calls them.
        email: as the forge knows it; empty where it does not say.
        at: when, aware; None where it does not say.
        commit: what they had seen when they did; empty where it does not say.
    """

    by: str
    at: datetime | None = None
    commit: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class CheckRun:
    """A check of the forge, and how it ended in its words."""

    name: str
    result: str


@dataclass(frozen=True, slots=True)
class Review:
    """The pull request by which a commit came in. Empty texts are what the forge says there is not.

    Attributes:
        number: empty where the commit came without one.
        author: who opened it.
        pusher: who pushed the commit to the branch.
        merged_at: aware; None where it was not merged, or the forge does not say when.
    """

    number: str
    url: str = ""
    title: str = ""
    author: str = ""
    approvals: tuple[Approval, ...] = ()
    merger: str = ""
    merged_at: datetime | None = None
    checks: tuple[CheckRun, ...] = ()
    pusher: str = ""
