"""A ConfigMap with the newest checkpoint of each journal: older ones are in the API server's audit log."""

from reconciler.audit.anchor.place import entry_name
from reconciler.cluster import CONFIG_MAPS, Cluster
from reconciler.cluster.door import Body
from reconciler.model.errors import Stalled

_MANAGER = "reconciler-anchor"


class InConfigMap:
    """Keeps the newest one only.

    Args:
        cluster: the API server.
        where: ``NAMESPACE/NAME``.
        origin: name of the journal, under which its entry is found.
    """

    def __init__(self, cluster: Cluster, where: str, origin: str) -> None:
        self._cluster = cluster
        self._namespace, _, self._name = where.partition("/")
        self._entry = entry_name(origin)

    @property
    def name(self) -> str:
        """As the setting says it."""
        return f"configmap:{self._namespace}/{self._name}"

    def newest(self) -> str:
        """The one that stands there."""
        found = self._cluster.get(CONFIG_MAPS, self._namespace, self._name)
        data = found.get("data") if found else None
        text = data.get(self._entry, "") if isinstance(data, dict) else ""
        if not isinstance(text, str):
            raise Stalled("AnchorUnusable", f"{self.name}: its entry {self._entry} is no text", "")
        return text

    def leave(self, text: str) -> None:
        """Puts one in the place of the one before; entries of others are theirs."""
        metadata: Body = {"namespace": self._namespace, "name": self._name}
        self._cluster.apply(CONFIG_MAPS, {"metadata": metadata, "data": {self._entry: text}}, _manager(self._entry))


def _manager(entry: str) -> str:
    # One manager for each journal: what one applies, it owns whole, and others' entries would be taken out.
    return f"{_MANAGER}-{entry}"[:128]
