"""``reconciler audit history``: all that was done to one route, or to another resource."""

import json
from collections.abc import Iterator

import click

from reconciler.cli.audit.deleted import older
from reconciler.cli.audit.paging import paged, tell_of_more
from reconciler.cli.audit.places import placed
from reconciler.cli.audit.reading import opened
from reconciler.cli.audit.shown import as_json, line
from reconciler.cli.exits import Exit
from reconciler.cli.options import output_flag, settings_flags
from reconciler.model.digest import Json
from reconciler.model.origin import Kind
from reconciler.model.plan import Op, fields_json
from reconciler.model.question import RouteChange
from reconciler.model.text import printable
from reconciler.settings import Loaded

_SIGNS = {Op.CREATE: "+", Op.UPDATE: "~", Op.DELETE: "-"}


@click.command()
@click.argument("named", metavar="NAME")
@click.option("--kind", type=click.Choice([str(one) for one in Kind]), help="Only of this kind.")
@paged(20)
@settings_flags("state")
@output_flag()
def history(settings: Loaded, named: str, kind: str | None, limit: int | None, before: int | None, output: str) -> int:
    """List what was done to NAME (name or namespace/name), newest first; also what was not applied.

    Of a route it is told field by field; of a Host, a Module, a policy and all other documents, that it changed and
    where it stands. A page ends with all of an entry: of names in several namespaces it may be longer than its limit.

    \b
    Examples:
      reconciler audit history shop/checkout
      reconciler audit history checkout --limit 1 --output json
      reconciler audit history shop/shop-host --kind Host
    """
    with opened(settings) as journal:
        kinds = [kind] if kind else []
        changes = journal.history(named, limit, before, kinds)
        last = changes[-1].entry.sequence if changes else 0
        more = limit is not None and bool(changes) and bool(journal.history(named, 1, last, kinds))
        deleted = "" if more else older(journal)
        alike = journal.asked.names_like(named) if not changes else []
    if output == "json":
        click.echo(json.dumps([_json(change) for change in changes], indent=2))
    for text in (text for change in changes for text in _lines(change)) if output == "text" else ():
        click.echo(text)
    if more:
        tell_of_more(last)
    if deleted:
        click.echo(f"note: older ones may be missing: {deleted}", err=True)
    if not changes:
        what = " ".join(filter(None, (kind, named)))
        hint = f"; perhaps {' or '.join(alike)}" if alike else ""
        click.echo(printable(f"nothing was done to {what} that the journal knows of{hint}"), err=True)
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
