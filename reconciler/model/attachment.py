"""Which Mappings each MappingPolicy is about."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from reconciler.model.mapping_policy import MappingPolicyResource
from reconciler.model.resource import MappingResource


def attachments(
    policies: Sequence[MappingPolicyResource], mappings: Iterable[MappingResource]
) -> list[tuple[MappingPolicyResource, tuple[MappingResource, ...]]]:
    """Every policy with its Mappings, those in their order.

    A policy without any names none that there is, or selects none.
    """
    if not policies:
        return []
    named: dict[tuple[str, str], MappingResource] = {}
    labelled: dict[tuple[str, tuple[str, str]], list[MappingResource]] = defaultdict(list)
    for mapping in mappings:
        namespace = mapping.origin.id.namespace
        named[namespace, mapping.origin.id.name] = mapping
        for label in mapping.labels:
            labelled[namespace, label].append(mapping)
    found = []
    for policy in policies:
        namespace = policy.origin.id.namespace
        if policy.selector is None:
            chosen = [named[namespace, name] for name in policy.mappings if (namespace, name) in named]
        else:
            wanted = set(policy.selector)
            candidates = labelled.get((namespace, policy.selector[0]), ()) if policy.selector else ()
            chosen = [mapping for mapping in candidates if wanted <= set(mapping.labels)]
        found.append((policy, tuple(chosen)))
    return found
