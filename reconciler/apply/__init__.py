"""Edge out: puts a snapshot where Envoys take it from, and reports what they say."""

from reconciler.apply.dry_run import DryRunTarget
from reconciler.apply.files import FilesTarget
from reconciler.apply.target import Target
from reconciler.apply.xds import Counters, NodeStatus, Protocol, XdsTarget

__all__ = ["Counters", "DryRunTarget", "FilesTarget", "NodeStatus", "Protocol", "Target", "XdsTarget"]
