"""EDGE: what a cluster knows of services and Secrets, watched and handed on while it changes, without a reconcile.

- objects: what is kept of an object of the cluster
- endpoints: Services and their EndpointSlices, to load assignments
- secrets: Secrets, to certificates, keys and authorities

Only what a snapshot names is watched: the namespaces of its services, and its Secrets, one by one.
"""

from reconciler.discovery.endpoints import EndpointDiscovery
from reconciler.discovery.secrets import SecretDiscovery

__all__ = ["EndpointDiscovery", "SecretDiscovery"]
