"""EDGE: the Kubernetes API server. The only door for the `kubernetes` client; decides nothing about routes."""

from reconciler.cluster.connection import ClusterSettings
from reconciler.cluster.door import Body, Cluster, Conflict, Expired, Listing, WatchEvent, connect
from reconciler.cluster.lease import Lease, Times
from reconciler.cluster.reflector import Copy, Pace, Reflector, close_all
from reconciler.cluster.standing import StandingBoard
from reconciler.cluster.types import (
    CONFIG_MAPS,
    ENDPOINT_SLICES,
    EVENTS,
    EVERYWHERE,
    INGRESSES,
    LEASES,
    SECRETS,
    SERVICES,
    ObjectKey,
    ObjectType,
    Scope,
)

__all__ = [
    "CONFIG_MAPS",
    "ENDPOINT_SLICES",
    "EVENTS",
    "EVERYWHERE",
    "INGRESSES",
    "LEASES",
    "SECRETS",
    "SERVICES",
    "Body",
    "Cluster",
    "ClusterSettings",
    "Conflict",
    "Copy",
    "Expired",
    "Lease",
    "Listing",
    "ObjectKey",
    "ObjectType",
    "Pace",
    "Reflector",
    "Scope",
    "StandingBoard",
    "Times",
    "WatchEvent",
    "close_all",
    "connect",
]
