"""The ADS server: Envoy's xDS, aggregated, in both variants.

- subscription: what a client wants of one type
- state: one type on one stream, as values
- sotw, delta: the two variants: requests in, pushes out, as functions over that state
- steps: make before break: which type may hold what in which order
- warming: the endpoints a changed cluster waits for
- live: endpoints and keys, which change between snapshots
- session: one stream, all types, led step by step to the desired snapshot
- fleet: all streams; rounds of applying
- wire: bytes
- service: gRPC, the thin shell
- credentials: its TLS; these two alone import gRPC
- front: the synchronous target
"""

from reconciler.apply.xds.credentials import ServerTls
from reconciler.apply.xds.fleet import Counters, NodeStatus
from reconciler.apply.xds.front import XdsTarget
from reconciler.apply.xds.live import LiveResources
from reconciler.apply.xds.session import Protocol

__all__ = ["Counters", "LiveResources", "NodeStatus", "Protocol", "ServerTls", "XdsTarget"]
