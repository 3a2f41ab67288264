"""What files hold once they are read, all together and one by one."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

from reconciler.model.problem import Problem
from reconciler.model.resource import Rejected, Resource


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the files hold.

    Attributes:
        resources: in the order of files and documents; identities may repeat.
        rejected: documents that should have given a resource and did not.
        problems: in the order of documents, best first within each.
    """

    resources: tuple[Resource, ...]
    rejected: tuple[Rejected, ...]
    problems: tuple[Problem, ...]


NOTHING_LOADED = Loaded((), (), ())

_RESOURCES, _REJECTED, _PROBLEMS = attrgetter("resources"), attrgetter("rejected"), attrgetter("problems")


def joined(parts: Iterable[Loaded]) -> Loaded:
    """What several files hold, in their order. No loop of ours: there may be a hundred thousand."""
    listed = list(parts)
    return Loaded(
        tuple(chain.from_iterable(map(_RESOURCES, listed))),
        tuple(chain.from_iterable(map(_REJECTED, listed))),
        tuple(chain.from_iterable(map(_PROBLEMS, listed))),
    )


@dataclass(frozen=True, slots=True)
class FilePart:
    """What one file holds, and all that it follows from besides the settings.

    Attributes:
        blob: names its content.
        commits: ids of the commits its documents come from, in order; empty where there is no history.
    """

    blob: str
    commits: tuple[str, ...]
    loaded: Loaded
