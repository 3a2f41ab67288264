"""What is served now, by whom it was written, and how everything around it is."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from reconciler.web.api.asked import Before, First, Limit, Name, Namespace, Words, read
from reconciler.web.api.entry_models import BlamedModel, PlaceModel, RouteChangeModel
from reconciler.web.api.live_models import (
    EnvoyModel,
    MatchModel,
    ProblemModel,
    ProblemPage,
    QuarantinedModel,
    RouteModel,
    RoutePage,
    RouteWhole,
)
from reconciler.web.api.status_models import StatusModel
from reconciler.web.asking import DeskOf
from reconciler.web.narrow import LIVE_WITHHELD
from reconciler.web.view import Asked

router = APIRouter()
_MOST_HEADERS = 50


@router.get("/status", tags=["now"], summary="The controller")
def status(desk: DeskOf) -> StatusModel:
    """Conditions, sources, targets, and which revision is served."""
    return StatusModel.of(desk.live(), () if desk.scope.everything else LIVE_WITHHELD)


@router.get("/routes", tags=["now"], summary="The routes that are served")
def routes(
    desk: DeskOf,
    q: Annotated[Words, Query(description="Name, host, path or file contains this, in any case")] = "",
    first: First = 0,
    limit: Limit = 100,
) -> RoutePage:
    """In the order in which Envoy tries them; those for connections behind."""
    found = desk.routes(q, first, limit)
    clusters = {cluster.name: cluster for cluster in desk.live().table.clusters}
    return RoutePage([RouteModel.of(route, clusters) for route in found.routes], found.found, found.after)


@router.get("/routes/{namespace}/{name}", tags=["now"], summary="One route, who wrote each field of it, its history")
def route(desk: DeskOf, namespace: Namespace, name: Name, before: Before = None, limit: Limit = 50) -> RouteWhole:
    """Also of a route that is no longer served, as long as the journal knows it. `before` and `limit` page history."""
    rules = desk.route(namespace, name)
    history = desk.history(namespace, name, limit, before)
    blame = desk.blame(namespace, name) if rules or history else ()
    if not rules and not history and before is None:
        raise HTTPException(404, "there is no such route, and there was none")
    return RouteWhole(
        namespace,
        name,
        rules=[RouteWhole.rule(one) for one in rules],
        places=[PlaceModel.at(one.provenance) for one in rules],
        blame=[BlamedModel.of(one) for one in blame],
        history=[RouteChangeModel.of(one) for one in history],
    )


@router.get("/match", tags=["now"], summary="Which route answers a request, and why not the others")
def match(
    desk: DeskOf,
    url: Annotated[str, Query(max_length=2000, min_length=1, examples=["http://shop.example.com/item/42"])],
    method: Annotated[str, Query(max_length=32, pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")] = "GET",
    header: Annotated[
        list[Annotated[str, Query(max_length=1000)]] | None,
        Query(max_length=_MOST_HEADERS, description="`NAME: VALUE`; repeatable"),
    ] = None,
) -> MatchModel:
    """By what is served now, without sending anything."""
    return MatchModel.of(read("url", url, lambda text: desk.match(Asked(text, method, tuple(header or ())))))


@router.get("/problems", tags=["now"], summary="What is wrong with the last revision")
def problems(desk: DeskOf, first: First = 0, limit: Limit = 100) -> ProblemPage:
    """Findings, and what is not served as it is written."""
    live = desk.live()
    return ProblemPage(
        problems=[ProblemModel.of(one) for one in live.problems[first : first + limit]],
        found=len(live.problems),
        quarantined=[
            QuarantinedModel(str(name.kind), name.namespace, name.name, older)
            for name, older in live.quarantined[first : first + limit]
        ],
    )


@router.get("/envoys", tags=["now"], summary="The Envoys that are connected over xDS")
def envoys(desk: DeskOf) -> list[EnvoyModel]:
    """Since when, and how each stands to what is served."""
    return [EnvoyModel.of(envoy) for envoy in desk.live().envoys]
