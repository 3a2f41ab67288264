"""``reconciler audit verify``: is the journal as it was written."""

from dataclasses import replace

import click

from reconciler.cli.audit.reading import opened
from reconciler.cli.exits import Exit
from reconciler.cli.options import output_flag, settings_flags
from reconciler.cli.show import echo_value
from reconciler.model.digest import Json
from reconciler.settings import Loaded


@click.command()
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
    with opened(settings) as journal:
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
