"""What is wrong with the Mappings that ask for the same requests, told from the group alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.merge.policy import ConflictPolicy
from reconciler.model.problem import Code
from reconciler.model.resource import Competitor, MappingResource

WHOLE = 100  # percent


@dataclass(frozen=True, slots=True)
class Group:
    """Mappings or TCPMappings of one contest, by part: copies of the traffic, declared shares, and the rest."""

    shadows: tuple[MappingResource, ...]
    weighted: tuple[Competitor, ...]
    plain: tuple[Competitor, ...]

    @classmethod
    def of(cls, members: Sequence[Competitor]) -> "Group":
        """The members by part, each in the order given."""
        shadows = tuple(member for member in members if isinstance(member, MappingResource) and member.shadow)
        live = [member for member in members if member not in shadows] if shadows else members
        return cls(
            shadows,
            tuple(member for member in live if member.weight is not None),
            tuple(member for member in live if member.weight is None),
        )

    @property
    def weight(self) -> int:
        """The sum of the declared shares, in percent."""
        return sum(member.weight or 0 for member in self.weighted)


def stands_alone(members: Sequence[Competitor]) -> bool:
    """Whether one takes all the requests, as in nearly all contests: there is nothing to look for then."""
    if len(members) != 1 or members[0].weight is not None:
        return False
    return not (isinstance(members[0], MappingResource) and members[0].shadow)


def fault(group: Group, policy: ConflictPolicy) -> Code | None:
    """The first error of a group, or None when it can be served.

    ``SHADOW_ONLY``: copies, and nothing to copy. ``CONFLICT``: more than one takes what the weights leave over.
    ``WEIGHTS``: the declared shares leave requests without a Mapping, or are more than there are.
    """
    if group.shadows and not group.weighted and not group.plain:
        return Code.SHADOW_ONLY
    if len(group.plain) > 1 and policy is ConflictPolicy.QUARANTINE:
        return Code.CONFLICT
    too_much = group.weight > WHOLE
    too_little = bool(group.weighted) and not group.plain and group.weight < WHOLE
    return Code.WEIGHTS if too_much or too_little else None
