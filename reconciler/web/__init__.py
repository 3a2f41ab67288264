"""What the controller shows over HTTP: health, readiness and metrics; and, where it is wanted, pages and an API.

- ``access``: who may see what; ``narrow``: what is left of what there is for those who may see some namespaces; PURE
- ``view``: what there is to show; ``desk``: all questions, answered for one viewer
- ``gate``: what stands in front of every request; ``application``: pages and API behind it
- ``api``, ``pages``: for machines, for people
"""

from reconciler.web.metrics import Metrics
from reconciler.web.probes import probe_server
from reconciler.web.server import WebServer
from reconciler.web.status import StatusBoard

__all__ = ["Metrics", "StatusBoard", "WebServer", "probe_server"]
