"""How routers of pages and API come to know who asks, and to what answers them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, TypeAlias, cast

from fastapi import Depends, Request

from reconciler.web.access import Refused, Viewer
from reconciler.web.desk import Desk
from reconciler.web.events import Events
from reconciler.web.view import Board

Again: TypeAlias = Callable[[], Awaitable[Viewer | Refused]]

_VIEWER, _AGAIN = "viewer", "decided again"


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind the application."""

    board: Board
    events: Events


def let_in(scope_state: dict[str, object], viewer: Viewer, again: Again) -> None:
    """Writes down who asks, in the state of a request, and how to find out whether they still may."""
    scope_state[_VIEWER] = viewer
    scope_state[_AGAIN] = again


def _viewer(request: Request) -> Viewer:
    found: object = getattr(request.state, _VIEWER)
    assert isinstance(found, Viewer)  # noqa: S101 - the gate in front lets nobody else through
    return found


def _again(request: Request) -> Again:
    return cast("Again", getattr(request.state, _AGAIN))


def _behind(request: Request) -> Behind:
    found: object = request.app.state.behind
    assert isinstance(found, Behind)  # noqa: S101 - see `application`
    return found


def _desk(request: Request) -> Desk:
    return Desk(_behind(request).board, _viewer(request).scope)


def _events(request: Request) -> Events:
    return _behind(request).events


ViewerOf = Annotated[Viewer, Depends(_viewer)]
AgainOf = Annotated[Again, Depends(_again)]
DeskOf = Annotated[Desk, Depends(_desk)]
EventsOf = Annotated[Events, Depends(_events)]
