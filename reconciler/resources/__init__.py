"""PURE: bytes of files → typed resources, with what was rejected and why.

Read ``loading`` first (``by_file`` reads only what has changed); then, in the order a document meets them: ``chunks``
(documents of a file, their digests), ``yaml`` (bounded YAML with lines), ``unit`` and
``annotation`` (documents, and where they hide), ``kinds`` (which are ours), ``readers`` (one document from end to end),
``envelope`` (flat and Kubernetes form), ``schemas`` and ``schema`` (shape), ``fields`` (what every reader reads with).
Then meaning, a package for each part of the language:

- ``mapping``: Mapping and MappingPolicy
- ``edge``: Host, Listener, TCPMapping, TLSContext
- ``upstream``: resolvers, CircuitBreaker, OutlierDetection, and the fields about upstreams that several kinds have
- ``services``: AuthService, RateLimitService, TracingService, LogService
- ``module``: Module, a module for each of its parts

The next field of a Mapping: see ``mapping.mapping``. The next kind: its name into ``model.origin.Kind`` (and out of
``kinds.UNSUPPORTED_KINDS``), its value into ``model`` and the ``Resource`` union, its shape into ``schema`` and
``schemas._FILES``, its reader into the package it belongs to and ``readers.READERS``. From there it goes on in
``table.documents``.
"""

from reconciler.model.loaded import FilePart, Loaded
from reconciler.resources.by_file import LoadedFiles, load_files
from reconciler.resources.chunks import ParsedOnce, document_digests
from reconciler.resources.loading import load, load_origins

__all__ = [
    "FilePart",
    "Loaded",
    "LoadedFiles",
    "ParsedOnce",
    "document_digests",
    "load",
    "load_files",
    "load_origins",
]
