"""Which documents may take part in the merge at all.

One that asks for what is not its author's counts as one that was rejected: its last good version stays if that one is
its author's, else nothing of it is served. Being served already gives no right: a takeover ends when the Ownership
comes that says whose it is.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain

from reconciler.merge.ownership.claiming import own_claims
from reconciler.merge.ownership.holders import Claimant
from reconciler.merge.ownership.register import Register
from reconciler.merge.ownership.wording import not_owner, unknown_team
from reconciler.model.attachment import attachments
from reconciler.model.guards import guard_of
from reconciler.model.mapping_policy import MappingPolicyResource
from reconciler.model.origin import PLATFORM_KINDS, Kind, Origin, ResourceId
from reconciler.model.ownership import OwnershipResource
from reconciler.model.platform import is_guest
from reconciler.model.problem import Problem
from reconciler.model.provenance import Provenance, is_cluster_path
from reconciler.model.resource import HostResource, MappingResource, Rejected, Resource

Hosts = Callable[[], Sequence[HostResource]]


@dataclass(frozen=True, slots=True)
class Ownership:
    """What is in force.

    Attributes:
        enforced: what refuses.
        proposed: that and all that would; None where it is the same.
    """

    enforced: Register
    proposed: Register | None

    @classmethod
    def of(cls, ownerships: Sequence[OwnershipResource], platform_namespaces: tuple[str, ...] = ()) -> "Ownership":
        """Of the Ownerships that are served, and the settings."""
        enforced = Register.of((one for one in ownerships if one.enforce), platform_namespaces)
        agree = all(one.enforce for one in ownerships)
        return cls(enforced, None if agree else Register.of(ownerships, platform_namespaces))

    def is_silent(self, mapping: MappingResource, hosts: Sequence[HostResource]) -> bool:
        """Whether nothing at all is to be said of a Mapping.

        Args:
            mapping: it.
            hosts: those that are served.
        """
        claimant = Claimant.of(mapping.origin.provenance.path)
        registers = (self.enforced,) if self.proposed is None else (self.enforced, self.proposed)
        return all(register.trespass(mapping, claimant, lambda: hosts) is None for register in registers)

    def lends(self, namespace: str, path: str) -> bool:
        """Whether a document may use what is a namespace's own, such as a TLSContext there.

        Args:
            namespace: it.
            path: of the document's `Provenance`.
        """
        return self.enforced.lends(namespace, Claimant.of(path))


FREE = Ownership.of(())


@dataclass(frozen=True, slots=True)
class Admitted:
    """What may take part in a merge.

    Attributes:
        resources, last_good: those that are their author's.
        rejected: as given, and the others.
        strangers: identities that only documents of the cluster have which are not their author's, and of which nothing
            was served: nobody who may has asked for them.
    """

    resources: Sequence[Resource]
    rejected: Sequence[Rejected]
    last_good: Sequence[Resource]
    problems: Sequence[Problem]
    strangers: frozenset[ResourceId]


def admit(
    resources: Sequence[Resource],
    rejected: Sequence[Rejected],
    last_good: Sequence[Resource],
    ownership: Ownership,
    served_hosts: Callable[[Sequence[Resource], Sequence[Rejected], Sequence[Resource]], Sequence[HostResource]],
) -> Admitted:
    """The documents that are their author's to write.

    Args:
        resources: all good documents of the revision.
        rejected: the documents that gave no resource.
        last_good: what is served now.
        ownership: what is in force.
        served_hosts: which Hosts come of documents other than Mappings, given as they are given here.
    """
    rejected = own_claims(rejected, ownership.enforced)
    admission = _Admission(ownership, _hosts_of(resources, rejected, last_good, ownership.enforced, served_hosts))
    if (
        ownership.enforced.empty
        and ownership.proposed is None
        and not admission.concerned(resources, rejected, last_good)
    ):
        return Admitted(resources, rejected, last_good, (), frozenset())
    return admission.admitted(resources, rejected, last_good)


class _Admission:
    """Holds documents against what is in force."""

    def __init__(self, ownership: Ownership, hosts: Hosts) -> None:
        self._ownership = ownership
        self._hosts = hosts

    def concerned(
        self, resources: Iterable[Resource], rejected: Iterable[Rejected], last_good: Iterable[Resource]
    ) -> bool:
        """Whether anything can be refused where nothing has an owner: only what bears a namespace of others."""
        if self._ownership.enforced.bound:
            return True
        places = (one.origin.provenance.path for group in (resources, last_good) for one in group)
        return any(map(is_cluster_path, chain(places, (one.path for one in rejected))))

    def admitted(
        self, resources: Sequence[Resource], rejected: Sequence[Rejected], last_good: Sequence[Resource]
    ) -> Admitted:
        """All that is."""
        refused: list[tuple[Resource, Problem]] = []
        good = self._own(resources, refused, ())
        lost: list[tuple[Resource, Problem]] = []
        before = self._own(last_good, lost, good)
        good, before = self._about_own(good, before, refused)
        problems = [problem for _, problem in refused]
        if lost:
            broken = {document.id for document in rejected} - {one.origin.id for one in resources}
            problems += [problem for one, problem in lost if one.origin.id in broken]
        problems += [unknown_team(*one) for one in self._unknown()]
        problems += self._proposed(good)
        left_out = [self._left_out(one.origin) for one, _ in refused]
        return Admitted(
            good,
            [*self._guarding(rejected, last_good), *(one for one in left_out if one is not None)],
            before,
            problems,
            _strangers([one.origin for one, _ in refused], good, last_good),
        )

    def _own(
        self, resources: Sequence[Resource], refused: list[tuple[Resource, Problem]], known: Sequence[Resource]
    ) -> Sequence[Resource]:
        """Those that are their author's; what is ``known`` to be need not be asked again."""
        same = set(map(id, known))
        register, found = self._ownership.enforced, []
        for one in resources:
            if id(one) not in same:
                claimant = Claimant.of(one.origin.provenance.path)
                trespass = register.trespass(one, claimant, self._hosts)
                if trespass is not None:
                    refused.append((one, not_owner(one.origin, claimant, trespass)))
                    continue
            found.append(one)
        return found

    def _about_own(
        self, good: Sequence[Resource], before: Sequence[Resource], refused: list[tuple[Resource, Problem]]
    ) -> tuple[Sequence[Resource], Sequence[Resource]]:
        """Without the MappingPolicies about Mappings that their authors could not have written."""
        policies = [one for group in (good, before) for one in group if isinstance(one, MappingPolicyResource)]
        if self._ownership.enforced.empty or not policies:
            return good, before
        layers = list(_layers(one for group in (good, before) for one in group if isinstance(one, MappingResource)))
        bad = {id(one): problem for one in policies if (problem := self._of_others(one, layers)) is not None}
        refused += [(one, bad[id(one)]) for one in good if id(one) in bad]
        return [one for one in good if id(one) not in bad], [one for one in before if id(one) not in bad]

    def _of_others(self, policy: MappingPolicyResource, layers: Iterable[Sequence[MappingResource]]) -> Problem | None:
        claimant = Claimant.of(policy.origin.provenance.path)
        for layer in layers:
            for _, mappings in attachments([policy], layer):
                for mapping in mappings:
                    trespass = self._ownership.enforced.trespass(mapping, claimant, self._hosts)
                    if trespass is not None:
                        return not_owner(policy.origin, claimant, trespass, about=mapping)
        return None

    def _proposed(self, good: Sequence[Resource]) -> Iterator[Problem]:
        """What more would be refused if all were enforced."""
        if self._ownership.proposed is None:
            return
        for one in good:
            claimant = Claimant.of(one.origin.provenance.path)
            trespass = self._ownership.proposed.trespass(one, claimant, self._hosts)
            if trespass is not None:
                yield not_owner(one.origin, claimant, trespass, enforced=False)

    def _unknown(self) -> Iterable[tuple[str, Origin, Provenance]]:
        return (self._ownership.proposed or self._ownership.enforced).unknown

    def _left_out(self, origin: Origin) -> Rejected | None:
        """What is refused leaves its identity at its last good version; a namespace of others is not even claimed."""
        claimant = Claimant.of(origin.provenance.path)
        if claimant.namespace is not None and claimant.namespace != origin.id.namespace:
            return None
        return Rejected(origin.provenance.path, origin.id)

    def _guarding(self, rejected: Iterable[Rejected], last_good: Iterable[Resource]) -> Iterator[Rejected]:
        """Broken documents; what was written by somebody who may not write its kind was to guard nothing."""
        served = {other.origin.id for other in last_good if guard_of(other) is not None}
        for one in rejected:
            strange = one.guard is not None and one.id not in served and self._is_strange(one.guard, one.path)
            yield replace(one, guard=None) if strange else one

    def _is_strange(self, guard: Kind, path: str) -> bool:
        """Whether somebody may not guard what is not theirs: an object of the cluster may have been written by any."""
        register = self._ownership.enforced
        if is_guest(path, register.platform_namespaces):
            return True
        foreign = guard in PLATFORM_KINDS and is_cluster_path(path)
        return foreign and register.of_platform(guard, Claimant.of(path)) is not None


