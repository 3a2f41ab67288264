"""``reconciler sync``: one reconcile, then exit."""

import json

import click

from reconciler.cli import log
from reconciler.cli.exits import Exit
from reconciler.cli.options import output_flag, settings_flags
from reconciler.cli.show import echo_problems, in_colour, progress
from reconciler.cli.wiring import controller
from reconciler.model.outcome import Outcome
from reconciler.model.plain import plain
from reconciler.plan import as_json, as_text
from reconciler.settings import Loaded


@click.command()
@settings_flags("common", "state", "source", "cluster", "language", "safety", "target", "voice", "journal", "operation")
@output_flag()
def sync(settings: Loaded, output: str) -> int:
    """Bring the targets to the repository's revision once, and record it.

    Exits with 0 when everything in the repository is served, with 1 when something is refused, quarantined or failed.

    \b
    Examples:
      reconciler sync --repo https://git.example.com/routes.git --ref main --target files:/etc/envoy/routes
      reconciler sync --repo https://git.example.com/routes.git --ref tag:v1.4.0 --target none
    """
    log.configure(settings.settings.log_format)
    with controller(settings, lambda _outcome: None, verb="sync") as loop:
        progress(f"reconciling {loop.edges.source.describe}")
        outcome = loop.once()
    if output == "json":
        click.echo(json.dumps(_as_json(outcome), indent=2))
    else:
        _echo(outcome)
    return Exit.FINE if outcome.fine else Exit.PROBLEM


def _as_json(outcome: Outcome) -> dict[str, object]:
    return {
        "decision": outcome.decision,
        "reason": outcome.reason,
        "message": outcome.message,
        "attempted": str(outcome.attempted) if outcome.attempted else None,
        "applied": str(outcome.applied) if outcome.applied else None,
        "journal": outcome.sequence,
        "plan": as_json(outcome.plan) if outcome.plan else None,
        "problems": plain(outcome.problems),
        "acks": plain(outcome.acks),
    }


def _echo(outcome: Outcome) -> None:
    if outcome.plan and not outcome.plan.empty:
        click.echo(as_text(outcome.plan, colour=in_colour()))
    echo_problems(outcome.problems)
    colour = "green" if outcome.fine else "red"
    where = f" {outcome.attempted}" if outcome.attempted else ""
    entry = f", journal entry {outcome.sequence}" if outcome.sequence else ""
    reason = f" [{outcome.reason}]" if outcome.reason else ""
    message = f": {outcome.message}" if outcome.message else ""
    click.echo(f"{click.style(str(outcome.decision), fg=colour)}{reason}{where}{message}{entry}")
