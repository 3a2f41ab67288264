"""``reconciler audit show``: one entry whole."""

import click

from reconciler.cli.audit.deleted import missing
from reconciler.cli.audit.reading import opened, wanted_entry
from reconciler.cli.audit.shown import damage, line, reviewed
from reconciler.cli.exits import Exit
from reconciler.cli.options import output_flag, settings_flags
from reconciler.cli.show import echo_value
from reconciler.model.audit import AuditRecord
from reconciler.model.digest import Json
from reconciler.settings import Loaded


@click.command()
@click.argument("wanted", metavar="ENTRY|COMMIT")
@settings_flags("state")
@output_flag()
def show(settings: Loaded, wanted: str, output: str) -> int:
    """Print one entry whole: by its number, or the newest of a commit by its first digits.

    Exits with 1 where its records are not as they were written.

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
    bodies: list[Json] = [{**record.body, "hash": record.hash, **_marked(record)} for record in entry.records]
    if output == "text":
        click.echo(line(entry))
        click.echo(f"       {reviewed(entry)}")
        click.echo()
    echo_value(bodies, output)
    for words in damage((entry,)):
        click.echo(words, err=True)
    return Exit.FINE if entry.intact else Exit.PROBLEM


def _marked(record: AuditRecord) -> dict[str, Json]:
    return {} if record.intact else {"intact": False}
