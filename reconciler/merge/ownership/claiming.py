"""What broken documents may keep served: what is their author's."""

from collections.abc import Sequence
from dataclasses import replace

from reconciler.merge.ownership.holders import Claimant
from reconciler.merge.ownership.register import Register
from reconciler.model.origin import Kind
from reconciler.model.provenance import is_cluster_path
from reconciler.model.resource import Rejected


def own_claims(rejected: Sequence[Rejected], register: Register | None = None) -> Sequence[Rejected]:
    """Broken documents without the names that an object of the cluster gives them and that are not its own to give.

    Such a name would keep served what its owner deletes, or an Ownership in force. Without a name, a broken document
    claims what was served from its own place.

    Args:
        rejected: the documents that gave no resource.
        register: what is in force; None where that is yet to be told: then Ownerships alone are looked at.
    """
    if not any(is_cluster_path(one.path) for one in rejected):
        return rejected
    return [one if _is_own(one, register) else replace(one, id=None) for one in rejected]


def _is_own(document: Rejected, register: Register | None) -> bool:
    if document.id is None or not is_cluster_path(document.path):
        return True
    if document.id.kind is Kind.OWNERSHIP:
        return False
    return register is None or register.may_bear(document.id, Claimant.of(document.path))
