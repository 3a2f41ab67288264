"""Health, readiness and metrics, for machines."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from reconciler.web.metrics import Metrics
from reconciler.web.server import WebServer
from reconciler.web.status import StatusBoard


def probes(board: StatusBoard, metrics: Metrics) -> Starlette:
    """The ASGI application: ``/healthz`` (the process answers), ``/readyz`` (something is served), ``/metrics``."""

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        return JSONResponse(board.as_json(), status_code=200 if board.serving else 503)

    async def metrics_text(_request: Request) -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")

    return Starlette(
        routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics_text)],
    )


def probe_server(address: str, board: StatusBoard, metrics: Metrics) -> WebServer:
    """Serves `probes`.

    Raises:
        Stalled: ``WebAddressInUse``, the address can't be bound.
    """
    purpose = "/healthz, /readyz and /metrics"
    return WebServer(address, probes(board, metrics), purpose=purpose, setting="web-address")
