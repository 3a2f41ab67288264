"""How things stand now: the strip above the timeline, problems, Envoys and the journal. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.decision import ConditionType
from reconciler.model.effect import Ack, AckState
from reconciler.model.entry import Entry
from reconciler.model.health import Health
from reconciler.model.problem import Problem, rank
from reconciler.model.question import JournalState
from reconciler.model.text import plural
from reconciler.web.pages.views import badges, timeline
from reconciler.web.pages.views.acknowledgements import Word, type_word
from reconciler.web.pages.views.badges import Badge, Tone
from reconciler.web.pages.views.filters import Parameters, first
from reconciler.web.pages.views.moments import Moment, moment, rough
from reconciler.web.pages.views.places import Place, place_of
from reconciler.web.view import Envoy, Live


@dataclass(frozen=True, slots=True)
class Strip:
    """How the controller stands, in a line.

    Attributes:
        commit: of what is served; empty where nothing is.
        tried: a newer revision that was tried and is not what is served; empty where there is none.
        alarms: what is wrong with the journal now, in words.
    """

    ready: Badge
    message: str
    commit: str
    revision: str
    tried: str
    routes: int
    errors: int
    warnings: int
    quarantined: int
    envoys: int
    behind: int
    suspended: bool
    sources: tuple[str, ...]
    alarms: tuple[str, ...]


def alarms(health: Health) -> tuple[str, ...]:
    """What is wrong with the journal now, which it can't tell itself."""
    found = [f"The journal can't be written: {health.journal}"] if health.journal else []
    if health.unrecorded:
        found.append(f"Done, and not in the journal yet: {plural(health.unrecorded, 'record')}")
    for one in health.anchors:
        if one.differs:
            found.append(f"This journal is not the one that left its checkpoint at {one.place}: {one.differs}")
        if one.failure:
            found.append(f"No checkpoint can be left at {one.place}: {one.failure}")
    return tuple(found)


def strip(live: Live) -> Strip:
    """The same moment in a line."""
    ready = next((one for one in live.conditions if one.type is ConditionType.READY), None)
    badge = Badge("…", "Starting", Tone.QUIET)
    if ready is not None:
        word = "In order" if ready.status else ready.reason or "Not in order"
        badge = Badge("✓" if ready.status else "!", word, Tone.GOOD if ready.status else Tone.WARN)
    if live.health.suspended:
        badge = Badge("‖", "Suspended", Tone.WARN)
    tried = live.attempted is not None and live.attempted != live.served
    kinds = Counter(str(problem.severity) for problem in live.problems)
    return Strip(
        ready=badge,
        message=ready.message if ready and not ready.status else "",
        commit=live.served.sha if live.served else "",
        revision=str(live.served or ""),
        tried=str(live.attempted) if tried else "",
        routes=len(live.table.routes) + len(live.table.tcp_routes),
        errors=kinds["error"],
        warnings=kinds["warning"],
        quarantined=len(live.quarantined),
        envoys=len(live.envoys),
        behind=sum(envoy.state is not AckState.ACKED for envoy in live.envoys),
        suspended=live.health.suspended,
        sources=tuple(
            f"{source.name} was last heard of {rough(source.stale_s)} ago: {source.failure}"
            for source in live.health.sources
            if source.failure
        ),
        alarms=alarms(live.health),
    )


@dataclass(frozen=True, slots=True)
class Trouble:
    """One problem, with all that helps to mend it."""

    badge: Badge
    code: str
    message: str
    resource: str
    link: str
    place: Place
    field: str
    expected: str
    got: str
    hint: str
    related: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """Something that is not served as it is written; ``older``: an earlier version of it is served."""

    resource: str
    link: str
    older: bool


@dataclass(frozen=True, slots=True)
class ProblemsPage:
    """Problems of the last revision that was looked at, the worst first, a page of them."""

    troubles: tuple[Trouble, ...]
    held: tuple[Held, ...]
    found: int
    of: int
    page: int
    pages: int
    severity: str
    text: str


_PER_PAGE = 100


