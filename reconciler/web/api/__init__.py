"""The JSON API, version 1: every answer typed and described in ``/api/v1/openapi.json``."""

from typing import Any

from fastapi import APIRouter

from reconciler.web.api import journal, now, stream

_REFUSED: dict[int | str, dict[str, Any]] = {
    400: {"description": "The request is for another name than these pages'"},
    401: {"description": "Credentials are needed"},
    403: {"description": "Nothing here is for you"},
    404: {"description": "There is no such thing, or it is not for you"},
    503: {"description": "Not now; `Retry-After` says when to ask again where that can help"},
}

router = APIRouter(prefix="/api/v1", responses=_REFUSED)
router.include_router(now.router)
router.include_router(journal.router)
router.include_router(stream.router)
