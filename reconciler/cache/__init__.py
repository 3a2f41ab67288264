"""What a restart need not work out again, kept below the state directory. Losing any of it costs time and nothing else.

``records`` is the file: what was not written here, or not written whole, is not read. Attributions are kept in one by
``sources.git.memory``, resources by ``parts``, what is served by ``snapshots``.
"""

from reconciler.cache.parts import PartStore
from reconciler.cache.records import RecordFile
from reconciler.cache.snapshots import SnapshotStore

__all__ = ["PartStore", "RecordFile", "SnapshotStore"]
