"""``reconciler audit show``: one entry whole."""

import click

from reconciler.audit import Journal
from reconciler.cli.audit.deleted import missing
from reconciler.cli.audit.reading import opened, wanted_entry
from reconciler.cli.audit.shown import damage, line, reviewed
from reconciler.cli.exits import Exit
from reconciler.cli.options import output_flag, settings_flags
from reconciler.cli.show import echo_value
from reconciler.model.audit import AuditRecord
from reconciler.model.digest import Json
from reconciler.model.entry import Entry
from reconciler.model.text import plural
from reconciler.settings import Loaded

_MOST = 10  # other entries that are named


@click.command()
@click.argument("wanted", metavar="ENTRY|COMMIT")
@settings_flags("state")
@output_flag()
def show(settings: Loaded, wanted: str, output: str) -> int:
    """Print one entry whole: by its number, or that of a commit by its first digits.

    Of several that brought the commit it is the first that was applied; the others are named on standard error.

    Exits with 1 where its records are not as they were written.

    \b
    Example:
      reconciler audit show 12 --output json
    """
    with opened(settings) as journal:
        entry = journal.entry(wanted_entry(wanted))
        why = missing(journal, wanted) if entry is None else ""
        others = _others(journal, wanted, entry) if entry else ()
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
    if others:
        click.echo(f"note: entries {', '.join(others)} are about this commit, too", err=True)
    if entry.commits_omitted:
        click.echo(f"note: it brought {plural(entry.commits_omitted, 'commit')} more than its record lists", err=True)
    return Exit.FINE if entry.intact else Exit.PROBLEM


def _others(journal: Journal, wanted: str, shown: Entry) -> tuple[str, ...]:
    """The numbers of other entries about a commit, where it was asked by one."""
    if not isinstance(digits := wanted_entry(wanted), str):
        return ()
    found = [entry.sequence for entry in journal.asked.of_commit(digits, _MOST + 1) if entry is not None]
    named = [str(number) for number in found if number != shown.sequence]
    return (*named[:_MOST], "and more") if len(found) > _MOST else tuple(named)


def _marked(record: AuditRecord) -> dict[str, Json]:
    return {} if record.intact else {"intact": False}
