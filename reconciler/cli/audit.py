"""``reconciler audit``: who changed what, when, and what Envoy said; and whether the journal is as it was written."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

import click

from reconciler.audit import Journal
from reconciler.cli.exits import Exit
from reconciler.cli.options import output_flag, settings_flags
from reconciler.cli.show import echo_value
from reconciler.cli.wiring import JOURNAL, now
from reconciler.model.decision import Decision
from reconciler.model.digest import Json
from reconciler.model.entry import Entry
from reconciler.model.plain import plain
from reconciler.model.text import printable
from reconciler.settings import Loaded

_COLOURS = {
    Decision.APPLIED: "green",
    Decision.UNCHANGED: "green",
    Decision.PARTIAL: "yellow",
    Decision.REFUSED: "red",
    Decision.ROLLED_BACK: "red",
    Decision.FAILED: "red",
}

_ACKS = {"Acked": "acknowledged", "Nacked": "rejected", "Pending": "silent", "Unknown": "written"}


@click.group()
def audit() -> None:
    """Read the journal; also while a controller writes it.

    \b
    Examples:
      reconciler audit log --mapping shop/checkout
      reconciler audit show 3f2a9c1
      reconciler audit verify
    """


@contextmanager
def _journal(settings: Loaded) -> Iterator[Journal]:
    journal = Journal.open(settings.settings.state / JOURNAL, now, read_only=True)
    try:
        yield journal
    finally:
        journal.close()


@audit.command()
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
    with _journal(settings) as journal:
        entries = journal.entries(limit, mapping=mapping, author=author, since=_utc(since), until=_utc(until))
    if output == "json":
        click.echo(json.dumps([_as_json(entry) for entry in entries], indent=2))
        return
    for entry in entries:
        click.echo(_line(entry))
    if not entries:
        click.echo("no entries")


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=now().tzinfo) if moment else None


def _as_json(entry: Entry) -> Json:
    value = plain(entry)
    if isinstance(value, dict):
        value.pop("records", None)
    return value


def _line(entry: Entry) -> str:
    decision = str(entry.decision) if entry.decision else ("Interrupted" if entry.interrupted else "under way")
    colour = _COLOURS.get(entry.decision, "yellow") if entry.decision else "yellow"
    counts = "".join(
        f" {sign}{many}" for sign, many in (("+", entry.creates), ("~", entry.updates), ("-", entry.deletes)) if many
    )
    acks = ", ".join(f"{many} {_ACKS.get(state, state)}" for state, many in entry.acks)
    words = [
        f"{entry.sequence:>5}",
        f"{entry.time:%Y-%m-%d %H:%M:%S}",
        click.style(f"{decision:<11}", fg=colour),
        click.style(entry.commit[:7] or "-", fg="cyan"),
        printable(f"{entry.author or '-'}: {entry.subject or '-'}"),
        f"[{counts.strip()}]" if counts else "",
        f"({acks})" if acks else "",
        entry.reason,
    ]
    return "  ".join(word for word in words if word)


@audit.command()
@click.argument("wanted", metavar="ENTRY|COMMIT")
@settings_flags("state")
@output_flag()
def show(settings: Loaded, wanted: str, output: str) -> int:
    """Print one entry whole: by its number, or the newest of a commit by its first digits.

    \b
    Example:
      reconciler audit show 12 --output json
    """
    with _journal(settings) as journal:
        entry = journal.entry(int(wanted) if wanted.isdigit() and len(wanted) < _SHORTEST_COMMIT else wanted)
    if entry is None:
        click.echo(f"no entry {printable(wanted)}; `reconciler audit log` lists them", err=True)
        return Exit.PROBLEM
    bodies: list[Json] = [{**record.body, "hash": record.hash} for record in entry.records]
    if output == "text":
        click.echo(_line(entry))
        click.echo()
    echo_value(bodies, output)
    return Exit.FINE


_SHORTEST_COMMIT = 7  # git's own shortest abbreviation; below it a number is an entry


@audit.command()
@click.option("--head", default="", metavar="HASH", help="A head noted before: it must still be in the chain.")
@settings_flags("state")
@output_flag()
def verify(settings: Loaded, head: str, output: str) -> int:
    """Check every record and the chain between them. Exits with 1 and names the first record that is not as written.

    A chain alone can't tell that all of it was written anew: keep the head this prints where its writer can't reach,
    and hand it back with --head.

    \b
    Example:
      reconciler audit verify --state /var/lib/reconciler
    """
    with _journal(settings) as journal:
        found = journal.verify()
        if head and found.bad is None and all(record.hash != head for record in journal.records()):
            missing = "the head noted before is not in the chain: records were cut off or all written anew"
            found = replace(found, bad=0, finding=missing)
    fine = found.bad is None and not found.finding
    if output == "json":
        facts: Json = {"ok": fine, "records": found.records, "bad": found.bad, "finding": found.finding}
        echo_value({**facts, "head": found.head} if isinstance(facts, dict) else facts, output)
    elif fine:
        click.echo(f"{click.style('ok', fg='green')}: {found.records} records verify; head {found.head}")
    else:
        place = f"record {found.bad}" if found.bad else "the journal"
        click.echo(f"{click.style('tampered or damaged', fg='red')}: {place}: {found.finding}", err=True)
    return Exit.FINE if fine else Exit.PROBLEM
