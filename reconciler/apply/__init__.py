"""Edge out: puts a snapshot where Envoys take it from, and reports what they say."""

from reconciler.apply.files import FilesTarget
from reconciler.apply.target import Placing, Target
from reconciler.apply.xds import Counters, NodeStatus, Protocol, ServerTls, XdsTarget

__all__ = ["Counters", "FilesTarget", "NodeStatus", "Placing", "Protocol", "ServerTls", "Target", "XdsTarget"]
