"""``reconciler audit log``: what happened, newest first."""

import json
from dataclasses import replace

import click

from reconciler.audit import Journal
from reconciler.cli.audit.filters import filters
from reconciler.cli.audit.reading import opened
from reconciler.cli.audit.shown import as_json, damage, lines
from reconciler.cli.options import output_flag, settings_flags
from reconciler.model.happening import Happening
from reconciler.model.question import Query
from reconciler.model.text import plural
from reconciler.settings import Loaded

# What makes a log less than whole: something done that could not be recorded, a process that left without a word.
_MISSING = frozenset({Happening.AUDIT_GAP, Happening.INTERRUPTED})
_NAMED = 5


@click.command()
@filters
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most this many.")
@click.option("--before", type=click.IntRange(min=1), metavar="ENTRY", help="Only older entries: the next page.")
@settings_flags("state")
@output_flag()
def log(settings: Loaded, query: Query, limit: int, before: int | None, output: str) -> None:
    """List what happened, newest first: one line each. Every condition must hold.

    With --without or --self-approved a second line says what is known of pull request, approval, signature and
    acknowledgement. Says on standard error where the log has gaps in the time asked for, and on its last page what
    retention deleted of it.

    \b
    Examples:
      reconciler audit log --since 24h --author ann@
      reconciler audit log --happened drift-found --since 2026-01-01 --until 2026-04-01
      reconciler audit log --without approval --outside 'Mon-Fri 09:00-17:00 Europe/Berlin'
      reconciler audit log --mapping shop/checkout --output json
    """
    asked = replace(query, limit=limit, before=before)
    with opened(settings) as journal:
        erased = journal.erased(query.since, query.until)
        # One more than asked for tells whether there is another page.
        found = journal.entries(replace(asked, limit=limit + 1))
        _warn(journal, query)
    entries = found[:limit]
    if erased and len(found) <= limit:
        click.echo(f"note: {erased}", err=True)
    for words in damage(entries):
        click.echo(words, err=True)
    if output == "json":
        click.echo(json.dumps([as_json(entry) for entry in entries], indent=2))
        return
    for line in lines(entries, review=bool(query.lacking or query.self_approved)):
        click.echo(line)
    if not entries:
        click.echo("no entries")
    elif len(found) > limit:
        click.echo(f"older ones: --before {entries[-1].sequence}", err=True)


def _warn(journal: Journal, query: Query) -> None:
    gaps = journal.entries(Query(since=query.since, until=query.until, happened=_MISSING, limit=_NAMED + 1))
    if gaps:
        more = " and more" if len(gaps) > _NAMED else ""
        named = ", ".join(str(entry.sequence) for entry in gaps[:_NAMED])
        what = plural(len(gaps), "gap") if not more else "gaps"
        click.echo(f"note: {what} in this time, see entries {named}{more}", err=True)
