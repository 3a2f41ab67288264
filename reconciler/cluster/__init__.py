"""EDGE: the Kubernetes API server. The only door for the `kubernetes` client; decides nothing about routes."""

from reconciler.cluster.door import Cluster, Conflict, Listing, WatchEvent
from reconciler.cluster.reflector import Copy, Reflector
from reconciler.cluster.types import ObjectKey, ObjectType, Scope

__all__ = ["Cluster", "Conflict", "Copy", "Listing", "ObjectKey", "ObjectType", "Reflector", "Scope", "WatchEvent"]
