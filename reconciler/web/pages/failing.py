"""What went wrong, as a page for people and as JSON for programs."""

from collections.abc import Mapping

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from reconciler.model.errors import ReconcileError, Transient
from reconciler.web.access import Viewer
from reconciler.web.desk import Desk
from reconciler.web.pages.rendering import page

_TITLES = {404: "Nothing here", 405: "Everything here is only read", 503: "Not now"}
_WORDS = {404: "There is no such page.", 405: "Pages can be read, and nothing else."}


async def failed(request: Request, error: Exception) -> Response:
    """An edge that can't answer: again later, or not before somebody acts."""
    reason = error.reason if isinstance(error, ReconcileError) else ""
    if reason.startswith("NoSuch"):
        return _answer(request, 404, str(error), str(error))
    later = {"retry-after": "5"} if isinstance(error, Transient) else {}
    words = "Ask again in a moment." if later else "That does not end before somebody acts; the log says more."
    return _answer(request, 503, reason, f"The journal can't be read now: {reason}. {words}", later)


async def refused(request: Request, error: Exception) -> Response:
    """What the framework answers by itself: no such path, no such method."""
    status, detail = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "")
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return _answer(request, status, detail, _WORDS.get(status, str(detail)), headers)


def _answer(
    request: Request, status: int, detail: object, words: str, headers: Mapping[str, str] | None = None
) -> Response:
    """A page where a browser asks for one of the pages; otherwise JSON."""
    viewer = getattr(request.state, "viewer", None)
    for_people = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")
    if not for_people or not isinstance(viewer, Viewer):
        return JSONResponse({"detail": detail}, status, dict(headers or {}))
    title = _TITLES.get(status, "That went wrong")
    replica = Desk(request.app.state.behind.board, viewer.scope).replica()
    made = page(request, viewer, "nothing", status, replica=replica, title=title, message=words)
    made.headers.update(headers or {})
    return made
