"""``reconciler audit at``: what was served at a moment."""

import json
from collections.abc import Iterator

import click

from reconciler.cli.audit.deleted import missing
from reconciler.cli.audit.places import short
from reconciler.cli.audit.reading import opened, wanted_moment
from reconciler.cli.audit.rendering import show_again
from reconciler.cli.audit.shown import as_json, line, table
from reconciler.cli.audit.times import stamped
from reconciler.cli.audit.unknown import unknown
from reconciler.cli.exits import Exit
from reconciler.cli.options import output_flag, settings_flags
from reconciler.model.digest import Json
from reconciler.model.provenance import Touch
from reconciler.model.question import ServedAt
from reconciler.model.resource import Origin
from reconciler.model.text import plural
from reconciler.settings import Loaded


@click.command()
@click.argument("wanted", metavar="TIME|ENTRY|COMMIT")
@click.option("--render", is_flag=True, help="Print what Envoy was sent: rendered again, as set then.")
@settings_flags("state")
@output_flag("pb")
def at(settings: Loaded, wanted: str, render: bool, output: str) -> int:
    """Print what was served at a time, or right after an entry: revision, documents with place and commit, digests.

    Exits with 1 where the journal can't prove it: the documents it kept don't have the digest that was recorded, or it
    kept none; with --render, where it does not render again to the digest that was recorded.
    --output pb is one configuration that envoy -c runs, and takes --render.

    \b
    Examples:
      reconciler audit at 2026-05-06T12:00:00Z
      reconciler audit at 24h
      reconciler audit at 12 --output json
      reconciler audit at 12 --render --output pb > then.pb
    """
    if output == "pb" and not render:
        raise click.UsageError("--output pb takes --render")
    with opened(settings) as journal:
        moment = wanted_moment(journal, wanted)
        if moment is None:
            click.echo(missing(journal, wanted), err=True)
            return Exit.PROBLEM
        found = journal.at(moment)
        why = unknown(found, journal.standing().first_at)
    if why:
        click.echo(why, err=True)
    if render:
        return show_again(found, output)
    if output == "json":
        click.echo(json.dumps(_json(found), indent=2))
    else:
        for text in _lines(found):
            click.echo(text)
    if found.under_way is not None:
        click.echo(f"note: entry {found.under_way} was being applied: Envoys may have held either", err=True)
    return Exit.PROBLEM if why else Exit.FINE


def _lines(found: ServedAt) -> Iterator[str]:
    yield f"At {stamped(found.moment)}:"
    if found.entry is None and found.deleted is not None:
        yield f"deleted by retention, entry {found.deleted}: only digests are left"
        yield from table([("  snapshot", found.snapshot or "unknown"), ("  documents", found.documents or "unknown")])
        return
    if found.entry is None:
        yield "unknown"
        return
    facts = (
        ("revision", str(found.revision) if found.revision else "unknown"),
        ("served", f"from {stamped(found.since)} {f'until {stamped(found.until)}' if found.until else 'until now'}"),
        ("snapshot", found.snapshot or "unknown"),
        ("documents", f"{found.documents} ({'proven' if found.proven else 'not proven'})"),
        ("program", found.tool_version or "unknown"),
    )
    yield from table((f"  {name}", value) for name, value in facts)
    yield line(found.entry)
    yield f"{plural(len(found.origins), 'document')}{':' if found.origins else ''}"
    yield from table(_row(origin) for origin in found.origins)


def _row(origin: Origin) -> tuple[str, ...]:
    where, touch = origin.provenance, origin.provenance.touch
    place = f"{where.path}:{where.line}" if where.line else where.path
    if touch is None:
        return f"  {origin.id}", place, "", "", ""
    if isinstance(touch, Touch):
        return f"  {origin.id}", place, short(touch.sha), touch.author, f"{touch.committed_at:%Y-%m-%d}"
    manager = touch.manager or "unknown"
    return f"  {origin.id}", place, touch.resource_version, manager, f"{touch.changed_at:%Y-%m-%d}"


def _json(found: ServedAt) -> Json:
    return {
        "moment": stamped(found.moment),
        "since": stamped(found.since),
        "until": stamped(found.until),
        "under_way": found.under_way,
        "revision": str(found.revision) if found.revision else None,
        "snapshot": found.snapshot,
        "documents": found.documents,
        "proven": found.proven,
        "deleted": found.deleted,
        "set_back": found.set_back,
        "tool_version": found.tool_version or "unknown",
        "settings": found.settings or "unknown",
        "entry": as_json(found.entry) if found.entry else None,
        "served": [_document(origin) for origin in found.origins],
    }


def _document(origin: Origin) -> Json:
    where, touch = origin.provenance, origin.provenance.touch
    return {
        "kind": str(origin.id.kind),
        "namespace": origin.id.namespace,
        "name": origin.id.name,
        "path": where.path,
        "line": where.line,
        "commit": touch.sha if isinstance(touch, Touch) else None,
        "object": touch.key if touch and not isinstance(touch, Touch) else None,
        "author": (touch.author if isinstance(touch, Touch) else touch.manager) if touch else None,
        "written_at": stamped(touch.written_at) if touch else None,
    }
