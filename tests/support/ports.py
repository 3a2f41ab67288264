"""Ports that stay free while nobody listens on them."""

import os
import random
import socket
from contextlib import suppress
from itertools import count

# Below what the kernel hands out for outgoing connections, so that a server can come back to its port.
_FIRST, _LAST = 20_000, 32_000
_WORKERS = 8
_SHARE = (_LAST - _FIRST) // _WORKERS
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
_next = count(random.SystemRandom().randrange(_SHARE))


def reserve_port() -> int:
    """A port of this test worker's share that nobody listens on; not handed out again for a long time."""
    for number in _next:
        port = _FIRST + _worker * _SHARE + number % _SHARE
        with suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("count() never ends")
