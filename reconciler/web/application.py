"""Pages and API as one ASGI application, behind the gate."""

from collections.abc import Callable

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from reconciler import __version__
from reconciler.model.errors import ReconcileError
from reconciler.web.access import Access, Grants, Rules
from reconciler.web.api import router as api
from reconciler.web.asking import Behind
from reconciler.web.events import Events
from reconciler.web.gate import Gate
from reconciler.web.pages.failing import failed, refused
from reconciler.web.pages.routes import router as pages
from reconciler.web.pages.routes import static
from reconciler.web.sessions import Sessions
from reconciler.web.view import Board

_DESCRIPTION = """What is served, what was decided, who wrote it, and how to prove it. Everything is only read.

Give a token as `Authorization: Bearer TOKEN`. Who may see some namespaces is answered as if there were nothing else."""


def application(
    board: Board,
    events: Events,
    rules: Rules,
    grants: Callable[[], Grants],
    told: Callable[[Access], None],
    bug: Callable[[Exception], None],
) -> ASGIApp:
    """Everything behind one gate.

    Args:
        board: what there is to show.
        events: what is new of it.
        rules: who comes in, by the settings.
        grants: what the access file says now.
        told: every access.
        bug: what nobody expected to fail.
    """
    app = FastAPI(
        title="reconciler",
        version=__version__,
        description=_DESCRIPTION,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # it would load its script from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.behind = Behind(board, events)
    app.add_exception_handler(ReconcileError, failed)
    app.add_exception_handler(HTTPException, refused)
    app.include_router(api)
    app.include_router(pages)
    app.mount("/static", static)
    return Gate(app, rules, grants, Sessions(grants), told, bug)
