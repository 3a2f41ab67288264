"""Who claims something, and who may."""

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.model.ownership import Team
from reconciler.model.provenance import namespace_of

ALL_FILES = "."


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who wrote a document, as far as the place where it stands proves it.

    Attributes:
        namespace: of the object of the cluster it stands in; None for a file.
        path: of the file; empty for an object.
    """

    namespace: str | None
    path: str

    @classmethod
    def of(cls, path: str) -> "Claimant":
        """By the path of a `Provenance`. What the document says of its namespace proves nothing."""
        namespace = namespace_of(path)
        return cls(namespace, "" if namespace is not None else path)

    def __str__(self) -> str:
        return f"namespace {self.namespace}" if self.namespace is not None else self.path


@dataclass(frozen=True, slots=True)
class Holders:
    """Who may claim something; names of teams are resolved.

    Attributes:
        names: how they are called, sorted: for messages.
        paths: each with a slash behind it, and nothing for all files.
    """

    names: tuple[str, ...] = ()
    namespaces: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()
    everyone: bool = False

    def include(self, claimant: Claimant) -> bool:
        """Whether one is among them."""
        if self.everyone:
            return True
        if claimant.namespace is not None:
            return claimant.namespace in self.namespaces
        return f"{claimant.path}/".startswith(self.paths)

    def __str__(self) -> str:
        return " and ".join(self.names) if self.names else "nobody"


def of_teams(teams: Iterable[Team]) -> Holders:
    """The members of teams."""
    listed = sorted(teams, key=lambda team: team.name)
    return Holders(
        tuple(dict.fromkeys(f"team {team.name}" for team in listed)),
        frozenset(namespace for team in listed for namespace in team.namespaces),
        folders(path for team in listed for path in team.paths),
    )


def folders(paths: Iterable[str]) -> tuple[str, ...]:
    """What the paths of files begin with that are some path, or lie in it."""
    return tuple(sorted({"" if path == ALL_FILES else f"{path}/" for path in paths}))


def united(holders: Iterable[Holders]) -> Holders:
    """All of some."""
    listed = list(holders)
    return Holders(
        tuple(sorted({name for one in listed for name in one.names})),
        frozenset().union(*(one.namespaces for one in listed)),
        tuple(sorted({path for one in listed for path in one.paths})),
        any(one.everyone for one in listed),
    )
