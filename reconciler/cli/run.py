"""``reconciler run``: the controller."""

from collections.abc import Callable

import click

from reconciler.apply import XdsTarget
from reconciler.audit.anchor import Anchoring
from reconciler.cli import collector, log
from reconciler.cli.announce import Voice
from reconciler.cli.election import Seat
from reconciler.cli.health import health_of
from reconciler.cli.options import settings_flags
from reconciler.cli.pages import pages
from reconciler.cli.signals import stop_on_signals
from reconciler.cli.wiring import controller, web_server
from reconciler.loop import Loop
from reconciler.model.outcome import Outcome
from reconciler.settings import Loaded
from reconciler.web import StatusBoard


@click.command()
@settings_flags(
    "common",
    "state",
    "source",
    "cluster",
    "replicas",
    "clock",
    "language",
    "safety",
    "target",
    "voice",
    "journal",
    "operation",
    "pages",
)
def run(settings: Loaded) -> None:
    """Poll the repository, apply its routes, record why; until SIGTERM or Ctrl-C. SIGHUP polls at once.

    \b
    Examples:
      reconciler run --repo https://git.example.com/routes.git --target xds
      reconciler run --repo git@git.example.com:team/routes.git --ssh-key-file key \\
          --known-hosts-file known_hosts --target files:/etc/envoy/routes
    """
    s = settings.settings
    log.configure(s.log_format)
    board, outcomes = StatusBoard(), log.OutcomeLog()
    loops: list[Loop] = []
    spare = collector.spare_once()
    voices: list[Voice] = []
    bells: list[Callable[[], None]] = []
    anchorings: list[Anchoring] = []
    board.health = lambda: health_of(loops, voices, board, anchorings)
    with web_server(
        s.web_address, board, lambda: _envoys(loops), lambda: _holdings(loops), lambda: _leads(loops), board.health
    ) as metrics:

        def report(outcome: Outcome) -> None:
            board.record(outcome)
            metrics.record(outcome)
            outcomes.write(outcome)
            for ring in bells:
                ring()
            spare()

        def seated(seat: Seat) -> None:
            board.election = seat.leadership

        with controller(settings, report, seated, voices.append, anchorings.append) as loop:
            loops.append(loop)
            board.serving = loop.state.revision is not None
            stop_on_signals(loop)
            with pages(settings, loop, board) as shown:
                bells.append(shown.ring)
                where = {"pages": shown.url} if shown.url else {}
                log.log_started(
                    repository=loop.edges.source.describe,
                    ref=s.ref,
                    target=list(s.target),
                    interval_s=s.interval,
                    **where,
                )
                loop.forever()
            log.log_stopped()


def _envoys(loops: list[Loop]) -> int:
    return sum(len(t.nodes()) for loop in loops for t in loop.edges.targets if isinstance(t, XdsTarget))


def _leads(loops: list[Loop]) -> bool:
    return bool(loops) and loops[0].edges.leads()


def _holdings(loops: list[Loop]) -> dict[str, int]:
    return loops[0].state.holdings() if loops else {}
