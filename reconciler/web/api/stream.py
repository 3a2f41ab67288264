"""New entries as Server-Sent Events."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException, Request
from pydantic import TypeAdapter
from starlette.responses import Response, StreamingResponse

from reconciler.model.entry import Entry
from reconciler.web.api.entry_models import EntryModel
from reconciler.web.asking import AgainOf, EventsOf, ViewerOf
from reconciler.web.events import TooManyStreams
from reconciler.web.narrow import narrowed_entry

router = APIRouter()
_TYPE = "text/event-stream"
_ENTRY = TypeAdapter(EntryModel)
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "`event: entry`; data is the entry as in `/entries`, id the number of its newest record",
        "content": {_TYPE: {"schema": {"type": "string"}, "example": 'id: 12\nevent: entry\ndata: {"number": 11}\n\n'}},
    },
    503: {"description": "As many streams are open as there may be"},
}


@router.get("/events", tags=["log"], summary="Entries as they are written", response_class=Response, responses=_STREAM)
async def events(
    request: Request,
    viewer: ViewerOf,
    again: AgainOf,
    events: EventsOf,
    last_event_id: Annotated[int | None, Header(ge=0, le=2**62, description="Goes on behind this one")] = None,
) -> Response:
    """Begins with what is new from now on. An entry comes again once its result is known; a comment is a heartbeat.

    Ends as soon as the viewer may see something else than when it began, or nothing any more.
    """
    if request.scope.get("asked_head"):
        return Response(media_type=_TYPE)
    listened = events.listen(last_event_id, viewer.name if viewer.through != "loopback" else "")
    try:
        await anext(listened)
    except TooManyStreams as error:
        raise HTTPException(503, "too many streams are open", {"retry-after": "30"}) from error

    async def told() -> AsyncIterator[str]:
        yield "retry: 3000\n\n"
        async for entry in listened:
            if await again() != viewer:
                await listened.aclose()
                return
            seen = narrowed_entry(entry, viewer.scope) if entry else None
            yield _event(entry, seen) if entry and seen else ":\n\n"

    return StreamingResponse(told(), media_type=_TYPE)


def _event(entry: Entry, seen: Entry) -> str:
    data = _ENTRY.dump_json(EntryModel.of(seen)).decode()
    return f"id: {entry.records[-1].sequence}\nevent: entry\ndata: {data}\n\n"
