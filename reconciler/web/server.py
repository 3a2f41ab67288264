"""Serves an ASGI application from a thread of its own. The only user of uvicorn."""

import socket
import threading
import time
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from reconciler.model.errors import Stalled

_START_SECONDS = 10.0
_LINGER_SECONDS = 1  # for requests under way, when it is to end
_LARGEST_HEAD = 16 * 1024
_PATIENCE_SECONDS = 10.0


def _nothing() -> None:
    """Nothing has to be told."""


class WebServer:
    """Serves ``application`` on ``address`` until closed.

    Args:
        address: ``HOST:PORT``; port 0 takes a free one, see ``port``.
        application: what answers.
        purpose: what it is for, and ``setting`` how it is moved, for people who find the address taken.
        connections: more at a time are turned away; None for any number.
        patience_s: a connection on which no whole request comes for so long, or twice that, is closed. Seconds.
        ending: told first when it is to close, so that endless answers can end.

    Raises:
        Stalled: ``WebAddressInUse``, the address can't be bound.
    """

    def __init__(
        self,
        address: str,
        application: ASGIApp,
        *,
        purpose: str,
        setting: str,
        connections: int | None = None,
        patience_s: float = _PATIENCE_SECONDS,
        ending: Callable[[], None] = _nothing,
    ) -> None:
        host, _, port = address.rpartition(":")
        config = uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            proxy_headers=False,  # whom to believe is for the application to say
            server_header=False,
            lifespan="off",
            ws="none",
            limit_concurrency=connections,
            h11_max_incomplete_event_size=_LARGEST_HEAD,
            timeout_graceful_shutdown=_LINGER_SECONDS,
            timeout_notify=patience_s,  # type: ignore[arg-type]  # any number will do
            callback_notify=self._close_waiting,
        )
        self._server = uvicorn.Server(config)
        self._waiting: set[object] = set()
        self._ending = ending
        self._socket = _bound(host.strip("[]"), int(port), purpose, setting)
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="web", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.01)

    def close(self) -> None:
        """Stop serving and free the port; takes as long as requests under way, but a second at most."""
        self._ending()
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    async def _close_waiting(self) -> None:
        """Closes connections that have kept us waiting since the last time: uvicorn itself would wait for ever."""
        waiting = {connection for connection in self._server.server_state.connections if _waits(connection)}
        for connection in waiting & self._waiting:
            getattr(connection, "transport").close()  # noqa: B009 - uvicorn's own types don't tell
        self._waiting = set(waiting)


def _waits(connection: object) -> bool:
    """Whether no request is being answered on a connection."""
    cycle = getattr(connection, "cycle", None)
    return cycle is None or bool(cycle.response_complete)


def _bound(host: str, port: int, purpose: str, setting: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        what = f"can't listen on {host}:{port} for {purpose}: {error.strerror or error}"
        raise Stalled("WebAddressInUse", what, f"choose another with --{setting}, or off") from error
