"""PURE: resources from all sources → the resources that are to be served, with a finding for every one that is not."""

from reconciler.merge.alone import is_undisputed
from reconciler.merge.merge import Merged, merge
from reconciler.merge.ownership import FREE, Ownership
from reconciler.merge.policy import ConflictPolicy

__all__ = ["FREE", "ConflictPolicy", "Merged", "Ownership", "is_undisputed", "merge"]
