"""``reconciler audit diff``: what a time or some entries changed, as routing."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import click

from reconciler.cli.audit.deleted import missing
from reconciler.cli.audit.reading import opened, wanted_moment
from reconciler.cli.audit.times import stamped
from reconciler.cli.audit.unknown import unknown
from reconciler.cli.exits import Exit
from reconciler.cli.options import output_flag, settings_flags
from reconciler.cli.show import in_colour
from reconciler.cli.stages import stage_options
from reconciler.compile import NOTHING, Compiled, Options, plan_change
from reconciler.model.differing import Differing, differing
from reconciler.model.digest import Json
from reconciler.model.plan import Op, Plan, fields_json
from reconciler.model.question import ServedAt
from reconciler.model.text import printable
from reconciler.plan import as_json, as_text
from reconciler.settings import Loaded
from reconciler.settings.recorded import recorded
from reconciler.state import recompiled

_SIGNS = {Op.CREATE: "+", Op.UPDATE: "~", Op.DELETE: "-"}


@dataclass(frozen=True, slots=True)
class _Side:
    """What was served on one side, and what it means today.

    Attributes:
        compiled: None where it can't be compiled any more.
        notes: what is to be said about that.
    """

    served: ServedAt
    compiled: Compiled | None
    notes: tuple[str, ...]


@click.command()
@click.argument("before", metavar="FROM")
@click.argument("after", metavar="TO", default="now")
@settings_flags("state", "common", "language", "target")
@output_flag()
def diff(settings: Loaded, before: str, after: str, output: str) -> int:
    """Print how routing at TO differs from that at FROM, as `reconciler plan` does: times, entries or commits.

    What is served right after an entry is that of the entry. Both sides are compiled from the documents that the
    journal kept, with the settings of their time as far as these are known. Where that makes something else of them
    than was served, it says so; where they can't be compiled any more, it tells which documents differ. Exits with 1
    where the journal can't prove what was served on a side, which is then compared with nothing.

    \b
    Examples:
      reconciler audit diff 7d
      reconciler audit diff 2026-05-06T12:00:00Z 2026-05-07
      reconciler audit diff 12 15 --output json
    """
    options = stage_options(settings)
    with opened(settings) as journal:
        moments = [wanted_moment(journal, text) for text in (before, after)]
        for text, moment in zip((before, after), moments, strict=True):
            if moment is None:
                click.echo(missing(journal, text), err=True)
                return Exit.PROBLEM
        found = [journal.at(moment) for moment in moments if moment is not None]
        begins = journal.standing().first_at
    gaps = [(name, unknown(served, begins)) for name, served in zip(("FROM", "TO"), found, strict=True)]
    for name, why in gaps:
        if why:
            click.echo(f"{name}: {why}", err=True)
    if any(why for _, why in gaps):
        return Exit.PROBLEM
    old, new = (_side(served, options) for served in found)
    plan = _plan(old, new, options)
    if output == "json":
        click.echo(json.dumps(_json(old, new, plan), indent=2))
    else:
        click.echo(f"from {_told(old)}\nto   {_told(new)}\n")
        click.echo(_text(old, new, plan))
    for name, side in (("FROM", old), ("TO", new)):
        for note in side.notes:
            click.echo(f"note: {name}: {note}", err=True)
    return Exit.FINE


def _side(served: ServedAt, today: Options) -> _Side:
    if not served.origins:
        return _Side(served, NOTHING, ())
    options = stage_options(recorded(served.settings)) if served.settings else today
    compiled, unguarded = recompiled(served.origins, options)
    if unguarded:
        return _Side(served, None, ("a guard of every request can't be read any more as it was",))
    if served.snapshot and compiled.snapshot.digest != served.snapshot:
        how = "the settings of then" if served.settings else "today's settings"
        return _Side(
            served, compiled, (f"with this program and {how} Envoy would get something else than it got then",)
        )
    return _Side(served, compiled, ())


def _plan(old: _Side, new: _Side, options: Options) -> Plan | None:
    if old.compiled is None or new.compiled is None:
        return None
    # It was applied, or is what would undo it: nobody asks whether it may be.
    return replace(plan_change(old.compiled, new.compiled, options, fast_forward=None), refusals=())


def _text(old: _Side, new: _Side, plan: Plan | None) -> str:
    if plan is None:
        return "\n".join(_documents_text(old, new))
    if plan.empty:
        same = old.served.snapshot == new.served.snapshot
        return "no difference" if same else "no route differs; Envoy was sent something else, such as by other settings"
    return as_text(plan, colour=in_colour())


def _told(side: _Side) -> str:
    served = side.served
    revision = served.revision or "an unknown revision"
    entry = f", entry {served.entry.sequence}" if served.entry else ""
    switching = f"; entry {served.under_way} was being applied" if served.under_way is not None else ""
    return printable(f"{stamped(served.moment)}: {revision}{entry}{switching}")


def _json(old: _Side, new: _Side, plan: Plan | None) -> Json:
    return {
        "from": _side_json(old),
        "to": _side_json(new),
        "plan": as_json(plan) if plan else None,
        "documents": [_document(one) for one in differing(old.served.origins, new.served.origins)],
    }


def _side_json(side: _Side) -> Json:
    served = side.served
    return {
        "moment": stamped(served.moment),
        "entry": served.entry.sequence if served.entry else None,
        "revision": str(served.revision) if served.revision else None,
        "snapshot": served.snapshot,
        "documents": served.documents,
        "proven": served.proven,
        "under_way": served.under_way,
        "notes": list(side.notes),
    }


def _document(one: Differing) -> Json:
    named: dict[str, Json] = {"kind": str(one.id.kind), "namespace": one.id.namespace, "name": one.id.name}
    return {"op": str(one.op), **named, "fields": fields_json(one.fields), "more": one.more}


def _documents_text(old: _Side, new: _Side) -> Iterator[str]:
    found = differing(old.served.origins, new.served.origins)
    for one in found:
        yield printable(f"{_SIGNS[one.op]} {one.id}  {one.after or one.before}")
        for each in one.fields:
            yield printable(f"    {each.field}: {each.before or '(none)'} → {each.after or '(none)'}")
        if one.more:
            yield f"    {one.more} more"
    yield f"documents that differ: {len(found)}; as routing they can't be compared any more"
