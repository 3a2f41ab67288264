"""``reconciler audit blame``: each field of a route, and the change that set it."""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import groupby

import click

from reconciler.audit import Journal
from reconciler.cli.audit.places import as_facts, told
from reconciler.cli.audit.reading import opened
from reconciler.cli.audit.shown import as_json, table
from reconciler.cli.clock import now
from reconciler.cli.exits import Exit
from reconciler.cli.options import output_flag, settings_flags
from reconciler.cli.stages import stage_options
from reconciler.model.blaming import completed, deleted_before, whole
from reconciler.model.credit import Credit, credit
from reconciler.model.digest import Json
from reconciler.model.plan import Op
from reconciler.model.question import Blamed
from reconciler.model.resource import ResourceId
from reconciler.model.retention import Erased
from reconciler.model.text import printable
from reconciler.plan import worded
from reconciler.settings import Loaded
from reconciler.settings.recorded import recorded
from reconciler.state import recompiled

_LATELY = 50  # changes among which the newest that was applied is looked for


@click.command()
@click.argument("route")
@settings_flags("state")
@output_flag()
def blame(settings: Loaded, route: str, output: str) -> int:
    """Print each field of ROUTE (name or namespace/name) as it is served, and the change that set it.

    What was refused, rejected or rolled back set nothing. Of a route that is gone, the fields it had last.
    Where an entry brought several commits that may have set a field, all of them are told, and none alone. A field that
    a policy, a Module or another document set is told with those that changed that. A field whose setter retention
    deleted is told with the entry that deleted it.

    \b
    Examples:
      reconciler audit blame shop/checkout
      reconciler audit blame shop/checkout --output json
    """
    with opened(settings) as journal:
        blamed, notes = _blamed(journal, settings, route)
        newest = journal.history(route, 1)
    if output == "json":
        click.echo(json.dumps([_json(one) for one in blamed], indent=2))
    else:
        for text in _lines(blamed):
            click.echo(text)
    for note in notes:
        click.echo(printable(f"note: {note}"), err=True)
    if not blamed:
        click.echo(f"no change of {printable(route)} was applied that the journal knows of", err=True)
        return Exit.PROBLEM
    if newest and newest[0].applied and newest[0].op is Op.DELETE:
        click.echo(f"note: it is gone since entry {newest[0].entry.sequence}", err=True)
    return Exit.FINE


def _blamed(journal: Journal, settings: Loaded, route: str) -> tuple[tuple[Blamed, ...], tuple[str, ...]]:
    """Every field, and what is to be said about how it is known."""
    blamed, erased = journal.blame(route), journal.erased()
    if whole(blamed, erased):
        return blamed, ()
    served, by = journal.at(now()), deleted_before(journal, blamed, erased)
    # With the settings of the process that served it, where they are known.
    options = stage_options(recorded(served.settings) if served.settings else settings)
    compiled, unguarded = recompiled(served.origins, options)
    if unguarded or not served.proven:
        told = tuple(one if one.change else replace(one, deleted=by) for one in blamed)
        return told, ("what is served can't be read any more as it was: fields may be missing, or not those of now",)
    fields = worded(compiled.table, route)
    notes = list(_gone({one.id for one in blamed} - fields.keys(), journal, erased))
    if compiled.snapshot.digest != served.snapshot:
        notes.append("this program, or other settings, make something else of what is served: values may differ")
    return completed(blamed, fields, by), tuple(notes)


def _gone(routes: Collection[ResourceId], journal: Journal, erased: Erased | None) -> Iterator[str]:
    """That a route is not served, where no record tells any more what took it away."""
    for one in sorted(routes):
        newest = next((each for each in journal.history(f"{one.namespace}/{one.name}", _LATELY) if each.applied), None)
        if erased and (newest is None or newest.op is not Op.DELETE):
            yield f"{one} is not served any more; what took it away is deleted by retention, entry {erased.by[-1]}"


def _lines(blamed: Iterable[Blamed]) -> Iterator[str]:
    for route, fields in groupby(blamed, key=lambda one: one.id):
        yield click.style(printable(str(route)), bold=True)
        yield from table(_row(one) for one in fields)


def _row(one: Blamed) -> tuple[str, ...]:
    setting = f"{one.field}: {one.value}"
    if one.change is None:
        return f"({one.unknown})", "", "", "", "", setting
    commit, author, date, place = told(credit(one.change))
    return commit, author, date, f"entry {one.change.entry.sequence}", place, setting


def _json(one: Blamed) -> Json:
    route: dict[str, Json] = {"kind": str(one.id.kind), "namespace": one.id.namespace, "name": one.id.name}
    facts: dict[str, Json] = {**route, "field": one.field, "value": one.value}
    if one.change is None:
        return {**facts, **as_facts(Credit(None, (), None)), "entry": None, "unknown": one.unknown}
    return {**facts, **as_facts(credit(one.change)), "entry": as_json(one.change.entry), "unknown": ""}
