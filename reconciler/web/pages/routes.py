"""Which URL shows which page. Every URL is stable, so that it can be put into a ticket."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from reconciler.model.asked import moment
from reconciler.model.happening import Happening
from reconciler.model.origin import Kind
from reconciler.model.question import Lack, Query
from reconciler.web.asking import DeskOf, ViewerOf
from reconciler.web.desk import Desk
from reconciler.web.pages.rendering import HERE, page
from reconciler.web.pages.views import charts, decision, filters, one_route, past, rules, standing, timeline
from reconciler.web.pages.views.places import place_of
from reconciler.web.view import Asked

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
static = StaticFiles(directory=HERE / "static")

Show = Callable[..., HTMLResponse]
_STRETCHES = 28
_USUAL_DAYS = 7
_LONGEST_COMMIT = 40
_LONGEST_URL = 2048
_NOTES = frozenset(
    {
        Happening.AUDIT_START,
        Happening.AUDIT_STOP,
        Happening.AUDIT_GAP,
        Happening.MIGRATED,
        Happening.EXPORT,
        Happening.RETENTION_DELETE,
        Happening.HOLD,
        Happening.HOLD_RELEASED,
        Happening.ANCHORED,
    }
)


def _now() -> datetime:
    return datetime.now(UTC)


def _show(request: Request, viewer: ViewerOf, desk: DeskOf) -> Show:
    def show(template: str, status: int = 200, **values: object) -> HTMLResponse:
        return page(request, viewer, template, status, replica=desk.replica(), **values)

    return show


def _parameters(request: Request) -> filters.Parameters:
    query = request.query_params
    return {name: query.getlist(name) for name in query}


ShowOf = Annotated[Show, Depends(_show)]
ParametersOf = Annotated[filters.Parameters, Depends(_parameters)]


@router.get("/")
def start(request: Request) -> Response:
    """The timeline is where everybody begins."""
    return RedirectResponse(f"{request.scope.get('root_path', '').rstrip('/')}/decisions", 307)


@router.get("/decisions")
def decisions(show: ShowOf, desk: DeskOf, asked: ParametersOf) -> Response:
    """The timeline."""
    now = _now()
    wanted = filters.read(asked, now)
    found = desk.page(wanted.query(None))
    return show(
        "decisions",
        status=400 if wanted.mistakes else 200,
        strip=standing.strip(desk.live()),
        days=timeline.days(found.entries, now),
        filters=wanted,
        shortcuts=filters.shortcuts(wanted),
        older=wanted.url(found.next) if found.next is not None else "",
        newest=replace(wanted, before=None).url() if wanted.before else "",
        chart=_chart(desk, wanted, now),
        erased=desk.erased(wanted.query(None)) if found.next is None else None,
        newest_entry=max((entry.sequence for entry in found.entries), default=0),
        happenings=tuple(Happening),
        lacks=tuple(Lack),
        kinds=tuple((kind, kind) for kind in sorted(map(str, Kind))),
    )


def _chart(desk: Desk, wanted: filters.Filters, now: datetime) -> charts.Chart | None:
    """How much happened in the time that is asked for; None where that is none."""
    until = wanted.until or now
    try:
        since = wanted.since or until - timedelta(days=_USUAL_DAYS)
        return charts.chart(desk.volume(since, until, _STRETCHES), until)
    except (ValueError, OverflowError):
        return None


@router.get("/decisions/{number}")
def one_decision(show: ShowOf, desk: DeskOf, asked: ParametersOf, number: str) -> Response:
    """One decision, by the number of any of its records."""
    entry = desk.entry(int(number)) if number.isascii() and number.isdigit() and len(number) <= filters.DIGITS else None
    if entry is None:
        return _no_decision(show, desk, number)
    wanted = filters.page_number(asked)
    made = decision.decision_page(entry, _now(), wanted)
    state = desk.standing()
    pages = max(1, -(-made.many // decision.ROUTES_PER_PAGE))
    return show("decision", decision=made, state=state, page=wanted, pages=pages)


@router.get("/commits/{sha}")
def commit(request: Request, show: ShowOf, desk: DeskOf, sha: str) -> Response:
    """The newest decision about a commit."""
    entry = desk.entry(sha) if sha.isalnum() and len(sha) <= _LONGEST_COMMIT else None
    if entry is None:
        return _nothing(show, f"No decision here is about commit {sha}.")
    base = request.scope.get("root_path", "").rstrip("/")
    return RedirectResponse(f"{base}/decisions/{entry.sequence}", 307)


@router.get("/routes")
def routes(show: ShowOf, desk: DeskOf, asked: ParametersOf) -> Response:
    """The table as it is served."""
    live, search = desk.live(), rules.read_search(asked)
    found = rules.rules_page(live.table, search, filters.page_number(asked))
    return show("routes", strip=standing.strip(live), found=found, search=search)


@router.get("/routes/{namespace}/{name}")
def one(show: ShowOf, desk: DeskOf, asked: ParametersOf, namespace: str, name: str) -> Response:
    """One route, also one that is gone."""
    before = filters.first(asked, "before")
    newest = int(before) if before.isascii() and before.isdigit() and len(before) <= filters.DIGITS else None
    made = one_route.route_page(
        f"{namespace}/{name}",
        desk.live(),
        desk.blame(namespace, name),
        desk.history(namespace, name, one_route.CHANGES_PER_PAGE + 1, newest),
        _now(),
        newest,
    )
    erased = desk.erased()
    if not made.known:
        gone = f" But {erased}." if erased else ""
        return _nothing(show, f"No route {namespace}/{name} is served here, or was, as far as is known.{gone}")
    return show("route", route=made, before=newest, erased=None if made.older else erased)


@router.get("/which")
def which(show: ShowOf, desk: DeskOf, asked: ParametersOf) -> Response:
    """Which Mapping serves a URL."""
    url, method = filters.first(asked, "url")[:_LONGEST_URL], filters.first(asked, "method")[:20].upper() or "GET"
    headers = tuple(line.strip() for text in asked.get("headers", ()) for line in text.splitlines() if line.strip())
    matched, mistake = None, ""
    if url:
        try:
            matched = desk.match(Asked(url, method, headers))
        except ValueError as error:
            mistake = str(error)
    return show(
        "which",
        status=400 if mistake else 200,
        url=url,
        method=method,
        headers=headers,
        matched=matched,
        place_of=place_of,
        mistake=mistake,
    )


@router.get("/problems")
def problems(show: ShowOf, desk: DeskOf, asked: ParametersOf) -> Response:
    """What is wrong, and what is not served as it is written."""
    live = desk.live()
    found = standing.problems_page(live, asked, filters.page_number(asked))
    return show("problems", strip=standing.strip(live), found=found)


@router.get("/envoys")
def envoys(show: ShowOf, desk: DeskOf) -> Response:
    """The connected Envoys, and the last time one said no."""
    now, live = _now(), desk.live()
    refused = desk.entries(Query(happened=frozenset({Happening.VERIFY_FAIL, Happening.ROLLBACK}), limit=1))
    last = decision.decision_page(refused[0], now) if refused else None
    return show(
        "envoys",
        strip=standing.strip(live),
        envoys=standing.envoy_rows(live.envoys, now),
        targets=live.targets,
        last=last,
    )


@router.get("/journal")
def journal(show: ShowOf, desk: DeskOf) -> Response:
    """How the journal itself is, and how to check it."""
    state = desk.standing()
    gaps = [entry for number in state.gaps if (entry := desk.entry(number)) is not None]
    notes = desk.entries(Query(happened=_NOTES, limit=20))
    return show("journal", journal=standing.journal_page(state, desk.live().health, gaps, notes, _now()), state=state)


@router.get("/at")
def at(show: ShowOf, desk: DeskOf, asked: ParametersOf) -> Response:
    """What was served at a moment."""
    now = _now()
    when, mistake = _moment(desk, filters.first(asked, "time"), now, now)
    text = filters.first(asked, "q")
    made = past.past_page(desk.at(when), text, filters.page_number(asked), now)
    return show("at", status=400 if mistake else 200, past=made, time=filters.first(asked, "time"), mistake=mistake)


@router.get("/compare")
def compare(show: ShowOf, desk: DeskOf, asked: ParametersOf) -> Response:
    """How what was served at two moments differs."""
    now = _now()
    begin, end = filters.first(asked, "from"), filters.first(asked, "to")
    older, one_mistake = _moment(desk, begin, now - timedelta(days=1), now)
    newer, other_mistake = _moment(desk, end, now, now)
    mistake = one_mistake or other_mistake
    one, two = desk.at(older), desk.at(newer)
    unknown = [f"{name}: {side.unknown}" for name, side in (("From", one), ("To", two)) if side.unknown]
    found = () if unknown else past.differences(desk.diff(one, two))
    number = filters.page_number(asked)
    pages = max(1, -(-len(found) // decision.ROUTES_PER_PAGE))
    shown = found[(number - 1) * decision.ROUTES_PER_PAGE : number * decision.ROUTES_PER_PAGE]
    return show(
        "compare",
        status=400 if mistake else 409 if unknown else 200,
        unknown=unknown,
        older=past.past_page(one, "", 1, now),
        newer=past.past_page(two, "", 1, now),
        differences=shown,
        many=len(found),
        page=min(number, pages),
        pages=pages,
        begin=begin,
        end=end,
        mistake=mistake,
    )


def _moment(desk: Desk, text: str, otherwise: datetime, now: datetime) -> tuple[datetime | int, str]:
    """The time, or the number of an entry, that a form names, and what is wrong with it."""
    if not text:
        return otherwise, ""
    if text.isascii() and text.isdigit() and len(text) <= filters.DIGITS:
        known = desk.entry(int(text)) is not None
        return (int(text), "") if known else (otherwise, f"there is no decision {text} here")
    try:
        return moment(text, now), ""
    except ValueError as error:
        return otherwise, str(error)


def _no_decision(show: Show, desk: Desk, number: str) -> Response:
    """That there is none, or is none any more."""
    known = number.isascii() and number.isdigit() and len(number) <= filters.DIGITS
    by = desk.deletion_of(int(number)) if known else None
    if by is None:
        return _nothing(show, f"There is no decision {number} here.")
    what = f"What record {number} told was deleted by retention, see decision {by}."
    return show(
        "nothing",
        status=410,
        title="Deleted by retention",
        message=f"{what} Its hash is left, so the chain still holds.",
    )


def _nothing(show: Show, message: str) -> HTMLResponse:
    return show("nothing", status=404, title="Nothing here", message=message)
