"""PURE: a route table → the Envoy resources that serve it, one message per function.

Read ``rendering`` first: the table as xDS resources, and a changed one at the cost of the change. Then a package for
each part of them:

- ``listeners``: ports, connections, HTTP settings, access logs, tracing; begin with ``listeners.listener``
- ``filters``: HTTP filters, each with what routes say to it; ``filters.chain`` has their order
- ``routes``: virtual hosts (``routes.configuration``), the pieces they can be divided into (``routes.scopes``), rules
  (``routes.route``), and how Envoy finds the rule for a request (``routes.tree``)
- ``clusters``: upstreams; begin with ``clusters.cluster``
- ``tls``: TLS contexts, and the secrets they name
- ``endpoints``: what is behind Services of Kubernetes, where Envoy is told

``bootstrap`` has what an Envoy starts with: everything in one file, or where to get it, from xDS or from files.

The next HTTP filter gets a module in ``filters`` and its place in ``filters.chain``; what a route says to it is set in
``routes.route``. The next condition goes into ``routes.matchers``, the next thing a route does besides forwarding into
``routes.policies``, the next setting of an upstream into ``clusters.cluster``, that of all HTTP into
``listeners.http_settings``.
"""

from reconciler.envoy.bootstrap import ANY_ADMIN_PORT, files_bootstrap, files_of, static_bootstrap, xds_bootstrap
from reconciler.envoy.endpoints import load_assignment
from reconciler.envoy.options import AccessLogFormat, EndpointSource, RenderOptions, Routing, SecretSource, Sharding
from reconciler.envoy.readable import snapshot_json, to_json
from reconciler.envoy.rendering import Rendering
from reconciler.envoy.snapshot import render
from reconciler.envoy.tls.content import SecretContent, live_secret, secrets_read
from reconciler.envoy.tls.control_plane import XdsTls, secret_files

__all__ = [
    "ANY_ADMIN_PORT",
    "AccessLogFormat",
    "EndpointSource",
    "RenderOptions",
    "Rendering",
    "Routing",
    "SecretContent",
    "SecretSource",
    "Sharding",
    "XdsTls",
    "files_bootstrap",
    "files_of",
    "live_secret",
    "load_assignment",
    "render",
    "secret_files",
    "secrets_read",
    "snapshot_json",
    "static_bootstrap",
    "to_json",
    "xds_bootstrap",
]
