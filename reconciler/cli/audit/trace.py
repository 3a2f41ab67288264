"""``reconciler audit trace``: from a line of Envoy's access log to the change by which it was served."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from reconciler.audit import RecordedVersions
from reconciler.audit.trace.finding import TOLERANCE, Finder
from reconciler.audit.trace.summary import Count, Summary
from reconciler.audit.trace.telling import Words
from reconciler.audit.trace.tracer import Told, Tracer
from reconciler.audit.trace.version import Version
from reconciler.cli.audit.reading import opened
from reconciler.cli.exits import Exit
from reconciler.cli.options import output_flag, settings_flags
from reconciler.model.digest import Json
from reconciler.model.text import plural, printable
from reconciler.settings import Loaded
from reconciler.settings.parse import duration

_CHUNK = 256 * 1024
_MOST_UNREAD = 10  # told one by one; then how many
_FRESH_SECONDS = 1.0


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True), default="-")
@click.option("--summary", is_flag=True, help="Only count: requests by Mapping, commit and entry.")
@click.option(
    "--tolerance",
    default=f"{TOLERANCE:g}s",
    metavar="DURATION",
    show_default=True,
    help="How far Envoy's clock may be off, and an Envoy be behind, before that is told.",
)
@click.option("--strict", is_flag=True, help="Exit with 1 also where a line can't be read.")
@settings_flags("state")
@output_flag()
def trace(settings: Loaded, file: str, summary: bool, tolerance: str, strict: bool, output: str) -> int:
    """Say of each line of Envoy's access log which commit served it, by whom, and by which entry of the journal.

    Reads our default formats, text and JSON, of requests and of connections, from a file or standard input; as they
    come, also what `kubectl logs --prefix` and `--timestamps` put before them. Exits with 1 where a line that was
    served leads to nothing in the journal.

    \b
    Examples:
      kubectl logs deployment/envoy | reconciler audit trace
      reconciler audit trace access.log --summary
    """
    try:
        seconds = duration(tolerance)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--tolerance") from error
    with opened(settings) as journal:
        record = journal.versions()
        tracer = Tracer(Finder(record, seconds), Words(journal.entry), "" if summary else output)
        with suppress(KeyboardInterrupt), _source(file) as source:
            _follow(tracer, record, source, output)
        _say(tracer.end(), 0 if output == "text" else None)
        if summary:
            _echo_summary(tracer.summary, tracer.words, output)
    counted = tracer.summary
    if output == "text":
        click.echo(_in_all(counted), err=True)
    return Exit.PROBLEM if counted.lost or (strict and counted.unread) else Exit.FINE


def _follow(tracer: Tracer, record: RecordedVersions, source: int, output: str) -> None:
    """Everything that comes, as it comes; a journal that grows meanwhile is asked anew."""
    seen, checked = record.newest(), time.monotonic()
    while chunk := os.read(source, _CHUNK):
        if time.monotonic() - checked > _FRESH_SECONDS:
            newest, checked = record.newest(), time.monotonic()
            if newest != seen:
                seen = newest
                tracer.forget()
                record.forget()
        before = tracer.summary.unread
        _say(tracer.feed(chunk), before if output == "text" else None)


@contextmanager
def _source(file: str) -> Iterator[int]:
    if file == "-":
        yield sys.stdin.fileno()
        return
    with Path(file).open("rb", buffering=0) as log:
        yield log.fileno()


def _say(told: Told, unread_before: int | None) -> None:
    """Prints at once what is known; of lines that are none of ours the first few, where they are told apart at all."""
    if told.lines:
        sys.stdout.write("\n".join(told.lines) + "\n")
        sys.stdout.flush()
    if unread_before is None:
        return
    for number, expected in told.unread[: max(0, _MOST_UNREAD - unread_before)]:
        click.echo(f"line {number} is not read; expected {expected}", err=True)


def _in_all(counted: Summary) -> str:
    parts = [plural(counted.lines, "line")]
    if counted.unread:
        parts.append(f"{counted.unread} not read, which are not in one of our formats")
    if counted.lost:
        parts.append(f"{counted.lost} served, but not found in the journal")
    return "; ".join(parts)


def _echo_summary(counted: Summary, words: Words, output: str) -> None:
    if output == "json":
        rows: list[Json] = [_row(subject, count, words) for subject, count in counted.counts()]
        value = {"lines": counted.lines, "unread": counted.unread, "lost": counted.lost, "served": rows}
        click.echo(json.dumps(value, indent=2))
        return
    for subject, count in counted.counts():
        told = words.version_text(subject) if isinstance(subject, Version) else subject
        click.echo(printable(f"{count.lines:>9}  {_statuses(count):<24}  {told}"))
    if counted.unread:
        click.echo(f"{counted.unread:>9}  {'':<24}  not read: not in one of our formats")


def _statuses(count: Count) -> str:
    return " ".join(f"{kind}xx:{many}" for kind, many in enumerate(count.classes) if kind and many)


def _row(subject: Version | str, count: Count, words: Words) -> Json:
    facts: dict[str, Json] = {"lines": count.lines, "first": count.first, "last": count.last}
    facts["statuses"] = {f"{kind}xx": many for kind, many in enumerate(count.classes) if kind and many}
    return facts | (words.version_facts(subject) if isinstance(subject, Version) else {"unserved": subject})
