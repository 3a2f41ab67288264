"""``reconciler audit export``: what the journal tells, in the formats of others; each export is recorded in it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click

from reconciler import __version__
from reconciler.audit import Journal, key_file
from reconciler.audit.export import cloudevents, intoto, ocsf, pack, table
from reconciler.audit.export import given as givens
from reconciler.audit.export.wanted import hours as hours_in_words
from reconciler.audit.export.wanted import wanted
from reconciler.audit.proof.note import claimed
from reconciler.audit.store.proving import Range
from reconciler.cli.anchoring import key_of, public_of
from reconciler.cli.audit.deleted import missing
from reconciler.cli.audit.filters import filters
from reconciler.cli.audit.giving import Given, destination
from reconciler.cli.audit.reading import opened, wanted_entry
from reconciler.cli.audit.times import some_hours
from reconciler.cli.audit.writing import asker, writable
from reconciler.cli.clock import now
from reconciler.cli.exits import Exit
from reconciler.cli.journal import name_of
from reconciler.cli.options import settings_flags
from reconciler.model.digest import Json
from reconciler.model.entry import Entry
from reconciler.model.errors import ReconcileError, Stalled
from reconciler.model.happening import Happening, Note
from reconciler.model.question import EVERYTHING, Query, Window
from reconciler.model.text import printable
from reconciler.settings import Loaded

_FORMATS = ("jsonl", "csv", "cloudevents", "ocsf", "intoto", "markdown", "html")
_LAST_ENTRIES = 10  # among these is the one whose end was recorded last

Entries = Callable[[], Iterator[Entry]]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be given out, how and where to."""

    query: Query
    entry: str
    output: str
    hours: Window | None
    damaged: bool
    to: Path | None

    @property
    def words(self) -> str:
        return wanted(self.query, self.entry)


@click.command()
@click.option(
    "--output", type=click.Choice(_FORMATS), default="jsonl", show_default=True, help="Format; see the examples."
)
@click.option("--entry", default="", metavar="ENTRY|COMMIT", help="Only this entry; instead of all other conditions.")
@filters
@click.option("--hours", callback=some_hours, metavar="HOURS", help="Evidence packs name changes out of these hours.")
@click.option("--damaged", is_flag=True, help="Also records that are not as they were written; each is marked so.")
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), help="File to write; standard output if none.")
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
@settings_flags("state", "journal")
def export(
    settings: Loaded,
    query: Query,
    entry: str,
    output: str,
    hours: Window | None,
    damaged: bool,
    to: Path | None,
    quiet: bool,
) -> int:
    """Give records out: the whole journal, a period, a commit. That it was done is recorded in the journal.

    jsonl is the journal itself, which `audit verify FILE` checks on any machine; csv has a row for each change of each
    route; cloudevents, ocsf and intoto are for other programs; markdown and html are evidence packs for people.
    jsonl gives out what is there, for `audit verify FILE` to judge; every other format ends with 1 at a record that is
    not as it was written, unless --damaged says that it is wanted all the same.

    \b
    Examples:
      reconciler audit export > journal.jsonl
      reconciler audit export --output csv --since 90d --to changes.csv
      reconciler audit export --output html --commit 3f2a9c1 --to evidence.html
    """
    asked = _Asked(query, entry, output, hours, damaged, to)
    _check(asked)
    given = Given("records" if output == "jsonl" else "entries", quiet)
    with opened(settings) as journal:
        size, checkpoint = journal.proofs().newest()
        given.erased = None if entry else journal.erased(query.since, query.until)
        pieces = _pieces(journal, settings, asked, given, size, checkpoint)
        try:
            with destination(to) as write:
                given.give(pieces, write)
        finally:
            if given.size:
                _record(settings, asked, given, signed=bool(checkpoint))
    if given.erased:
        click.echo(f"note: {given.erased}", err=True)
    if not given.many:
        click.echo(f"nothing in the journal meets this: {printable(asked.words)}", err=True)
    return Exit.FINE


def _check(asked: _Asked) -> None:
    """Refuses what does not go together."""
    if asked.entry and asked.query != EVERYTHING:
        raise click.UsageError("--entry names the one entry that is wanted: leave the other conditions out")
    lasting = Query(since=asked.query.since, until=asked.query.until, commit=asked.query.commit)
    if asked.output == "jsonl" and asked.query != lasting:
        raise click.UsageError(
            "jsonl is an unbroken stretch of the journal: it takes --since, --until, --commit and --entry alone"
        )
    if asked.hours and asked.output not in ("markdown", "html"):
        raise click.UsageError("--hours is for evidence packs: --output markdown or html")


