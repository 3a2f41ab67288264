"""Edge out: puts a snapshot where Envoys take it from, and reports what they say."""

from reconciler.apply.files import FilesTarget
from reconciler.apply.target import Target
from reconciler.apply.xds import Counters, NodeStatus, Protocol, ServerTls, XdsTarget

__all__ = ["Counters", "FilesTarget", "NodeStatus", "Protocol", "ServerTls", "Target", "XdsTarget"]
