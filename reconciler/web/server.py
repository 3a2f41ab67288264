"""Serves the pages from a thread of their own. The only user of Starlette and uvicorn."""

import socket
import threading
import time

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from reconciler.model.errors import Stalled
from reconciler.web.metrics import Metrics
from reconciler.web.status import StatusBoard

_START_SECONDS = 10.0


def application(board: StatusBoard, metrics: Metrics) -> Starlette:
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


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        what = f"can't listen on {host}:{port} for /healthz and /metrics: {error.strerror or error}"
        raise Stalled("WebAddressInUse", what, "choose another with --web-address, or off") from error


class WebServer:
    """Serves `application` on ``address`` until closed.

    Args:
        address: ``HOST:PORT``; port 0 takes a free one, see ``port``.
        board: what ``/readyz`` tells.
        metrics: what ``/metrics`` tells.

    Raises:
        Stalled: ``WebAddressInUse``, the address can't be bound.
    """

    def __init__(self, address: str, board: StatusBoard, metrics: Metrics) -> None:
        host, _, port = address.rpartition(":")
        config = uvicorn.Config(
            application(board, metrics), host=host.strip("[]"), port=int(port), log_config=None, access_log=False
        )
        self._server = uvicorn.Server(config)
        self._socket = _bound(host.strip("[]"), int(port))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="web", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.01)

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()
