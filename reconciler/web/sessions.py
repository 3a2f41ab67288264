"""Sessions of browsers: who showed a token once need not show it with every request. Kept in memory only."""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from reconciler.web.access import Grants, Refused, digest_of, holder_of

LOGIN = "/login"
COOKIE = "reconciler-session"
_MOST = 1_000
_LASTS_S = 8 * 3600.0  # a working day
_LARGEST_FORM = 4 * 1024
_MOST_FAILURES, _FAILURES_S = 20, 60.0

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Log in · reconciler</title><link rel="stylesheet" href="/static/style.css"></head>
<body><main class="login"><h1>reconciler</h1>
<form method="post" action="/login"><label for="token">Access token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button type="submit">Log in</button></form>
<p role="alert">{said}</p></main></body></html>
"""


@dataclass(slots=True)
class Sessions:
    """The open sessions, and the page that begins one.

    Attributes:
        grants: what the access file says now: with a token that is taken back its sessions end.
        clock: seconds that never go back.
    """

    grants: Callable[[], Grants]
    clock: Callable[[], float] = time.monotonic
    _open: OrderedDict[str, tuple[str, float]] = field(default_factory=OrderedDict)
    _failures: OrderedDict[str, list[float]] = field(default_factory=OrderedDict)

    def holder(self, session: str) -> str:
        """The hash of the token that a session was begun with; empty where there is no such session."""
        held, until = self._open.get(digest_of(session), ("", 0.0)) if session else ("", 0.0)
        return held if until > self.clock() else ""

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The page to log in, and what becomes of a token that was typed there."""
        request = Request(scope, receive)
        if request.method == "POST":
            response = await self._begin(request)
        elif request.method in ("GET", "HEAD"):
            response = _page("", 200)
        else:
            response = Response(status_code=405, headers={"allow": "GET, HEAD, POST"})
        await response(scope, receive, send)

    async def _begin(self, request: Request) -> Response:
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return _page("This form was sent by another site.", 403)
        peer = request.client.host if request.client else ""
        failures = [at for at in self._failures.pop(peer, ()) if at > self.clock() - _FAILURES_S]
        self._failures[peer] = failures
        while len(self._failures) > _MOST:
            self._failures.popitem(last=False)
        if len(failures) >= _MOST_FAILURES:
            return _page("Too many wrong tokens; wait a minute.", 429)
        token = await _typed(request)
        if isinstance(holder_of(token, self.grants()), Refused):
            failures.append(self.clock())
            return _page("No such token.", 401)
        response = RedirectResponse("/", 303)
        secure = "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", ""))
        response.set_cookie(
            COOKIE, self._made(digest_of(token)), int(_LASTS_S), httponly=True, samesite="strict", secure=secure
        )
        return response

    def _made(self, held: str) -> str:
        """A new session; the oldest ends where there are too many. Only its hash is kept."""
        session = secrets.token_urlsafe(32)
        self._open[digest_of(session)] = held, self.clock() + _LASTS_S
        while len(self._open) > _MOST:
            self._open.popitem(last=False)
        return session


async def _typed(request: Request) -> str:
    """The token in a form; empty where it is none, or too large to be one."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > _LARGEST_FORM:
            return ""
    try:
        fields = parse_qs(content.decode(errors="replace"), max_num_fields=4)
    except ValueError:  # more fields than the form has
        return ""
    return fields.get("token", [""])[0].strip()


def _page(said: str, status: int) -> Response:
    return HTMLResponse(_PAGE.format(said=escape(said)), status)