def problems_page(live: Live, parameters: Parameters, page: int) -> ProblemsPage:
    """Those that are wanted: of a severity, or with a text in them."""
    severity, text = first(parameters, "severity"), first(parameters, "q")
    found = sorted((one for one in live.problems if _asked(one, severity, text.lower())), key=rank)
    pages = max(1, -(-len(found) // _PER_PAGE))
    page = min(page, pages)
    shown = found[(page - 1) * _PER_PAGE : page * _PER_PAGE]
    held = tuple(Held(str(one), _link(str(one)), older) for one, older in live.quarantined)
    return ProblemsPage(tuple(map(_trouble, shown)), held, len(found), len(live.problems), page, pages, severity, text)


def troubles_of(problems: Iterable[Problem]) -> tuple[Trouble, ...]:
    """Problems for people, the worst first."""
    return tuple(map(_trouble, sorted(problems, key=rank)))


def _asked(problem: Problem, severity: str, text: str) -> bool:
    return (not severity or problem.severity == severity) and (not text or text in str(problem).lower())


def _trouble(problem: Problem) -> Trouble:
    return Trouble(
        badges.of_severity(problem.severity),
        str(problem.code),
        problem.message,
        problem.resource,
        _link(problem.resource),
        place_of(problem.provenance),
        problem.field,
        problem.expected,
        problem.got,
        problem.hint,
        tuple(map(place_of, problem.related)),
    )


def _link(resource: str) -> str:
    """``namespace/name`` of a route; empty for what has no page."""
    kind, _, name = resource.partition(" ")
    return name if kind in ("Mapping", "TCPMapping") and "/" in name else ""


@dataclass(frozen=True, slots=True)
class EnvoyRow:
    """One connected Envoy, each type against what is desired; ``words`` of an ack: version, state, detail."""

    node: str
    cluster: str
    agent: str
    protocol: str
    since: Moment
    badge: Badge
    words: tuple[Word, ...]
    pushes: int
    accepted: int
    rejected: int


def envoy_rows(envoys: Iterable[Envoy], now: datetime) -> tuple[EnvoyRow, ...]:
    """The connected Envoys: those that are behind first."""
    ordered = sorted(envoys, key=lambda one: (one.state is AckState.ACKED, one.node, one.connected_since))
    return tuple(
        EnvoyRow(
            envoy.node,
            envoy.cluster,
            envoy.user_agent,
            envoy.protocol,
            moment(envoy.connected_since, now),
            badges.of_ack(envoy.state) if envoy.state else Badge("…", "nothing to serve yet", Tone.QUIET),
            tuple(map(_word, envoy.acks)),
            envoy.pushes,
            envoy.accepted,
            envoy.rejected,
        )
        for envoy in ordered
    )


def _word(ack: Ack) -> Word:
    return Word(type_word(ack.type_url), ack.version, badges.of_ack(ack.state), str(ack.evidence), ack.detail)


@dataclass(frozen=True, slots=True)
class JournalPage:
    """How the journal is.

    Attributes:
        alarms: what is wrong with it now, in words.
        complete: all that was done so far is recorded, but for gaps.
        lag: how many records came since the newest checkpoint was left outside; None where none was.
    """

    state: JournalState
    alarms: tuple[str, ...]
    complete: bool
    first: Moment | None
    last: Moment | None
    anchors: tuple[tuple[str, int, Moment], ...]
    gaps: tuple[timeline.Item, ...]
    notes: tuple[timeline.Item, ...]
    lag: int | None


def journal_page(
    state: JournalState, health: Health, gaps: Sequence[Entry], notes: Sequence[Entry], now: datetime
) -> JournalPage:
    """The state as a page.

    Args:
        state: of the journal.
        health: what it can't tell itself.
        gaps: entries that tell of a gap.
        notes: the newest entries about the journal itself.
        now: for "3 min ago".
    """
    anchored = max((one.size for one in state.anchors), default=None)
    return JournalPage(
        state,
        alarms(health),
        not health.journal and not health.unrecorded,
        moment(state.first_at, now) if state.first_at else None,
        moment(state.last_at, now) if state.last_at else None,
        tuple((one.place, one.size, moment(one.at, now)) for one in state.anchors),
        tuple(timeline.item(one, now) for one in gaps),
        tuple(timeline.item(one, now) for one in notes),
        state.records - anchored if anchored is not None else None,
    )
