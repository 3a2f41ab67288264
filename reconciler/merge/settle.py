"""Mappings that ask for the same requests: who serves them, and what the others fall back to."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from operator import itemgetter

from reconciler.merge import wording
from reconciler.merge.group import WHOLE, Group, fault, stands_alone
from reconciler.merge.ledger import Ledger
from reconciler.merge.policy import ConflictPolicy
from reconciler.model.problem import Code, Problem
from reconciler.model.resource import Competitor, Contest, MappingResource, ResourceId, TcpMappingResource


class MappingSettlement:
    """Settles all contests of one merge, each with what it touches, until none has a fault.

    The rules, per contest (Mappings that ask for the same requests):

    - ``CONFLICT``: of those without weight the senior one stays (`Ledger.seniority`), the others yield: their last
      good version comes back as a *guest*, which is dropped again wherever it causes a fault.
    - ``SHADOW_ONLY``: the shadows yield likewise.
    - ``WEIGHTS``: the contest goes back to exactly what served it before, as a whole: its last good members at their
      last good versions (one that has moved away or was deleted comes back, since the shares only add up with it),
      and newcomers yield. If those do not add up either, or nothing served it before, none of the members is served.

    It ends: a contest is put back at most once, since what is put back has no fault and only guests can still come;
    all else moves an identity on, from current to last good to absent.
    """

    def __init__(self, ledger: Ledger, policy: ConflictPolicy, contest: Callable[[Competitor], Contest]) -> None:
        self._ledger = ledger
        self._policy = policy
        self._contest = contest
        self._problems: list[Problem] = []
        self._at: dict[ResourceId, Contest] = {}
        self._members: dict[Contest, set[ResourceId]] = defaultdict(set)
        self._before: dict[Contest, list[Competitor]] = defaultdict(list)
        self._dirty: set[Contest] = set()
        self._position = {id_: position for position, id_ in enumerate(ledger.entries)}
        for id_, entry in ledger.entries.items():
            if isinstance(entry.last_good, MappingResource | TcpMappingResource):
                self._before[contest(entry.last_good)].append(entry.last_good)
            self._enter(id_)

    def settle(self) -> tuple[Problem, ...]:
        """Runs to the end; errors first, then the warnings of what is left."""
        while self._dirty:
            # By smallest member: no two contests share one, so the order depends on the content only.
            firsts = ((self._first(members), c) for c in self._dirty if (members := self._members[c]))
            dirty = sorted(firsts, key=itemgetter(0))
            self._dirty = set()
            for _, contest in dirty:
                self._treat(contest)
        return (*self._problems, *self._warnings())

    def _treat(self, contest: Contest) -> None:
        members = self._versions(contest)
        if stands_alone(members) or fault(Group.of(members), self._policy) is None:
            return
        residents = [member for member in members if member.origin.id not in self._ledger.guests]
        group = Group.of(residents)
        code = fault(group, self._policy)
        if code is Code.WEIGHTS:
            self._settle_weights(contest, members, group)
        elif len(residents) < len(members):
            for member in members:
                if member not in residents:
                    self._move(member.origin.id, self._ledger.drop)
        elif code is Code.CONFLICT:
            self._settle_conflict(contest, group)
        else:
            for shadow in group.shadows:
                self._problems.append(wording.shadow_only(shadow))
                self._move(shadow.origin.id, self._ledger.yield_place)

    def _settle_conflict(self, contest: Contest, group: Group) -> None:
        before = {mapping.origin.id for mapping in self._before[contest]}
        winner, *losers = sorted(
            group.plain, key=lambda mapping: self._ledger.seniority(mapping, mapping.origin.id in before)
        )
        for loser in losers:
            self._problems.append(wording.conflict(loser, winner))
            self._move(loser.origin.id, self._ledger.yield_place)

    def _settle_weights(self, contest: Contest, members: list[Competitor], group: Group) -> None:
        before = self._before[contest]
        ids = {mapping.origin.id for mapping in before}
        restored = before if fault(Group.of(before), self._policy) is None else []
        changed = [m for m in (*group.weighted, *group.plain) if not self._ledger.entries[m.origin.id].unchanged]
        blamed = (changed or group.weighted)[0]
        self._problems.append(wording.weights(group, blamed, restored))
        for member in members:
            if not restored and member.origin.id in ids:
                self._move(member.origin.id, self._ledger.drop)
            elif member.origin.id not in ids:
                self._move(member.origin.id, self._ledger.yield_place)
        for mapping in restored:
            self._move(mapping.origin.id, self._ledger.restore)

    def _warnings(self) -> Iterable[Problem]:
        shared = (self._versions(contest) for contest, ids in self._members.items() if len(ids) > 1)
        for members in sorted(shared, key=lambda versions: self._position[versions[0].origin.id]):
            group = Group.of(members)
            yield from (wording.split(mapping, group.plain[0]) for mapping in group.plain[1:])
            if group.weight == WHOLE:
                yield from (wording.nothing_left(mapping, group) for mapping in group.plain)

    def _first(self, ids: Iterable[ResourceId]) -> int:
        return min(map(self._position.__getitem__, ids))

    def _versions(self, contest: Contest) -> list[Competitor]:
        ids = self._members[contest]
        ordered = sorted(ids, key=self._position.__getitem__) if len(ids) > 1 else ids
        versions = (self._ledger.version(id_) for id_ in ordered)
        return [version for version in versions if isinstance(version, MappingResource | TcpMappingResource)]

    def _move(self, id_: ResourceId, step: Callable[[ResourceId], None]) -> None:
        """Takes one identity to its next place and marks the contests it leaves and enters."""
        left = self._at.pop(id_, None)
        if left is not None:
            self._members[left].discard(id_)
            self._dirty.add(left)
        step(id_)
        self._enter(id_)

    def _enter(self, id_: ResourceId) -> None:
        version = self._ledger.version(id_)
        if isinstance(version, MappingResource | TcpMappingResource):
            contest = self._contest(version)
            self._at[id_] = contest
            self._members[contest].add(id_)
            self._dirty.add(contest)
