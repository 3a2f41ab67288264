"""Whom the changes of an entry are credited to, each at once, however many there are. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from reconciler.audit.export.facts import Changed, Group, change, dicts, first, last, text
from reconciler.model.credit import Credit, credit
from reconciler.model.digest import Json
from reconciler.model.entry import Answer, Entry
from reconciler.model.plan import Op
from reconciler.model.question import ROUTE_KINDS, RouteChange
from reconciler.model.resource import Kind, ResourceId


class Held:
    """The routes that were not served as they are written, in the entries so far."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def past(self, entry: Entry, changed: Iterable[Changed]) -> None:
        """An entry is told; they come oldest first."""
        self._names.difference_update(each.identity for each in changed if each.applied is Answer.YES)
        for each in dicts(last(entry).get("quarantined")):
            self._names.add("/".join(text(each.get(part)) for part in ("kind", "namespace", "name")))


@dataclass(frozen=True, slots=True)
class Credits:
    """What an entry tells of its commits, and of documents that have a say in routes of others.

    Attributes:
        entry: any.
        documents: other than those of routes.
        around: the files in which these are written.
        commits: of the entry, without the files they changed, where these are known.
        at: which of them, by number, changed a file.
    """

    entry: Entry
    documents: list[Group]
    around: frozenset[str]
    commits: list[Group]
    at: dict[str, set[int]]

    @classmethod
    def of(cls, entry: Entry) -> "Credits":
        """Read once for all routes of an entry."""
        routes = set(map(str, ROUTE_KINDS))
        documents = [each for each in dicts(change(entry).get("documents")) if each.get("kind") not in routes]
        commits, at = dicts(first(entry, "source").get("commits")), defaultdict[str, set[int]](set)
        for number, commit in enumerate(commits):
            paths = commit.get("paths")
            if isinstance(paths, list):
                for path in paths:
                    at[text(path)].add(number)
                commits[number] = {**commit, "paths": []}
        return cls(entry, documents, frozenset(_paths(documents)), commits, at)

    def credit(self, found: Changed, *, held: bool) -> Credit | None:
        """Whom a change is credited to; None for what is no route.

        Args:
            found: a change of the entry.
            held: before it, what was written was not served as it is.
        """
        if found.told.get("kind") not in set(map(str, ROUTE_KINDS)) or found.op not in set(Op):
            return None
        name = ResourceId(Kind(found.kind), found.namespace, found.name)
        before, after = found.told.get("before"), found.told.get("after")
        about = self._about(found.told)
        applied = found.applied is Answer.YES
        return credit(RouteChange(about, Op(found.op), found.fields, before, after, applied, name, held))

    def _about(self, route: Group) -> Entry:
        """The entry, with no more than concerns one route: what is looked for in it is found at once."""
        near = self.around | set(_paths([route]))
        commits: list[Json] = list(self.commits)
        for number in set[int]().union(*(self.at.get(path, ()) for path in near)):
            paths: list[Json] = [path for path in near if number in self.at.get(path, ())]
            commits[number] = {**self.commits[number], "paths": paths}
        source: Json = {**first(self.entry, "source"), "commits": commits}
        body: Group = {"source": source, "change": {"routes": [route], "documents": list(self.documents)}}
        return replace(self.entry, records=(replace(self.entry.records[0], body=body),))


def _paths(documents: Iterable[Group]) -> Iterator[str]:
    places = (each.get(side) for each in documents for side in ("before", "after"))
    return (text(place.get("path")) for place in places if isinstance(place, dict))
