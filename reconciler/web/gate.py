"""What stands in front of every request for pages and API: who asks, how much, how long, and what a browser may do."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.model.errors import Stalled
from reconciler.web.access import NO_GRANTS, Access, Facts, Grants, Refused, Rules, Viewer, decide
from reconciler.web.asking import let_in
from reconciler.web.sessions import COOKIE, LOGIN, LOGOUT, Sessions

_LONGEST_URL = 8 * 1024
_LONGEST_S = 30.0
_MOST_AT_WORK = 16  # fewer than there are threads for it, so that some are left for what is new in the journal
_NOBODY = Refused(503, "not now")
_TOO_LONG = Refused(503, "this takes too long; ask for less")
_OUR_FAULT = Refused(500, "that is our fault, and in the log")
# Nothing from elsewhere, nothing inside others, and no code but that of files of ours.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Elsewhere nothing is told; forms to ourselves say that they are from here.
    "referrer-policy": "same-origin",
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
        bug: what fails inside without being expected to.
        longest_s: when whoever asks is told that it takes too long.
        at_work: requests that are worked on at a time: each until its work has ended, whoever still waits for it.
    """

    inner: ASGIApp
    rules: Rules
    grants: Callable[[], Grants]
    sessions: Sessions
    told: Callable[[Access], None]
    bug: Callable[[Exception], None]
    longest_s: float = _LONGEST_S
    at_work: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_MOST_AT_WORK))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            return
        begun = time.monotonic()
        request = Request(scope, receive)
        who: Viewer | Refused = _NOBODY
        watched = _Watched(send)
        try:
            who = await self._who(request)
            answer = self._answer(request, who)
            await self._within(answer, _as_get(scope), receive, watched, counted=answer is self.inner)
        except TimeoutError:
            watched.late = True
            if not watched.status:
                await watched.instead(_refusal(request, _TOO_LONG), scope, receive)
        except Exception as error:  # noqa: BLE001 - the server would write it past the log
            self.bug(error)
            if not watched.status:
                await watched.instead(_refusal(request, _OUR_FAULT), scope, receive)
        finally:
            self.told(_access(request, who, watched.status, begun))

    async def _within(
        self, answer: ASGIApp, scope: Scope, receive: Receive, watched: "_Watched", *, counted: bool
    ) -> None:
        """Has a request answered, as long as it may take; a stream, once it has begun, for ever.

        Args:
            answer: what answers it.
            scope: the request.
            receive: its content.
            watched: where the answer goes.
            counted: among those that are worked on. Whoever sends a form slowly, before they are known, is not.

        Raises:
            TimeoutError: it takes longer. A thread that works on it goes on, and counts until it ends.
        """
        if counted:
            async with asyncio.timeout(self.longest_s):
                await self.at_work.acquire()
            watched.worked = _once(self.at_work.release)
        work = asyncio.ensure_future(answer(scope, receive, watched))
        work.add_done_callback(partial(self._ended, watched))
        try:
            await asyncio.wait({work, watched.streams}, timeout=self.longest_s, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            work.cancel()
            raise
        if not work.done() and not watched.streams.done():
            raise TimeoutError
        await work

    def _ended(self, watched: "_Watched", work: asyncio.Future[None]) -> None:
        watched.worked()
        if watched.late and not work.cancelled() and isinstance(error := work.exception(), Exception):
            self.bug(error)

    def _answer(self, request: Request, who: Viewer | Refused) -> ASGIApp:
        path = request.url.path
        if len(request.scope["raw_path"] or b"") + len(request.scope["query_string"]) > _LONGEST_URL:
            return _refusal(request, Refused(414, "the URL is too long"))
        if isinstance(who, Refused) and who.status != 401:  # noqa: PLR2004 - credentials
            return _refusal(request, who)
        if path in (LOGIN, LOGOUT):
            return self.sessions.answer if not self.rules.open else RedirectResponse("/", 303)
        if request.method not in ("GET", "HEAD"):
            return _refusal(request, Refused(405, "everything here is only read: GET and HEAD"))
        if path.startswith(OPEN_PATHS):
            return self.inner
        if isinstance(who, Refused):
            return _refusal(request, who)
        let_in(request.scope.setdefault("state", {}), who, partial(self._who, request))
        return self.inner

    async def _who(self, request: Request) -> Viewer | Refused:
        headers = request.headers
        try:
            # Reading the file may take time that others must not wait for.
            grants = NO_GRANTS if self.rules.open else await asyncio.to_thread(self.grants)
        except Stalled as error:
            return Refused(503, error.reason)
        facts = Facts(
            peer=request.client.host if request.client else "",
            hosts=tuple(headers.getlist("host")),
            authorizations=tuple(headers.getlist("authorization")),
            users=tuple(headers.getlist(self.rules.user_header)),
            groups=tuple(headers.getlist(self.rules.groups_header)),
            session=self.sessions.holder(request.cookies.get(COOKIE, ""), grants),
        )
        return decide(facts, self.rules, grants)


def _nothing() -> None:
    """Nothing has to be told."""


@dataclass(slots=True)
class _Watched:
    """Sends on, with headers for browsers, and remembers the status.

    Attributes:
        worked: told once the work behind the answer is done.
        streams: done once the answer is one that goes on.
        late: nobody waits for the answer any more.
    """

    send: Send
    status: int = 0
    worked: Callable[[], None] = _nothing
    streams: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    late: bool = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.worked()
        if self.late:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            if headers.get("content-type", "").startswith("text/event-stream") and not self.streams.done():
                self.streams.set_result(None)
        await self.send(message)

    async def instead(self, refusal: Response, scope: Scope, receive: Receive) -> None:
        """Sends a refusal where there is no answer."""
        spoken = _Watched(self.send)
        await refusal(scope, receive, spoken)
        self.status = spoken.status


def _once(what: Callable[[], None]) -> Callable[[], None]:
    """Does it the first time only."""
    left = [what]
    return lambda: left.pop()() if left else None


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
        wanted = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        return RedirectResponse(LOGIN if wanted == "/" else f"{LOGIN}?next={quote(wanted)}", 303)
    headers = {"www-authenticate": 'Bearer realm="reconciler"'} if refused.status == 401 else {}  # noqa: PLR2004
    if refused.status == 405:  # noqa: PLR2004
        headers["allow"] = "GET, HEAD"
    return JSONResponse({"detail": refused.message}, refused.status, headers)
