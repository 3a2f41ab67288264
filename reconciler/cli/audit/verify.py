"""``reconciler audit verify``: is the journal, or an export of it, as it was written."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from reconciler.audit import Journal
from reconciler.audit.proof import lines, note, offline
from reconciler.audit.proof.signing import PublicKey
from reconciler.cli.anchoring import places_of, publics_of
from reconciler.cli.audit.keys import checkpoints, public_keys
from reconciler.cli.audit.reading import opened
from reconciler.cli.exits import Exit
from reconciler.cli.options import output_flag, settings_flags
from reconciler.cli.show import echo_value
from reconciler.model.errors import ReconcileError
from reconciler.model.text import plural, printable
from reconciler.settings import Loaded, Settings


@dataclass(frozen=True, slots=True)
class Result:
    """What is told of a journal or an export.

    Attributes:
        of: which.
        records: that verify; ``first``: the number of the first of them.
        place: where it is wrong; empty where it is not.
        key: that signed; empty where no signature was looked at.
        compared: with which checkpoints from elsewhere it was held; ``unread``: what of them could not be read.
        untold: records without content whose deletion nothing that was read tells of.
    """

    of: str
    records: int
    first: int = 1
    bad: int | None = None
    line: int = 0
    place: str = ""
    finding: str = ""
    head: str = ""
    key: str = ""
    pruned: int = 0
    untold: int = 0
    compared: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


@click.command()
@click.argument("file", required=False, metavar="[FILE|-]")
@click.option("--key", "keys", multiple=True, metavar="KEY", help="Public key, or a file with one; repeatable.")
@click.option(
    "--checkpoint",
    "noted",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with checkpoints that were kept elsewhere: all must be of this past; repeatable.",
)
@click.option("--head", default="", metavar="HASH", help="Hash of a record noted before: it must still be there.")
@settings_flags("state", "journal")
@output_flag()
def verify(
    settings: Loaded, file: str | None, keys: tuple[str, ...], noted: tuple[Path, ...], head: str, output: str
) -> int:
    """Check every record, the chain and the tree over them, and who signed them.

    Exits with 1 and names what is not as it was written: the record, and in an export the line.

    Without FILE the journal of --state, also against the anchors of the settings that can be read; its key is that of
    --state unless --key names one from elsewhere, which proves more. With FILE (from `audit export` or `audit prove`)
    nothing else is needed but the key.

    \b
    Examples:
      reconciler audit verify --state /var/lib/reconciler
      reconciler audit verify journal.jsonl --key journal.pub --checkpoint anchors.txt
    """
    given, texts = public_keys(keys), checkpoints(noted)
    if file is None:
        result = _journal(settings, given, texts, head)
    elif given:
        result = _export(file, given, texts, head)
    else:
        raise click.UsageError("an export is checked with --key: one from its own machine or line proves nothing")
    _tell(result, output)
    return Exit.PROBLEM if result.finding else Exit.FINE


def _export(file: str, keys: Sequence[PublicKey], noted: Sequence[str], head: str) -> Result:
    try:
        with ExitStack() as stack:
            content = sys.stdin.buffer if file == "-" else stack.enter_context(Path(file).open("rb"))
            found = offline.check(lines.bounded(content.readline), keys, noted, head)
    except OSError as error:
        raise click.BadParameter(f"{file}: {error.strerror}") from error
    return Result(
        of="the export",
        records=found.records,
        first=found.header.first if found.header else 1,
        bad=found.bad,
        line=found.line,
        place=found.place if found.finding else "",
        finding=found.finding,
        head=found.head or "",
        key=found.key,
        pruned=found.pruned,
        untold=found.untold,
        compared=tuple(f"checkpoint of {plural(size, 'record')}" for size in found.compared),
    )


def _journal(settings: Loaded, given: Sequence[PublicKey], texts: Sequence[str], head: str) -> Result:
    s = settings.settings
    known = given or publics_of(s)
    with opened(settings) as journal:
        keys = journal.proofs().trusted(known) if known else ()
        found = journal.verify(keys)
        fine = found.bad is None and not found.finding
        key = journal.proofs().signed_by(keys) if fine else ""
        place = f"record {found.bad}" if found.bad else "" if fine else "the journal"
        result = Result(
            "the journal",
            found.records,
            bad=found.bad,
            place=place,
            finding=found.finding,
            head=found.head or "",
            key=key,
            pruned=journal.standing().pruned if fine else 0,
        )
        if not fine:
            return result
        if head and all(record.hash != head for record in journal.records()):
            words = "the head noted before is not in the chain: records were cut off or all written anew"
            return replace(result, bad=0, place="the journal", finding=words)
        for text in texts:
            result = _held_against(result, journal, "--checkpoint", text, keys)
        if texts and not result.compared and not result.finding:
            words = "none of the checkpoints is of this journal and signed by one of the keys"
            return replace(result, bad=0, place="--checkpoint", finding=words)
        return _anchors(result, journal, s, keys)


def _anchors(result: Result, journal: Journal, s: Settings, keys: Sequence[PublicKey]) -> Result:
    """Holds the journal against what stands at the anchors; what can't be read is told, and is no finding."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory()))
        for place in s.anchor:
            try:
                for each in places_of(stack, replace(s, anchor=(place,)), scratch):
                    text = each.newest()
                    if text:
                        result = _held_against(result, journal, each.name, text, keys)
                    else:
                        result = replace(result, unread=(*result.unread, f"{place}: no checkpoint is there"))
            except ReconcileError as error:
                result = replace(result, unread=(*result.unread, f"{place}: {error}"))
    return result


