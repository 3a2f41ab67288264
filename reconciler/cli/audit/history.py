"""``reconciler audit history``: all that was done to one route."""

import json
from collections.abc import Iterator

import click

from reconciler.cli.audit.deleted import older
from reconciler.cli.audit.places import placed
from reconciler.cli.audit.reading import opened
from reconciler.cli.audit.shown import as_json, line
from reconciler.cli.exits import Exit
from reconciler.cli.options import output_flag, settings_flags
from reconciler.model.digest import Json
from reconciler.model.plan import Op, fields_json
from reconciler.model.question import RouteChange
from reconciler.model.text import printable
from reconciler.settings import Loaded

_SIGNS = {Op.CREATE: "+", Op.UPDATE: "~", Op.DELETE: "-"}


@click.command()
@click.argument("route")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most this many changes.")
@click.option("--before", type=click.IntRange(min=1), metavar="ENTRY", help="Only older entries: the next page.")
@settings_flags("state")
@output_flag()
def history(settings: Loaded, route: str, limit: int, before: int | None, output: str) -> int:
    """List what was done to ROUTE (name or namespace/name), newest first, field by field; also what was not applied.

    \b
    Examples:
      reconciler audit history shop/checkout
      reconciler audit history checkout --limit 1 --output json
    """
    with opened(settings) as journal:
        changes = journal.history(route, limit, before)
        deleted = older(journal) if len(changes) < limit else ""
    if output == "json":
        click.echo(json.dumps([_json(change) for change in changes], indent=2))
    for text in (text for change in changes for text in _lines(change)) if output == "text" else ():
        click.echo(text)
    if deleted:
        click.echo(f"note: {deleted}", err=True)
    if not changes:
        click.echo(f"nothing was done to {printable(route)} that the journal knows of", err=True)
        return Exit.PROBLEM
    return Exit.FINE


def _lines(change: RouteChange) -> Iterator[str]:
    yield line(change.entry)
    place = placed(change.after if isinstance(change.after, dict) else change.before)
    applied = "" if change.applied else ", not applied"
    yield printable(f"       {_SIGNS[change.op]} {change.id} ({place}){applied}")
    for one in change.fields:
        match change.op:
            case Op.CREATE:
                value = one.after
            case Op.DELETE:
                value = one.before
            case Op.UPDATE:
                value = f"{one.before or '(none)'} → {one.after or '(none)'}"
        yield printable(f"         {one.field}: {value}")


def _json(change: RouteChange) -> Json:
    return {
        "kind": str(change.id.kind),
        "namespace": change.id.namespace,
        "name": change.id.name,
        "op": str(change.op),
        "applied": change.applied,
        "fields": fields_json(change.fields),
        "before": change.before,
        "after": change.after,
        "entry": as_json(change.entry),
    }
