"""Who of a group gets how many of its requests."""

from collections.abc import Sequence
from typing import TypeVar

from reconciler.model.resource import MappingResource, TcpMappingResource

Member = TypeVar("Member", MappingResource, TcpMappingResource)

WHOLE = 100  # percent


def thresholds(members: Sequence[Member]) -> list[tuple[Member, int | None]]:
    """Every member with the threshold up to which it takes the requests no member before it took.

    Declared weights come first, the highest first; what they leave is shared evenly by those without a weight, and a
    remainder goes to the first of them by name. A weight of 0 is listed ahead of all, where its threshold of 0 keeps
    it visible and never true. The last one has None, so that no request falls past the group.

    Args:
        members: Mappings or TCPMappings of one match, none a shadow; at least one.
    """
    if len(members) == 1:
        return [(members[0], None)]
    by_name = sorted(members, key=lambda member: member.origin.id.qualified)
    paused = [member for member in by_name if member.weight == 0]
    weighted = sorted((m for m in by_name if m.weight), key=lambda member: -(member.weight or 0))
    plain = [member for member in by_name if member.weight is None]
    left = max(0, WHOLE - sum(member.weight or 0 for member in weighted))
    shares = [(member, 0) for member in paused] + [(member, member.weight or 0) for member in weighted]
    for position, member in enumerate(plain):
        share, remainder = divmod(left, len(plain))
        shares.append((member, share + (position < remainder)))
    reached = 0
    result: list[tuple[Member, int | None]] = []
    for member, share in shares[:-1]:
        reached = min(WHOLE, reached + share)
        result.append((member, reached))
    result.append((shares[-1][0], None))
    return result
