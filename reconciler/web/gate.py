"""What stands in front of every request for pages and API: who asks, how much, how long, and what a browser may do."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.model.errors import Stalled
from reconciler.web.access import Access, Facts, Grants, Refused, Rules, Viewer, decide
from reconciler.web.asking import let_in
from reconciler.web.sessions import COOKIE, LOGIN, Sessions

_LONGEST_URL = 8 * 1024
_LONGEST_S = 30.0
# Nothing from elsewhere, nothing inside others, and no code but that of files of ours.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
# Style, script and icon tell nothing of what there is; the page to log in needs them.
OPEN_PATHS = ("/static/",)


@dataclass(slots=True)
class Gate:
    """An ASGI application in front of another.

    Attributes:
        inner: what answers those who are let in.
        rules: from the settings.
        grants: what the access file says now; `Stalled` where it can't be used: nobody is let in then.
        sessions: of browsers.
        told: every access.
    """

    inner: ASGIApp
    rules: Rules
    grants: Callable[[], Grants]
    sessions: Sessions
    told: Callable[[Access], None]
    longest_s: float = field(default=_LONGEST_S)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            return
        begun = time.monotonic()
        request = Request(scope, receive)
        who = await self._who(request)
        watched = _Watched(send)
        try:
            # An answer that has begun may take its time: it is a stream.
            async with asyncio.timeout(self.longest_s) as limit:
                watched.begun = lambda: limit.reschedule(None)
                await self._answer(request, who)(_as_get(scope), receive, watched)
        except TimeoutError:
            if not watched.status:
                await _refusal(request, Refused(503, "this takes too long; ask for less"))(scope, receive, watched)
        finally:
            self.told(_access(request, who, watched.status, begun))

    def _answer(self, request: Request, who: Viewer | Refused) -> ASGIApp:
        path = request.url.path
        if len(request.scope["raw_path"] or b"") + len(request.scope["query_string"]) > _LONGEST_URL:
            return _refusal(request, Refused(414, "the URL is too long"))
        if isinstance(who, Refused) and who.status != 401:  # noqa: PLR2004 - credentials
            return _refusal(request, who)
        if path == LOGIN:
            return self.sessions.answer if not self.rules.open else RedirectResponse("/", 303)
        if request.method not in ("GET", "HEAD"):
            return _refusal(request, Refused(405, "everything here is only read: GET and HEAD"))
        if path.startswith(OPEN_PATHS):
            return self.inner
        if isinstance(who, Refused):
            return _refusal(request, who)
        let_in(request.scope.setdefault("state", {}), who)
        return self.inner

    async def _who(self, request: Request) -> Viewer | Refused:
        headers = request.headers
        facts = Facts(
            peer=request.client.host if request.client else "",
            hosts=tuple(headers.getlist("host")),
            authorizations=tuple(headers.getlist("authorization")),
            users=tuple(headers.getlist(self.rules.user_header)),
            groups=tuple(headers.getlist(self.rules.groups_header)),
            session=self.sessions.holder(request.cookies.get(COOKIE, "")),
        )
        try:
            return decide(facts, self.rules, self.grants())
        except Stalled as error:
            return Refused(503, error.reason)


@dataclass(slots=True)
class _Watched:
    """Sends on, with headers for browsers, and remembers the status."""

    send: Send
    status: int = 0
    begun: Callable[[], None] = lambda: None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            if Headers(scope=message).get("content-type", "").startswith("text/event-stream"):
                self.begun()
        await self.send(message)


def _as_get(scope: Scope) -> Scope:
    """HEAD is answered as GET is, and the server sends the head of that alone."""
    return {**scope, "method": "GET", "asked_head": True} if scope["method"] == "HEAD" else scope


def _access(request: Request, who: Viewer | Refused, status: int, begun: float) -> Access:
    viewer = who if isinstance(who, Viewer) else None
    return Access(
        viewer=viewer.name if viewer else "",
        through=viewer.through if viewer else "",
        peer=request.client.host if request.client else "",
        method=request.method,
        path=request.url.path,
        status=status,
        ms=round((time.monotonic() - begun) * 1000),
    )


def _refusal(request: Request, refused: Refused) -> Response:
    """JSON for programs; people who can log in are led there."""
    for_people = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")
    if for_people and refused.status == 401:  # noqa: PLR2004
        return RedirectResponse(LOGIN, 303)
    headers = {"www-authenticate": 'Bearer realm="reconciler"'} if refused.status == 401 else {}  # noqa: PLR2004
    if refused.status == 405:  # noqa: PLR2004
        headers["allow"] = "GET, HEAD"
    return JSONResponse({"detail": refused.message}, refused.status, headers)
