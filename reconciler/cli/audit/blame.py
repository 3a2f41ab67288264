"""``reconciler audit blame``: each field of a route, and the change that set it."""

import json
from collections.abc import Iterable, Iterator
from itertools import groupby

import click

from reconciler.cli.audit.places import as_facts, told
from reconciler.cli.audit.reading import opened
from reconciler.cli.audit.shown import as_json, table
from reconciler.cli.exits import Exit
from reconciler.cli.options import output_flag, settings_flags
from reconciler.model.credit import Credit, credit
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
    Where an entry brought several commits that may have set a field, all of them are told, and none alone. A field that
    a policy, a Module or another document set is told with those that changed that.

    \b
    Examples:
      reconciler audit blame shop/checkout
      reconciler audit blame shop/checkout --output json
    """
    with opened(settings) as journal:
        blamed = journal.blame(route)
        newest = journal.history(route, 1)
    if output == "json":
        click.echo(json.dumps([_json(one) for one in blamed], indent=2))
    else:
        for text in _lines(blamed):
            click.echo(text)
    if not blamed:
        click.echo(f"no change of {printable(route)} was applied that the journal knows of", err=True)
        return Exit.PROBLEM
    if newest and newest[0].applied and newest[0].op is Op.DELETE:
        click.echo(f"note: it is gone since entry {newest[0].entry.sequence}", err=True)
    return Exit.FINE


def _lines(blamed: Iterable[Blamed]) -> Iterator[str]:
    for route, fields in groupby(blamed, key=lambda one: one.id):
        yield click.style(printable(str(route)), bold=True)
        yield from table(_row(one) for one in fields)


def _row(one: Blamed) -> tuple[str, ...]:
    setting = f"{one.field}: {one.value}"
    if one.change is None:
        return _BEFORE, "", "", "", "", setting
    commit, author, date, place = told(credit(one.change))
    return commit, author, date, f"entry {one.change.entry.sequence}", place, setting


def _json(one: Blamed) -> Json:
    route: dict[str, Json] = {"kind": str(one.id.kind), "namespace": one.id.namespace, "name": one.id.name}
    facts: dict[str, Json] = {**route, "field": one.field, "value": one.value}
    if one.change is None:
        return {**facts, **as_facts(Credit(None, (), None)), "entry": None}
    return {**facts, **as_facts(credit(one.change)), "entry": as_json(one.change.entry)}
