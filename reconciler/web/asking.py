"""How routers of pages and API come to know who asks, and to what answers them."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from reconciler.web.access import Viewer
from reconciler.web.desk import Desk
from reconciler.web.events import Events
from reconciler.web.view import Board

_VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind the application."""

    board: Board
    events: Events


def let_in(scope_state: dict[str, object], viewer: Viewer) -> None:
    """Writes down who asks, in the state of a request."""
    scope_state[_VIEWER] = viewer


def _viewer(request: Request) -> Viewer:
    found: object = getattr(request.state, _VIEWER)
    assert isinstance(found, Viewer)  # noqa: S101 - the gate in front lets nobody else through
    return found


def _behind(request: Request) -> Behind:
    found: object = request.app.state.behind
    assert isinstance(found, Behind)  # noqa: S101 - see `application`
    return found


def _desk(request: Request) -> Desk:
    return Desk(_behind(request).board, _viewer(request).scope)


def _events(request: Request) -> Events:
    return _behind(request).events


ViewerOf = Annotated[Viewer, Depends(_viewer)]
DeskOf = Annotated[Desk, Depends(_desk)]
EventsOf = Annotated[Events, Depends(_events)]
