"""What has to be known of a table to change a few of its Mappings without looking at the others."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.model.resource import Contest, MappingResource, ResourceId, contest
from reconciler.model.table import RouteTable
from reconciler.table.surroundings import Surroundings
from reconciler.table.used import names_of

Group = tuple[MappingResource, ...]  # the Mappings of one match, in order of identity


@dataclass(slots=True)
class Standing:
    """The Mappings of a table, by what is asked of them. Kept up to date in place: it has one owner.

    Attributes:
        mappings: as merge left them, by identity.
        groups: identities by what they compete for, each in order.
        uses: how many routes and mirrors name a cluster.
    """

    around: Surroundings
    mappings: dict[ResourceId, MappingResource]
    groups: dict[Contest, tuple[ResourceId, ...]]
    uses: Counter[str]

    @classmethod
    def of(cls, mappings: Iterable[MappingResource], around: Surroundings, table: RouteTable) -> "Standing":
        """What is known of a table that was built.

        Args:
            mappings: those it was built of, in order of identity.
            around: what they were placed in.
            table: what came of it.
        """
        by_id = {mapping.origin.id: mapping for mapping in mappings}
        selecting, implicit = around.documents.selecting, around.documents.implicit
        groups: dict[Contest, list[ResourceId]] = defaultdict(list)
        for name, mapping in by_id.items():
            groups[contest(mapping, selecting, implicit=implicit)].append(name)
        uses = Counter(name for route in table.routes for name in names_of(route))
        return cls(around, by_id, {key: tuple(names) for key, names in groups.items()}, uses)

    def contest(self, mapping: MappingResource) -> Contest:
        """What a Mapping competes for."""
        return contest(mapping, self.around.documents.selecting, implicit=self.around.documents.implicit)

    def group(self, key: Contest) -> Group:
        """The Mappings of one match."""
        return tuple(self.mappings[name] for name in self.groups.get(key, ()))

    def take(self, change: "Regrouping", uses: Counter[str]) -> None:
        """From here on the Mappings are those after a change.

        Args:
            change: it.
            uses: how much more often, or less, clusters are named.
        """
        self.uses.update(uses)
        for cluster in uses:
            if not self.uses[cluster]:
                del self.uses[cluster]
        for name in change.gone:
            del self.mappings[name]
        self.mappings.update((mapping.origin.id, mapping) for mapping in change.come)
        for key, group in change.after.items():
            if group:
                self.groups[key] = tuple(member.origin.id for member in group)
            else:
                self.groups.pop(key, None)


@dataclass(frozen=True, slots=True)
class Regrouping:
    """A change of Mappings, as the groups it touches.

    Attributes:
        gone: identities that are no more.
        come: new Mappings, and new versions.
        before, after: every group that differs, by what it competes for; empty where there is none.
    """

    gone: tuple[ResourceId, ...]
    come: tuple[MappingResource, ...]
    before: dict[Contest, Group]
    after: dict[Contest, Group]

    @classmethod
    def of(cls, standing: Standing, gone: Sequence[ResourceId], come: Sequence[MappingResource]) -> "Regrouping":
        """What becomes of the groups.

        Args:
            standing: before the change, and left as it is.
            gone: identities that are no more.
            come: new Mappings, and new versions of those there are.
        """
        new = {mapping.origin.id: mapping for mapping in come}
        old = [standing.mappings[name] for name in (*gone, *new) if name in standing.mappings]
        entered: dict[Contest, list[MappingResource]] = defaultdict(list)
        for mapping in come:
            entered[standing.contest(mapping)].append(mapping)
        keys = dict.fromkeys([*(standing.contest(mapping) for mapping in old), *entered])
        before = {key: standing.group(key) for key in keys}
        leaving = {mapping.origin.id for mapping in old}
        after = {
            key: tuple(
                sorted(
                    [*(member for member in group if member.origin.id not in leaving), *entered.get(key, ())],
                    key=lambda member: member.origin.id,
                )
            )
            for key, group in before.items()
        }
        return cls(tuple(gone), tuple(come), before, after)

    @property
    def members(self) -> tuple[MappingResource, ...]:
        """Every Mapping of the groups afterwards."""
        return tuple(member for group in self.after.values() for member in group)

    @property
    def former(self) -> tuple[MappingResource, ...]:
        """Every Mapping of the groups before."""
        return tuple(member for group in self.before.values() for member in group)
