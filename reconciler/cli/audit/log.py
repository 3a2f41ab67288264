"""``reconciler audit log``: the decisions, newest first."""

import json
from datetime import datetime

import click

from reconciler.cli.audit.reading import line, opened, utc
from reconciler.cli.options import output_flag, settings_flags
from reconciler.model.digest import Json
from reconciler.model.entry import Entry
from reconciler.model.plain import plain
from reconciler.settings import Loaded


@click.command()
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most this many.")
@click.option("--mapping", default="", metavar="NAME", help="Only this Mapping: name or namespace/name.")
@click.option("--author", default="", metavar="TEXT", help="Only commits whose author contains this.")
@click.option("--since", type=click.DateTime(), help="Not before this moment (UTC).")
@click.option("--until", type=click.DateTime(), help="Before this moment (UTC).")
@settings_flags("state")
@output_flag()
def log(
    settings: Loaded,
    limit: int,
    mapping: str,
    author: str,
    since: datetime | None,
    until: datetime | None,
    output: str,
) -> None:
    """List decisions, newest first: one line each.

    \b
    Examples:
      reconciler audit log --since 2026-01-01 --author ann@
      reconciler audit log --output json
    """
    with opened(settings) as journal:
        entries = journal.entries(limit, mapping=mapping, author=author, since=utc(since), until=utc(until))
    if output == "json":
        click.echo(json.dumps([_as_json(entry) for entry in entries], indent=2))
        return
    for entry in entries:
        click.echo(line(entry))
    if not entries:
        click.echo("no entries")


def _as_json(entry: Entry) -> Json:
    value = plain(entry)
    if isinstance(value, dict):
        value.pop("records", None)
    return value
