"""Groups that merge has nothing to say about, whatever else there is."""

from collections.abc import Sequence

from reconciler.merge.group import WHOLE, Group, fault
from reconciler.merge.policy import ConflictPolicy
from reconciler.model.resource import MappingResource


def is_undisputed(members: Sequence[MappingResource], policy: ConflictPolicy) -> bool:
    """Whether all Mappings of one match are served as they stand, without a finding."""
    group = Group.of(members)
    nothing_left = group.weight == WHOLE and bool(group.plain)
    return fault(group, policy) is None and len(group.plain) <= 1 and not nothing_left
