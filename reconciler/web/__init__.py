"""What the controller shows over HTTP: health, readiness and metrics."""

from reconciler.web.metrics import Metrics
from reconciler.web.server import WebServer
from reconciler.web.status import StatusBoard

__all__ = ["Metrics", "StatusBoard", "WebServer"]
