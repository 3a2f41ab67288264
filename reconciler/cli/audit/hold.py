"""``reconciler audit hold``: keep records from deletion for a legal reason, and let them go again."""

from datetime import datetime

import click

from reconciler.cli.audit.reading import opened
from reconciler.cli.audit.times import a_moment, stamped
from reconciler.cli.audit.writing import asker, writable
from reconciler.cli.options import output_flag, settings_flags
from reconciler.cli.show import echo_value
from reconciler.model.digest import Json
from reconciler.model.retention import Hold
from reconciler.model.text import printable
from reconciler.settings import Loaded

_LONGEST_REASON = 1_000


@click.group()
def hold() -> None:
    """Keep what was recorded of a time from deletion, for as long as the hold lasts.

    \b
    Examples:
      reconciler audit hold add --since 2026-01-01 --until 2026-04-01 --reason "case 7"
      reconciler audit hold list
      reconciler audit hold release 812 --reason "case 7 is closed"
    """


@hold.command()
@click.option("--since", callback=a_moment, metavar="TIME", help="From when on; default from the beginning.")
@click.option("--until", callback=a_moment, metavar="TIME", help="Before when; default all that is to come, too.")
@click.option("--reason", required=True, help="Why, for those who come to release it.")
@settings_flags("state", "journal")
def add(settings: Loaded, since: datetime | None, until: datetime | None, reason: str) -> None:
    """Hold the records of a time, and what was served then. Prints the number of the hold.

    \b
    Example:
      reconciler audit hold add --since 2026-01-01 --until 2026-04-01 --reason "case 7"
    """
    with writable(settings) as journal:
        number = journal.retention().hold(since, until, _bounded(reason), asker())
    click.echo(f"hold {number}: {_span(since, until)}")


@hold.command("list")
@settings_flags("state")
@output_flag()
def list_(settings: Loaded, output: str) -> None:
    """List the holds, released ones too.

    \b
    Example:
      reconciler audit hold list --output json
    """
    with opened(settings) as journal:
        found = journal.retention().holds()
    if output == "json":
        rows: list[Json] = [_row(one) for one in found]
        echo_value(rows, output)
        return
    for one in found:
        state = f"released by entry {one.released}" if one.released else "held"
        click.echo(printable(f"{one.number:>5}  {state}  {_span(one.since, one.until)}  {one.reason}"))
    if not found:
        click.echo("no holds")


@hold.command()
@click.argument("number", type=click.IntRange(min=1))
@click.option("--reason", required=True, help="Why it may end.")
@settings_flags("state", "journal")
def release(settings: Loaded, number: int, reason: str) -> None:
    """End a hold: what is old enough goes with the next deletion.

    \b
    Example:
      reconciler audit hold release 812 --reason "case 7 is closed"
    """
    with writable(settings) as journal:
        entry = journal.retention().release(number, _bounded(reason), asker())
    click.echo(f"hold {number} is released: entry {entry}")


def _bounded(reason: str) -> str:
    if not reason.strip() or len(reason) > _LONGEST_REASON:
        raise click.BadParameter(f"expected 1 to {_LONGEST_REASON} characters", param_hint="--reason")
    return reason


def _span(since: datetime | None, until: datetime | None) -> str:
    return f"{stamped(since) or 'the beginning'} to {stamped(until) or 'all that is to come'}"


def _row(one: Hold) -> Json:
    return {
        "number": one.number,
        "since": stamped(one.since),
        "until": stamped(one.until),
        "reason": one.reason,
        "released": one.released,
    }
