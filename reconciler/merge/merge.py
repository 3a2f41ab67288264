"""Who serves: one version per identity, one Mapping per request, and what stands in for what is quarantined."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

from reconciler.merge.claims import settle_hostnames, settle_modules, settle_policies, settle_ports, settle_services
from reconciler.merge.identity import Unseen, enter, held_problems
from reconciler.merge.ledger import Ledger
from reconciler.merge.ownership import FREE, Ownership, admit, own_claims
from reconciler.merge.policy import ConflictPolicy
from reconciler.merge.settle import MappingSettlement
from reconciler.model.platform import serves_all_that_is_named
from reconciler.model.problem import Problem, rank
from reconciler.model.resource import HostResource, OwnershipResource, Rejected, Resource, ResourceId, contest
from reconciler.model.source import Realm

Versions: TypeAlias = Callable[
    [Sequence[Resource], Sequence[Rejected], Sequence[Resource]], tuple[Ledger, list[Problem]]
]
NOTHING_HELD: Mapping[ResourceId, Problem] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Merged:
    """What is to be served.

    Attributes:
        resources: one per identity, sorted by it.
        quarantined: what is not served as the source has it, sorted; True: an older version still serves.
        problems: errors and warnings of the merge, best first.
        rejected: the documents that gave no resource, and those that are not their author's to write.
        strangers: see `Admitted`.
        ownership: what is in force.
    """

    resources: tuple[Resource, ...]
    quarantined: tuple[tuple[ResourceId, bool], ...]
    problems: tuple[Problem, ...]
    rejected: tuple[Rejected, ...] = field(default=(), compare=False)  # in no certain order
    strangers: frozenset[ResourceId] = frozenset()
    ownership: Ownership = field(default=FREE, compare=False, repr=False)


def merge(
    resources: Sequence[Resource],
    rejected: Sequence[Rejected],
    *,
    last_good: Sequence[Resource] = (),
    held: Mapping[ResourceId, Problem] = NOTHING_HELD,
    unreadable: Collection[str] = (),
    dark: Collection[Realm] = (),
    conflicts: ConflictPolicy = ConflictPolicy.QUARANTINE,
    precedence: Realm = Realm.GIT,
    platform_namespaces: tuple[str, ...] = (),
) -> Merged:
    """The resources that are to be served; the same for every order of the inputs.

    First what is not its author's to write is left out (`ownership`), and every identity gets one version
    (`identity.enter`). Then ports, hostnames, requests and parts of Mappings that several claim are settled (`claims`,
    `settle`), in this order, since Listeners bind Hosts, Hosts select Mappings and policies are about Mappings. What
    loses falls back to its last good version, where that disturbs nobody, and is absent otherwise; what is already
    served never loses to a newcomer.

    Args:
        resources: all good documents of this revision; an identity may occur more than once.
        rejected: the documents that gave no resource.
        last_good: what is served now.
        held: identities to leave at their last good version, each with the reason, which is reported.
        unreadable: files that could not be read.
        dark: realms nothing is known of now.
        precedence: whose documents win over those of the other realm.
        conflicts: what to do with Mappings without weight that ask for the same requests.
        platform_namespaces: those whose objects may speak for everybody; ``*`` for all.
    """
    rejected = own_claims(rejected)
    unseen = Unseen(frozenset(unreadable), frozenset(dark))

    def versions(
        written: Sequence[Resource], broken: Sequence[Rejected], served: Sequence[Resource]
    ) -> tuple[Ledger, list[Problem]]:
        entries, duplicates = enter(written, broken, served, held, unseen, precedence)
        return Ledger.open(entries, precedence), [*duplicates, *held_problems(entries, held)]

    def settled_hosts(
        written: Sequence[Resource], broken: Sequence[Rejected], served: Sequence[Resource]
    ) -> Sequence[HostResource]:
        ledger, _ = versions(written, broken, served)
        _settle_edge(ledger)
        return [one for one in ledger.served() if isinstance(one, HostResource)]

    ownership = Ownership.of(_ownerships(versions, resources, rejected, last_good), platform_namespaces)
    admitted = admit(resources, rejected, last_good, ownership, settled_hosts)
    ledger, problems = versions(admitted.resources, admitted.rejected, admitted.last_good)
    problems += [*admitted.problems, *_settle_edge(ledger)]
    hosts = [one for one in ledger.served() if isinstance(one, HostResource)]
    selecting = [host for host in hosts if host.mapping_selector is not None]
    implicit = serves_all_that_is_named(hosts, platform_namespaces)
    problems += MappingSettlement(ledger, conflicts, partial(contest, selecting=selecting, implicit=implicit)).settle()
    problems += settle_policies(ledger)
    problems.sort(key=lambda problem: (*rank(problem), problem.resource, problem.message))
    return Merged(
        ledger.served(),
        ledger.quarantined(),
        tuple(problems),
        tuple(admitted.rejected),
        admitted.strangers,
        ownership,
    )


def _settle_edge(ledger: Ledger) -> tuple[Problem, ...]:
    """Settles what does not depend on which Mappings there are."""
    return (
        *settle_modules(ledger),
        *settle_services(ledger),
        *settle_ports(ledger),
        *settle_hostnames(ledger),
    )


def _ownerships(
    versions: Versions, resources: Sequence[Resource], rejected: Sequence[Rejected], last_good: Sequence[Resource]
) -> Sequence[OwnershipResource]:
    """Those in force: none else claims what they say, so they are settled once each has its version."""
    written = [one for one in resources if isinstance(one, OwnershipResource)]
    served = [one for one in last_good if isinstance(one, OwnershipResource)]
    if not written and not served:
        return ()
    ledger, _ = versions(written, rejected, served)
    return [one for one in ledger.served() if isinstance(one, OwnershipResource)]