def _strangers(
    refused: Iterable[Origin], good: Iterable[Resource], last_good: Iterable[Resource]
) -> frozenset[ResourceId]:
    """See `Admitted`."""
    places = [(origin.id, is_cluster_path(origin.provenance.path)) for origin in refused]
    strange = {name for name, clustered in places if clustered} - {name for name, clustered in places if not clustered}
    if not strange:
        return frozenset()
    return frozenset(strange - {one.origin.id for group in (good, last_good) for one in group})


def _layers(mappings: Iterable[MappingResource]) -> Iterator[Sequence[MappingResource]]:
    """All versions of Mappings, so that each is once in every part."""
    layers: list[dict[ResourceId, MappingResource]] = []
    for mapping in mappings:
        free = next((layer for layer in layers if layer.setdefault(mapping.origin.id, mapping) is mapping), None)
        if free is None:
            layers.append({mapping.origin.id: mapping})
    return (tuple(layer.values()) for layer in layers)


def _hosts_of(
    resources: Sequence[Resource],
    rejected: Sequence[Rejected],
    last_good: Sequence[Resource],
    register: Register,
    served_hosts: Callable[[Sequence[Resource], Sequence[Rejected], Sequence[Resource]], Sequence[HostResource]],
) -> Hosts:
    """The Hosts that are served, found when somebody asks; which Mappings there are makes no difference to them."""

    @cache
    def hosts() -> Sequence[HostResource]:
        refused: list[Rejected] = []

        def own(given: Sequence[Resource], *, told: bool) -> list[Resource]:
            found: list[Resource] = []
            for one in given:
                if isinstance(one, MappingResource):
                    continue
                if register.trespass(one, Claimant.of(one.origin.provenance.path), tuple) is None:
                    found.append(one)
                elif told:
                    refused.append(Rejected(one.origin.provenance.path, one.origin.id))
            return found

        return served_hosts(own(resources, told=True), [*rejected, *refused], own(last_good, told=False))

    return hosts
