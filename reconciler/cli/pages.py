"""Pages and API of a running controller: what they show, and who may see it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_network

from reconciler.apply import NodeStatus, XdsTarget
from reconciler.cli.access_log import AccessLog
from reconciler.cli.anchoring import public_of
from reconciler.cli.clock import now
from reconciler.cli.journal import open_journal
from reconciler.cli.log import log_access_file, log_bug
from reconciler.loop import Loop
from reconciler.model.addresses import on_loopback
from reconciler.model.errors import Stalled
from reconciler.model.outcome import Outcome
from reconciler.model.question import Answers
from reconciler.model.table import RouteTable
from reconciler.plan import worded
from reconciler.settings import Loaded, Settings
from reconciler.table import asked_first, at_listener, explain, in_words, requested
from reconciler.table.matcher.answer import BadRequest, HungUp, NotFound
from reconciler.web import StatusBoard, WebServer
from reconciler.web.access import NO_GRANTS, Access, Grants, Rules
from reconciler.web.events import Events
from reconciler.web.grants import AccessFile
from reconciler.web.view import Asked, Board, Envoy, Live, Matched, Miss, Taker, TargetView

_MOST_CONNECTIONS = 256
_LONGEST_S = 20.0  # shorter than whoever asks is made to wait


@dataclass(frozen=True, slots=True)
class Pages:
    """Pages that are served.

    Attributes:
        url: where; empty where they are off.
        ring: to be called after each reconcile.
    """

    url: str = ""
    ring: Callable[[], None] = lambda: None


@contextmanager
def pages(
    settings: Loaded, loop: Loop, board: StatusBoard, told: Callable[[Access], None] | None = None
) -> Iterator[Pages]:
    """Serves pages and API until left, where the settings want it. Left before the controller itself ends.

    Args:
        settings: whether, where and to whom.
        loop: the controller.
        board: its last words.
        told: every access; None writes them to the log.

    Raises:
        Stalled: nobody would be asked who they are where others can reach the pages; the address can't be bound.
    """
    s = settings.settings
    if not s.pages_address:
        yield Pages()
        return
    from reconciler.web.application import application  # noqa: PLC0415 - FastAPI takes long to import

    rules, grants = rules_of(s), _grants(s, board)
    with ExitStack() as stack:
        journal = open_journal(s, now, read_only=True, longest_s=_LONGEST_S)
        stack.callback(journal.close)
        access_log = AccessLog()
        stack.callback(access_log.close)
        events = Events(journal)
        shown = _board(settings, loop, board, journal)
        server = WebServer(
            s.pages_address,
            application(shown, events, rules, grants, told or access_log.write, log_bug),
            purpose="pages",
            setting="pages-address",
            connections=_MOST_CONNECTIONS,
            ending=events.close,
        )
        stack.callback(server.close)
        host = s.pages_address.rpartition(":")[0]
        yield Pages(f"http://{host}:{server.port}", events.ring)


def rules_of(s: Settings) -> Rules:
    """Who comes in, by the settings.

    Raises:
        Stalled: everybody would.
    """
    local = on_loopback(s.pages_address)
    if s.pages_proxy and s.pages_access_file is None:
        raise Stalled(
            "InvalidSettings",
            "--pages-proxy says who asks, and nothing says what they may see",
            "name a file with users or groups with --pages-access-file",
        )
    if not local and s.pages_access_file is None:
        raise Stalled(
            "PagesOpen",
            f"whoever reaches {s.pages_address} could see everything",
            "let --pages-access-file say who may see what, or serve them on 127.0.0.1",
        )
    return Rules(
        open=s.pages_access_file is None,
        local=local,
        hosts=frozenset(s.pages_host),
        peers=tuple(map(ip_network, s.pages_proxy)),
        user_header=s.pages_user_header.lower(),
        groups_header=s.pages_groups_header.lower(),
    )


def _grants(s: Settings, board: StatusBoard) -> Callable[[], Grants]:
    """Who may see what. A file that can't be used closes the pages, and not the controller: routes must not wait."""
    if s.pages_access_file is None:
        return lambda: NO_GRANTS
    file = AccessFile(s.pages_access_file, log_access_file)
    board.pages = file.trouble
    file.trouble()  # tells at once
    return file.grants


def _board(settings: Loaded, loop: Loop, status: StatusBoard, answers: Answers) -> Board:
    started_at = now()
    return Board(
        answers=answers,
        live=lambda: live_of(settings, loop, status, started_at),
        match=lambda asked: matched_by(loop.state.applied.table, asked),
        worded=worded,
        key=str(public_of(settings.settings) or ""),
    )


def live_of(settings: Loaded, loop: Loop, status: StatusBoard, started_at: datetime) -> Live:
    """The controller as it is now; from any thread: states and outcomes are replaced as a whole, and never changed."""
    state, decided, last = loop.state, status.decided, status.last
    election = status.election
    return Live(
        moment=now(),
        started_at=started_at,
        instance=settings.settings.instance,
        repository=settings.repository,
        table=state.applied.table,
        served=state.revision,
        attempted=state.attempted,
        problems=decided.problems if decided else state.applied.problems,
        quarantined=decided.quarantined if decided else state.applied.quarantined,
        conditions=status.conditions(),
        looked_at=last.finished_at if last else None,
        message=_message(last, decided),
        health=status.health(),
        election=election() if election else None,
        targets=tuple(TargetView(target.name, target.exclusive) for target in loop.edges.targets),
        envoys=tuple(_envoy(node) for t in loop.edges.targets if isinstance(t, XdsTarget) for node in t.nodes()),
    )


def _message(last: Outcome | None, decided: Outcome | None) -> str:
    spoken = last if last and not last.quiet else decided
    return spoken.message if spoken else ""


def _envoy(node: NodeStatus) -> Envoy:

    return Envoy(
        node=node.node,
        cluster=node.cluster,
        user_agent=node.user_agent,
        protocol=str(node.protocol.value),
        connected_since=node.connected_since,
        acks=node.acks,
        pushes=node.counters.pushes,
        accepted=node.counters.acks,
        rejected=node.counters.nacks,
    )


def matched_by(table: RouteTable, asked: Asked) -> Matched:
    """What becomes of a request.

    Raises:
        ValueError: that is no request.
    """
    found = explain(table, at_listener(table, requested(asked.url, asked.method, asked.headers)))
    auth = table.edge.auth
    return Matched(
        served=not isinstance(found.answer, NotFound | BadRequest | HungUp),
        answer=in_words(found.answer),
        listener=found.listener,
        virtual_host=str(found.virtual_host) if found.virtual_host else "",
        takers=tuple(
            Taker(
                id=one.route.id,
                provenance=one.route.provenance,
                percent=one.percent,
                answer=in_words(one.answer),
                auth=asked_first(one, auth) if auth else "",
                policies=tuple(policy.name for policy in one.route.policies),
            )
            for one in found.candidates
        ),
        misses=tuple(Miss(one.route.id, one.route.provenance, one.reason) for one in found.near_misses),
    )
