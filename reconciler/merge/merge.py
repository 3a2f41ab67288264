"""Who serves: one version per identity, one Mapping per request, and what stands in for what is quarantined."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from reconciler.merge.claims import settle_hostnames, settle_modules, settle_policies, settle_ports, settle_services
from reconciler.merge.identity import Unseen, enter, held_problems
from reconciler.merge.ledger import Ledger
from reconciler.merge.policy import ConflictPolicy
from reconciler.merge.settle import MappingSettlement
from reconciler.model.problem import Problem, rank
from reconciler.model.resource import HostResource, Rejected, Resource, ResourceId, contest
from reconciler.model.source import Realm

NOTHING_HELD: Mapping[ResourceId, Problem] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Merged:
    """What is to be served.

    Attributes:
        resources: one per identity, sorted by it.
        quarantined: what is not served as the source has it, sorted; True: an older version still serves.
        problems: errors and warnings of the merge, best first.
    """

    resources: tuple[Resource, ...]
    quarantined: tuple[tuple[ResourceId, bool], ...]
    problems: tuple[Problem, ...]


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
) -> Merged:
    """The resources that are to be served; the same for every order of the inputs.

    First every identity gets one version (`identity.enter`). Then ports, hostnames, requests and parts of Mappings that
    several claim are settled (`claims`, `settle`), in this order, since Listeners bind Hosts, Hosts select Mappings and
    policies are about Mappings. What loses
    falls back to its last good version, where that disturbs nobody, and is absent otherwise; what is already served
    never loses to a newcomer.

    Args:
        resources: all good documents of this revision; an identity may occur more than once.
        rejected: the documents that gave no resource.
        last_good: what is served now.
        held: identities to leave at their last good version, each with the reason, which is reported.
        unreadable: files that could not be read.
        dark: realms nothing is known of now.
        precedence: whose documents win over those of the other realm.
        conflicts: what to do with Mappings without weight that ask for the same requests.
    """
    unseen = Unseen(frozenset(unreadable), frozenset(dark))
    entries, duplicates = enter(resources, rejected, last_good, held, unseen, precedence)
    ledger = Ledger.open(entries, precedence)
    problems = [*duplicates, *held_problems(entries, held)]
    problems += settle_modules(ledger)
    problems += settle_services(ledger)
    problems += settle_ports(ledger)
    problems += settle_hostnames(ledger)
    selecting = [host for host in ledger.served() if isinstance(host, HostResource) and host.mapping_selector]
    problems += MappingSettlement(ledger, conflicts, lambda mapping: contest(mapping, selecting)).settle()
    problems += settle_policies(ledger)
    problems.sort(key=lambda problem: (*rank(problem), problem.resource, problem.message))
    return Merged(ledger.served(), ledger.quarantined(), tuple(problems))
