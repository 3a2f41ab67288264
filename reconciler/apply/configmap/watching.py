"""Knows without asking whether ConfigMaps are still as they were last read."""

from collections.abc import Mapping

from reconciler.apply.configmap.marks import metadata_text
from reconciler.cluster import Body, Cluster, Reflector, Scope
from reconciler.cluster.types import CONFIG_MAPS

_FRESH_S = 120.0  # a server that is well says something every minute


def _version(body: Body) -> str:
    return metadata_text(body, "resourceVersion")


class Versions:
    """The versions of the ConfigMaps of a scope, from a watch; a poll that finds nothing new asks the server nothing.

    What they hold is not kept: whether it is still the same is all that a watch has to tell.

    Args:
        cluster: the API server.
        scope: which ConfigMaps, of one namespace.
    """

    def __init__(self, cluster: Cluster, scope: Scope) -> None:
        self._namespace = scope.namespace
        self._reflector = Reflector(cluster, CONFIG_MAPS, _version, lambda: None, scope)
        self._started = False

    def unchanged(self, read: Mapping[str, str]) -> bool:
        """Whether each is surely still the version that was read: by name, empty for one that is not there.

        False where that is not known: read them again.
        """
        if not self._started:
            self._started = True
            self._reflector.start()
        copy = self._reflector.copy()
        if not copy.synced or copy.failure or copy.stale_s > _FRESH_S:
            return False
        return all(copy.objects.get((self._namespace, name), "") == version for name, version in read.items())

    def close(self) -> None:
        """End the watch."""
        if self._started:
            self._reflector.close()
