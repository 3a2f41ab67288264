"""Pure stage: a route table to the Envoy resources that serve it, one message per function."""

from reconciler.envoy.bootstrap import files_bootstrap, files_of, static_bootstrap, xds_bootstrap
from reconciler.envoy.options import AccessLogFormat, RenderOptions
from reconciler.envoy.readable import snapshot_json, to_json
from reconciler.envoy.snapshot import render

__all__ = [
    "AccessLogFormat",
    "RenderOptions",
    "files_bootstrap",
    "files_of",
    "render",
    "snapshot_json",
    "static_bootstrap",
    "to_json",
    "xds_bootstrap",
]
