"""The stage itself: a route table as the xDS resources that make Envoy serve it."""

from reconciler.envoy.options import RenderOptions
from reconciler.envoy.rendering import Rendering
from reconciler.model.snapshot import Snapshot
from reconciler.model.table import RouteTable


def render(table: RouteTable, options: RenderOptions) -> Snapshot:
    """What an Envoy is to hold; see `Rendering`, which also remembers how it came about."""
    return Rendering.of(table, options).snapshot
