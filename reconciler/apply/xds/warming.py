"""What a changed cluster needs besides itself.

Envoy warms a new or changed cluster only when its endpoints come in answer, even if they are the same as before, and
holds back its word on the clusters until they are warm.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#resource-warming
"""

from collections.abc import Collection
from dataclasses import replace

from envoy.config.cluster.v3.cluster_pb2 import Cluster

from reconciler.apply.xds.state import TypeState
from reconciler.model.snapshot import XdsResource


def owe_endpoints(endpoints: TypeState, clusters: Collection[XdsResource], changed: Collection[str]) -> TypeState:
    """The state of the endpoints once ``changed`` ones of the ``clusters`` are on their way.

    Args:
        endpoints: of the same stream.
        clusters: what is being pushed.
        changed: names of those that are new or different.

    Returns:
        Endpoints the client asked for before are owed again; those of new clusters it will ask for itself.
    """
    wanted = endpoints.subscription.names
    if not wanted:
        return endpoints
    owed = {_assignment(cluster) for cluster in clusters if cluster.name in changed}
    return replace(endpoints, owed=endpoints.owed | (owed & wanted))


def _assignment(cluster: XdsResource) -> str:
    """Name of a cluster's load assignment."""
    return Cluster.FromString(cluster.body).eds_cluster_config.service_name or cluster.name
