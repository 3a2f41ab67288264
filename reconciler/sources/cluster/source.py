"""Keeps up to date what a cluster holds."""

from collections.abc import Callable

from reconciler.cluster import Cluster
from reconciler.sources.cluster.reading import ClusterReading
from reconciler.sources.cluster.view import ClusterView


class ClusterSource:
    """Watches the objects that are read, in threads of their own.

    Args:
        cluster: the API server.
        reading: which objects are read.
        on_change: called after a view differs from the one before, from one of the threads; must be quick and not
            raise. Writes that don't change what is read are not told.
    """

    def __init__(self, cluster: Cluster, reading: ClusterReading, on_change: Callable[[], None]) -> None:
        raise NotImplementedError

    @property
    def describe(self) -> str:
        """The cluster, as people may see it."""
        raise NotImplementedError

    def start(self) -> None:
        """Begin; returns at once."""
        raise NotImplementedError

    def wait_synced(self, seconds: float) -> bool:
        """Whether everything was read once within that time."""
        raise NotImplementedError

    def view(self) -> ClusterView:
        """What is known now; the same view where nothing has changed, but for ``failure`` and ``stale_s``."""
        raise NotImplementedError

    def close(self) -> None:
        """End the threads."""
        raise NotImplementedError
