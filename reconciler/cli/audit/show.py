"""``reconciler audit show``: one entry whole."""

import click

from reconciler.cli.audit.deleted import missing
from reconciler.cli.audit.reading import opened, wanted_entry
from reconciler.cli.audit.shown import line, reviewed
from reconciler.cli.exits import Exit
from reconciler.cli.options import output_flag, settings_flags
from reconciler.cli.show import echo_value
from reconciler.model.digest import Json
from reconciler.settings import Loaded


@click.command()
@click.argument("wanted", metavar="ENTRY|COMMIT")
@settings_flags("state")
@output_flag()
def show(settings: Loaded, wanted: str, output: str) -> int:
    """Print one entry whole: by its number, or the newest of a commit by its first digits.

    \b
    Example:
      reconciler audit show 12 --output json
    """
    with opened(settings) as journal:
        entry = journal.entry(wanted_entry(wanted))
        why = missing(journal, wanted) if entry is None else ""
    if entry is None:
        click.echo(why, err=True)
        return Exit.PROBLEM
    bodies: list[Json] = [{**record.body, "hash": record.hash} for record in entry.records]
    if output == "text":
        click.echo(line(entry))
        click.echo(f"       {reviewed(entry)}")
        click.echo()
    echo_value(bodies, output)
    return Exit.FINE
