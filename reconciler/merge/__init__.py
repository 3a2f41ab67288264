"""PURE: resources from all sources → the resources that are to be served, with a finding for every one that is not."""

from reconciler.merge.merge import Merged, merge
from reconciler.merge.policy import ConflictPolicy

__all__ = ["ConflictPolicy", "Merged", "merge"]
