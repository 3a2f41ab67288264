"""``reconciler audit log``: what happened, newest first."""

import json
from dataclasses import replace

import click

from reconciler.audit import Journal
from reconciler.cli.audit.filters import filters
from reconciler.cli.audit.paging import paged, tell_of_more
from reconciler.cli.audit.reading import opened
from reconciler.cli.audit.shown import as_json, damage, lines
from reconciler.cli.exits import Exit
from reconciler.cli.options import output_flag, settings_flags
from reconciler.model.happening import Happening
from reconciler.model.question import Query
from reconciler.model.text import plural, printable
from reconciler.settings import Loaded

# What makes a log less than whole: something done that could not be recorded, a process that left without a word.
_MISSING = frozenset({Happening.AUDIT_GAP, Happening.INTERRUPTED})
_NAMED = 5


@click.command()
@filters
@paged(50)
@settings_flags("state")
@output_flag()
def log(settings: Loaded, query: Query, limit: int | None, before: int | None, output: str) -> int:
    """List what happened, newest first: one line each. Every condition must hold.

    With --without or --self-approved a second line says what is known of pull request, approval, signature and
    acknowledgement. What lacks something or was out of hours are changes that were applied, unless --not-applied asks
    for those that were refused, rejected or failed. Says on standard error where the log has gaps in the time asked
    for, where there are more entries than it lists, and on its last page what retention deleted of that time.

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
        found = journal.entries(replace(asked, limit=None if limit is None else limit + 1))
        _warn(journal, query)
        unknown = "" if found else _unknown(journal, query)
    entries = found[:limit]
    if erased and len(found) == len(entries):
        click.echo(f"note: {erased}", err=True)
    for words in damage(entries):
        click.echo(words, err=True)
    if output == "json":
        click.echo(json.dumps([as_json(entry) for entry in entries], indent=2))
    else:
        for line in lines(entries, review=bool(query.lacking or query.self_approved)):
            click.echo(line)
        if not entries:
            click.echo("no entries")
    if len(found) > len(entries):
        tell_of_more(entries[-1].sequence)
    if unknown:
        click.echo(unknown, err=True)
    return Exit.PROBLEM if unknown else Exit.FINE


def _unknown(journal: Journal, query: Query) -> str:
    """That nothing is known of a name at all, and which are like it; empty where something is."""
    named = Query(mapping=query.mapping, kind=query.kind, limit=1)
    if not query.mapping or journal.entries(named):
        return ""
    alike = journal.asked.names_like(query.mapping)
    hint = f"; perhaps {' or '.join(alike)}" if alike else ""
    return printable(f"the journal knows nothing of {' '.join(filter(None, (query.kind, query.mapping)))}{hint}")


def _warn(journal: Journal, query: Query) -> None:
    if query.commit or query.author:
        short = journal.entries(Query(since=query.since, until=query.until, omitting=True, limit=_NAMED + 1))
        if short:
            named = ", ".join(str(entry.sequence) for entry in short[:_NAMED])
            rest = " and more" if len(short) > _NAMED else ""
            click.echo(
                f"note: entries {named}{rest} brought more commits than a record lists: they are found by what they "
                "changed, and not by those that changed nothing that is served",
                err=True,
            )
    gaps = journal.entries(Query(since=query.since, until=query.until, happened=_MISSING, limit=_NAMED + 1))
    if gaps:
        more = " and more" if len(gaps) > _NAMED else ""
        named = ", ".join(str(entry.sequence) for entry in gaps[:_NAMED])
        what = plural(len(gaps), "gap") if not more else "gaps"
        click.echo(f"note: {what} in this time, see entries {named}{more}", err=True)
