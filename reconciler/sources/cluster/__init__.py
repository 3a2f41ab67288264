"""EDGE: objects of a cluster as input files: annotations, Ingresses and custom resources.

Read ``view`` first, what is known at one moment; then ``source``, which keeps it up to date. What is taken of an
object is decided in pure modules: ``facts`` and ``reduction``.
"""

from reconciler.sources.cluster.reading import ClusterReading
from reconciler.sources.cluster.source import ClusterSource
from reconciler.sources.cluster.view import ClusterReader, ClusterView, RefusedObject

__all__ = ["ClusterReader", "ClusterReading", "ClusterSource", "ClusterView", "RefusedObject"]
