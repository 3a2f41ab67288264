"""``reconciler audit blame``: each field of a route, and the change that set it."""

import json
from collections.abc import Iterable, Iterator
from itertools import groupby

import click

from reconciler.cli.audit.places import short, written
from reconciler.cli.audit.reading import opened
from reconciler.cli.audit.shown import as_json, table
from reconciler.cli.exits import Exit
from reconciler.cli.options import output_flag, settings_flags
from reconciler.model.digest import Json
from reconciler.model.plan import Op
from reconciler.model.question import Blamed
from reconciler.model.text import printable
from reconciler.settings import Loaded

_BEFORE = "(before the journal)"


@click.command()
@click.argument("route")
@settings_flags("state")
@output_flag()
def blame(settings: Loaded, route: str, output: str) -> int:
    """Print each field of ROUTE (name or namespace/name) as it is served, and the change that set it.

    What was refused, rejected or rolled back set nothing. Of a route that is gone, the fields it had last.

    \b
    Examples:
      reconciler audit blame shop/checkout
      reconciler audit blame shop/checkout --output json
    """
    with opened(settings) as journal:
        told = journal.blame(route)
        newest = journal.history(route, 1)
    if output == "json":
        click.echo(json.dumps([_json(one) for one in told], indent=2))
    else:
        for text in _lines(told):
            click.echo(text)
    if not told:
        click.echo(f"no change of {printable(route)} was applied that the journal knows of", err=True)
        return Exit.PROBLEM
    if newest and newest[0].applied and newest[0].op is Op.DELETE:
        click.echo(f"note: it is gone since entry {newest[0].entry.sequence}", err=True)
    return Exit.FINE


def _lines(told: Iterable[Blamed]) -> Iterator[str]:
    for route, fields in groupby(told, key=lambda one: one.id):
        yield click.style(printable(str(route)), bold=True)
        yield from table(_row(one) for one in fields)


def _row(one: Blamed) -> tuple[str, ...]:
    setting = f"{one.field}: {one.value}"
    if one.change is None:
        return _BEFORE, "", "", "", "", setting
    by = written(one.change)
    return short(by.commit), by.author, by.date[:10], f"entry {one.change.entry.sequence}", by.place, setting


def _json(one: Blamed) -> Json:
    route: dict[str, Json] = {"kind": str(one.id.kind), "namespace": one.id.namespace, "name": one.id.name}
    told: dict[str, Json] = {**route, "field": one.field, "value": one.value}
    if one.change is None:
        return {**told, "commit": None, "author": None, "date": None, "place": None, "entry": None}
    by = written(one.change)
    return {
        **told,
        "commit": by.commit,
        "author": by.author,
        "date": by.date,
        "place": by.place,
        "entry": as_json(one.change.entry),
    }