def _held_against(result: Result, journal: Journal, where: str, text: str, keys: Sequence[PublicKey]) -> Result:
    if result.finding:
        return result
    try:
        proofs = journal.proofs()
        size, newest = proofs.newest()
        kept = note.claimed(text)
        if newest and kept.origin != note.claimed(newest).origin:
            return result  # of another journal, which has its checkpoints in the same file
        if keys:
            note.opened(text, keys)
        if kept.size > size:
            finding = f"the journal once had {kept.size} records, and now it has {size}: its end was cut off"
        elif proofs.root_at(kept.size) != kept.root:
            finding = f"its first {kept.size} records are not those of the checkpoint: they were written anew"
        else:
            many = plural(kept.size, "record")
            return replace(result, compared=(*result.compared, f"{where}: checkpoint of {many}"))
    except ValueError as error:
        # Not signed, or wrongly: anybody may have put it there.
        return replace(result, unread=(*result.unread, f"{where}: {error}"))
    return replace(result, bad=0, place=where, finding=finding)


def _tell(result: Result, output: str) -> None:
    if output == "json":
        echo_value(
            {
                "ok": not result.finding,
                "records": result.records,
                "first": result.first,
                "bad": result.bad,
                "line": result.line,
                "finding": result.finding,
                "head": result.head or None,
                "key": result.key or None,
                "pruned": result.pruned,
                "untold": result.untold,
                "compared": [*result.compared],
                "unread": [*result.unread],
            },
            output,
        )
        return
    if result.finding:
        words = click.style("tampered or damaged", fg="red")
        click.echo(f"{words}: {result.place}: {printable(result.finding)}", err=True)
    else:
        click.echo(f"{click.style('ok', fg='green')}: {plural(result.records, 'record')} verify; head {result.head}")
        if result.pruned:
            click.echo(f"{result.pruned} of them without content, which retention deleted")
        click.echo(f"signed by {result.key}" if result.key else "signature: not checked, no key is here")
        for each in result.compared:
            click.echo(f"continues {each}")
        if result.untold:
            click.echo(f"{plural(result.untold, 'record')} without content, whose deletion is not told in this part")
        if not result.compared:
            click.echo("held against no checkpoint from elsewhere: who has the key could have written all of it anew")
    for each in result.unread:
        click.echo(f"not held against {printable(each)}", err=True)
