"""What a client wants of one type: names, or everything.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#how-the-client-specifies-what-resources-to-return
"""

from collections.abc import Collection
from dataclasses import dataclass

from reconciler.model.snapshot import ResourceSet

WILDCARD = "*"


@dataclass(frozen=True, slots=True)
class Subscription:
    """The resources of one type a client asked for on one stream.

    Attributes:
        names: asked for by name.
        wildcard: everything there is.
        named: a name (or ``*``) was given once: from then on an empty list means nothing, not everything.
    """

    names: frozenset[str] = frozenset()
    wildcard: bool = False
    named: bool = False

    def covers(self, name: str) -> bool:
        """Whether the client wants to hear of ``name``."""
        return self.wildcard or name in self.names


NOTHING = Subscription()


def restate(before: Subscription, names: Collection[str], *, wildcard_type: bool) -> Subscription:
    """The subscription after a state-of-the-world request, which always gives the whole list.

    Args:
        before: the subscription until now.
        names: ``resource_names`` of the request.
        wildcard_type: listeners and clusters, where a list that was never filled means everything.
    """
    if not names and not before.named:
        return Subscription(wildcard=wildcard_type)
    given = frozenset(names)
    after = Subscription(given - {WILDCARD}, wildcard_type and WILDCARD in given, named=True)
    return before if after == before else after


def amend(
    before: Subscription, added: Collection[str], dropped: Collection[str], *, wildcard_type: bool
) -> Subscription:
    """The subscription after a delta request, which gives what is new and what is over.

    A client that began without names keeps its wildcard when it names something later, until it drops ``*``.
    """
    if not added and not before.named:
        return Subscription(wildcard=wildcard_type)
    if not added and not dropped:
        return before
    names = (before.names | frozenset(added)) - frozenset(dropped) - {WILDCARD}
    wildcard = wildcard_type and (before.wildcard or WILDCARD in added) and WILDCARD not in dropped
    return Subscription(names, wildcard, named=True)


def select(resources: ResourceSet, subscription: Subscription) -> ResourceSet:
    """The part of ``resources`` a client wants; the very same object when that is all of it."""
    if subscription.wildcard:
        return resources
    wanted = subscription.names & resources.resources.keys()
    if len(wanted) == len(resources.resources):
        return resources
    return ResourceSet.of(resources.resources[name] for name in wanted)