def _pieces(
    journal: Journal, settings: Loaded, asked: _Asked, given: Given, size: int, checkpoint: str
) -> Iterator[bytes]:
    """What is given out, piece by piece."""
    entries = _entries(journal, asked, size)
    if asked.output == "jsonl":
        return _lines(journal, _stretch(journal, asked, entries), given)
    s = settings.settings
    signer = key_file.signer(key_of(s), name_of(s), make=False) if asked.output == "intoto" else None
    beside = givens.Given(
        origin=claimed(checkpoint).origin if checkpoint else name_of(s),
        records=size,
        checkpoint=checkpoint,
        key=str(public_of(s) or ""),
        exported_at=now(),
        wanted=asked.words if asked.hours is None else f"{asked.words}; expected {hours_in_words(asked.hours)}",
        tool_version=__version__,
        signer=signer,
        erased=given.erased,
    )
    wanted_entries = entries if asked.damaged else _intact(entries)
    return (piece.encode() for piece in _texts(asked, _counted(wanted_entries, given), beside))


def _texts(asked: _Asked, entries: Entries, beside: givens.Given) -> Iterator[str]:
    match asked.output:
        case "csv":
            return table.rows(entries(), beside.erased)
        case "cloudevents":
            return cloudevents.batch(entries(), beside)
        case "ocsf":
            return ocsf.lines(entries(), beside)
        case "markdown":
            return pack.markdown(entries, beside, asked.hours)
        case "html":
            return pack.html(entries, beside, asked.hours)
    if beside.signer is None:
        raise TypeError(asked.output)
    return intoto.lines(entries(), beside, beside.signer)


def _entries(journal: Journal, asked: _Asked, size: int) -> Entries:
    """What is wanted, oldest first, as often as it is asked for: nothing that is recorded from now on."""
    if not asked.entry:
        return lambda: journal.walk(replace(asked.query, before=size + 1))
    found = journal.entry(wanted_entry(asked.entry))
    if found is None:
        raise Stalled("NoSuchEntry", missing(journal, asked.entry), "")
    return lambda: iter((found,))


def _intact(entries: Entries) -> Entries:
    """The same, up to the first that is no evidence."""

    def intact() -> Iterator[Entry]:
        for entry in entries():
            for record in entry.records:
                if not record.intact:
                    what = f"record {record.sequence}, of entry {entry.sequence}, is not as it was written"
                    hint = "See `reconciler audit verify`; --damaged gives such records out, marked as what they are."
                    raise Stalled("JournalDamaged", what, hint)
            yield entry

    return intact


def _counted(entries: Entries, given: Given) -> Entries:
    """Counts them, from the beginning each time."""

    def counted() -> Iterator[Entry]:
        given.many = 0
        for entry in entries():
            given.count()
            yield entry

    return counted


def _stretch(journal: Journal, asked: _Asked, entries: Entries) -> Range:
    """The records from the first to the last that is wanted."""
    if asked.words == "all":
        return Range()
    first = next(entries(), None)
    if first is None:
        raise Stalled("NoSuchRecords", f"nothing in the journal meets this: {printable(asked.words)}", "")
    newest = [first] if asked.entry else journal.entries(replace(asked.query, limit=_LAST_ENTRIES))
    last = max(entry.records[-1].sequence for entry in newest)
    return Range(first.sequence, last)


def _lines(journal: Journal, wanted_records: Range, given: Given) -> Iterator[bytes]:
    lines: Iterable[bytes] = journal.proofs().export(wanted_records)
    for number, line in enumerate(lines):
        if number:
            given.count()
        yield line
    given.many -= 1  # header and footer are none


def _record(settings: Loaded, asked: _Asked, given: Given, *, signed: bool) -> None:
    """Puts into the journal that this was given out; says so where it can't be."""
    one = {"entries": "entry", "records": "record"}[given.what] if given.many == 1 else given.what
    cut = "" if given.whole else ", cut short"
    message = f"{given.many} {one} given out as {asked.output}{cut}"
    facts: dict[str, Json] = {
        "format": asked.output,
        "wanted": asked.words,
        "count": given.many,
        "bytes": given.size,
        "digest": given.digest,
        "complete": given.whole,
        "to": str(asked.to) if asked.to else "standard output",
    }
    try:
        if signed and not key_of(settings.settings).exists():
            missing = f"the key that signs it is not here: {key_of(settings.settings)}"
            raise Stalled("JournalKeyMissing", missing, "")
        with writable(settings) as journal:
            journal.note(Note(Happening.EXPORT, message, asker(), facts))
    except ReconcileError as error:
        click.echo(f"this export is not recorded in the journal: {printable(error.message)}", err=True)
