"""``reconciler audit prune``: delete the contents of old records, and keep the proof that nothing else is missing."""

from datetime import datetime, timedelta

import click

from reconciler.audit import Journal
from reconciler.cli.audit.reading import opened
from reconciler.cli.audit.times import stamped
from reconciler.cli.audit.writing import asker, writable
from reconciler.cli.clock import now
from reconciler.cli.exits import Exit
from reconciler.cli.options import output_flag, settings_flags
from reconciler.cli.show import echo_value, progress
from reconciler.model.digest import Json
from reconciler.model.retention import Deletion
from reconciler.model.text import plural
from reconciler.settings import Loaded
from reconciler.settings.parse import retention


@click.command()
@click.option(
    "--older-than", metavar="DURATION", help="Delete what ended longer ago, such as 400d. Default: --retention."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@settings_flags("state", "journal")
@output_flag()
def prune(settings: Loaded, older_than: str | None, dry_run: bool, output: str) -> int:
    """Delete the contents of records that are older than --retention; also beside a running controller.

    Their hashes stay, so the journal verifies as before, and an entry says what was deleted, by whom and when. What is
    served stays, what is under way, and what is held (`reconciler audit hold`).

    \b
    Examples:
      reconciler audit prune --dry-run
      reconciler audit prune --older-than 400d
    """
    try:
        keep = retention(older_than) if older_than else settings.settings.retention
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--older-than") from error
    if not keep:
        click.echo("nothing is deleted: retention is 0, which keeps all for ever", err=True)
        return Exit.FINE
    before = now() - timedelta(seconds=keep)
    if dry_run:
        with opened(settings) as journal:
            found = journal.retention().would_delete(before)
        _tell(found, before, (), output, "would be deleted")
        return Exit.FINE
    with writable(settings) as journal:
        found, noted = _delete(journal, before)
    _tell(found, before, noted, output, "deleted")
    return Exit.FINE


def _delete(journal: Journal, before: datetime) -> tuple[Deletion, tuple[int, ...]]:
    """All there is, step by step: others write in between."""
    keeping, actor, noted = journal.retention(), asker(), []
    entries = records = versions = after = 0
    while True:
        step = keeping.step(before, actor, after)
        after = step.reached
        entries, records, versions = entries + step.entries, records + step.records, versions + step.versions
        if step.noted is not None:
            noted.append(step.noted)
            progress(f"{plural(records, 'record')} deleted")
        if step.done:
            return Deletion(entries, records, versions, reached=after), tuple(noted)


def _tell(found: Deletion, before: datetime, noted: tuple[int, ...], output: str, done: str) -> None:
    facts: dict[str, Json] = {
        "before": stamped(before),
        "entries": found.entries,
        "records": found.records,
        "versions": found.versions,
        "noted": list(noted),
    }
    if output == "json":
        echo_value(facts, output)
        return
    counts = f"{plural(found.entries, 'entry').replace('entrys', 'entries')} ({plural(found.records, 'record')})"
    versions = f"{plural(found.versions, 'version')} of documents"
    where = f"; see {', '.join(f'entry {number}' for number in noted[-3:])}" if noted else ""
    click.echo(f"from before {stamped(before)}: {counts} and {versions} {done}{where}")
