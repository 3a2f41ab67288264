"""``reconciler audit prove``, ``key``, ``checkpoint`` and ``anchors``: what proves the journal to somebody else."""

from contextlib import closing

import click

from reconciler.audit import Range, key_file
from reconciler.audit.proof.signing import Signer
from reconciler.cli.anchoring import key_of, public_of
from reconciler.cli.audit.reading import opened, wanted_entry
from reconciler.cli.audit.times import stamped
from reconciler.cli.audit.writing import asker, writable
from reconciler.cli.clock import now
from reconciler.cli.exits import Exit
from reconciler.cli.journal import name_of, open_journal
from reconciler.cli.options import output_flag, settings_flags
from reconciler.cli.show import echo_value
from reconciler.cli.state import locked
from reconciler.model.errors import Stalled
from reconciler.model.text import printable
from reconciler.settings import Loaded

_EARLIER = 100  # checkpoints that were left outside, the newest: what an auditor has is compared with these


@click.command()
@click.argument("wanted", metavar="ENTRY|COMMIT")
@settings_flags("state", "journal")
def prove(settings: Loaded, wanted: str) -> int:
    """Print the records of one entry with the proof that the signed journal has them: JSON Lines, for `audit verify`.

    \b
    Examples:
      reconciler audit prove 12 > entry-12.jsonl
      reconciler audit verify entry-12.jsonl --key journal.pub
    """
    with opened(settings) as journal:
        entry = journal.entry(wanted_entry(wanted))
        if entry is None:
            click.echo(f"no entry {printable(wanted)}; `reconciler audit log` lists them", err=True)
            return Exit.PROBLEM
        first, last = entry.records[0].sequence, entry.records[-1].sequence
        for line in journal.proofs().export(Range(first, last, _EARLIER)):
            click.echo(line, nl=False)
    return Exit.FINE


@click.command()
@click.option("--pem", is_flag=True, help="In PEM, for other programs.")
@click.option("--rotate", is_flag=True, help="Make a new one, announced in the journal by the old; stop `run` first.")
@click.option("--adopt", is_flag=True, help="Go on with another one though no older announced it; stop `run` first.")
@settings_flags("state", "journal")
def key(settings: Loaded, *, pem: bool, rotate: bool, adopt: bool) -> int:
    """Print the public key that the journal's signatures are checked with: hand it to auditors.

    A journal goes on with the key that it began with, or one that this announced (--rotate). Where it is lost, --adopt
    begins with the one of --journal-key-file, or makes one in --state; a record says so, and auditors need the new
    public key from you. Look at `audit verify` with the old public key first: what was forged is not proven later.

    \b
    Examples:
      reconciler audit key > journal.pub
      reconciler audit key --rotate
    """
    if rotate and adopt:
        raise click.UsageError("--rotate is for a key that is there, --adopt for one that is not")
    if rotate:
        _rotate(settings)
    if adopt:
        _adopt(settings)
    public = public_of(settings.settings)
    if public is None:
        hint = "`sync` or `run` makes one; see --state and --journal-key-file."
        raise Stalled("JournalKeyUnusable", f"there is no key that can be read at {key_of(settings.settings)}", hint)
    click.echo(public.pem() if pem else str(public), nl=not pem)
    return Exit.FINE


def _rotate(settings: Loaded) -> None:
    s = settings.settings
    with locked(s.state), writable(settings) as journal:
        new = key_file.new(name_of(s))
        # Written before it is announced: an announced key that is lost would be worse than one that never signs.
        kept = key_file.prepare(key_of(s), new)
        number = journal.proofs().announce(new, asker())
        key_file.take(key_of(s))
    click.echo(
        f"record {number} announces it; the old key is kept in {kept}: destroy it once nobody asks for it", err=True
    )


def _adopt(settings: Loaded) -> None:
    s = settings.settings
    with opened(settings):  # never makes a journal
        pass

    def given(name: str, _begins: bool) -> Signer:
        return key_file.signer(key_of(s), name, make=s.journal_key_file is None)

    with locked(s.state), closing(open_journal(s, now, signer=given, adopt=True)) as journal:
        number = journal.proofs().adopt(asker())
    click.echo(f"record {number} tells of it" if number else "this key signs the journal already", err=True)


@click.command()
@settings_flags("state", "journal")
@output_flag()
def checkpoint(settings: Loaded, output: str) -> int:
    """Print the newest signed checkpoint: keep it where who writes the journal can't change it.

    \b
    Example:
      reconciler audit checkpoint >> /mnt/write-once/checkpoints
    """
    with opened(settings) as journal:
        size, text = journal.proofs().newest()
    if not text:
        raise Stalled("JournalNotSigned", "the journal has no signed checkpoint", "`sync` or `run` signs it.")
    if output == "json":
        echo_value({"records": size, "checkpoint": text}, output)
    else:
        click.echo(text, nl=False)
    return Exit.FINE


@click.command()
@settings_flags("state", "journal")
@output_flag()
def anchors(settings: Loaded, output: str) -> int:
    """List where checkpoints were left, newest first, as the journal says; `audit verify` asks the places themselves.

    \b
    Example:
      reconciler audit anchors --output json
    """
    with opened(settings) as journal:
        found = journal.standing().anchors
    if output == "json":
        echo_value([{"place": one.place, "records": one.size, "at": stamped(one.at)} for one in found], output)
        return Exit.FINE
    for one in found:
        click.echo(f"{stamped(one.at)}  {one.size:>7}  {printable(one.place)}")
    if not found:
        click.echo("nothing was left anywhere; see the setting `anchor`")
    return Exit.FINE
