"""PURE: bytes of files → typed resources, with what was rejected and why.

Read ``loading`` first; then, in the order a document meets them: ``yaml_text`` and ``yaml_values`` (bounded YAML with
lines), ``kinds`` and ``annotation`` (which documents are ours, and where they hide), ``envelope`` (flat and Kubernetes
form), ``schemas`` (shape), ``mapping``, ``host`` and ``listener`` (meaning).
"""

from reconciler.resources.loading import Loaded, document_digests, load, load_origins

__all__ = ["Loaded", "document_digests", "load", "load_origins"]
