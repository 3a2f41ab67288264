"""Which URL shows which page."""

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from reconciler.web.asking import DeskOf

router = APIRouter(include_in_schema=False)


async def static(scope: Scope, receive: Receive, send: Send) -> None:
    """Style, script and icon."""
    await Response(status_code=404)(scope, receive, send)


@router.get("/")
def front(desk: DeskOf) -> Response:
    """The first page."""
    return PlainTextResponse(f"{len(desk.live().table.routes)} routes")
