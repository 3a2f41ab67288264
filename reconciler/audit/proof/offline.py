"""Checks an export of a journal with nothing but public keys: no database, no network. Pure.

Reads the lines once, and keeps none. What it finds names the record, and the line it stands on.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reconciler.audit.proof import lines, note
from reconciler.audit.proof.note import Checkpoint
from reconciler.audit.proof.signing import PublicKey
from reconciler.audit.proof.walk import Bad, Walk, continued
from reconciler.model.digest import Digest


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome.

    Attributes:
        records: how many were read.
        pruned: of how many the content was deleted; ``untold``: of those, how many no record that was read tells of.
        header: what the file says of itself; None where it can't be read.
        checkpoint: what was signed; None where that was not reached.
        key: the key that signed it, as text.
        head: hash of the last record.
        bad: number of the first record that is not as it was written; None where all are, or it can't be told whose
            fault it is.
        line: where; 0 where nothing is wrong, or it is not in the file.
        finding: what is wrong; empty where everything verifies.
        compared: sizes of the checkpoints from elsewhere that it was held against.
    """

    records: int
    pruned: int
    untold: int
    header: lines.Header | None
    head: Digest | None
    checkpoint: Checkpoint | None = None
    key: str = ""
    bad: int | None = None
    line: int = 0
    finding: str = ""
    compared: tuple[int, ...] = ()

    @property
    def place(self) -> str:
        """Where it is wrong, in words."""
        return f"record {self.bad} (line {self.line})" if self.bad else f"line {self.line}" if self.line else "the file"


def check(content: Iterable[bytes], keys: Sequence[PublicKey], noted: Sequence[str] = (), head: str = "") -> Checked:
    """Checks an export. Never raises on what it holds.

    Args:
        content: the lines with their ends, see `lines.bounded`.
        keys: who may have signed. A key that one of these announced in the journal counts, too.
        noted: checkpoints that were kept elsewhere: the export must continue those of this journal, and compare with
            one at least.
        head: hash of a record, kept elsewhere: it must be in the export.
    """
    walk = Walk(keys=list(keys), head=head)
    checkpoint, key, bad = None, "", Bad(0, None, "")
    try:
        walk.wanted = _sizes(noted)
        checkpoint, key = _checked(walk, iter(content), noted)
    except Bad as found:
        bad = found
    untold, _ = walk.pruned.untold()
    return Checked(
        records=walk.records,
        pruned=walk.pruned.count,
        untold=untold,
        header=walk.header,
        head=walk.previous,
        checkpoint=checkpoint,
        key=key,
        bad=bad.record,
        line=bad.line,
        finding=bad.finding,
        compared=tuple(walk.compared),
    )


def _checked(walk: Walk, rows: Iterator[bytes], noted: Sequence[str]) -> tuple[Checkpoint, str]:
    header = walk.begin(next(rows, b""))
    for sequence in range(header.first, header.last + 1):
        walk.record(sequence, next(rows, b""))
    footer, checkpoint, key = walk.end(next(rows, b""))
    if next(rows, b""):
        raise Bad(walk.line + 1, None, "there is more after the last line")
    given, other = _opened(noted, checkpoint, walk.keys)
    walk.judge(checkpoint, max((one.size for one in given if walk.roots.get(one.size) == one.root), default=0))
    try:
        listed = continued(footer.earlier, checkpoint, walk.keys)
    except ValueError as error:
        raise Bad(walk.line, None, f"the last line: {error}") from None
    listed[checkpoint.size] = checkpoint
    walk.compared = [one.size for one in given if _continues(one, walk, listed, checkpoint)]
    if given and not walk.compared:
        other = f"nothing in it compares with the checkpoint of {given[-1].size} records: a whole export would"
    if noted and not walk.compared:
        raise Bad(0, None, other)
    if walk.head and not walk.head_seen:
        raise Bad(0, None, "the head that was noted is not in it: records were cut off, or all were written anew")
    untold, first = walk.pruned.untold()
    if untold and first and walk.whole:
        raise Bad(first[1], first[0], "its content is gone, and no record tells of a deletion")
    return checkpoint, str(key)


def _sizes(noted: Sequence[str]) -> frozenset[int]:
    """At which sizes checkpoints were kept elsewhere: who signed them is looked at when all keys are known."""
    try:
        return frozenset(note.claimed(text).size for text in noted)
    except ValueError as error:
        raise Bad(0, None, f"a checkpoint that was given is none: {error}") from None


def _opened(noted: Sequence[str], newest: Checkpoint, keys: Sequence[PublicKey]) -> tuple[list[Checkpoint], str]:
    """Those of this journal that one of the keys signed, and why the last of the others is none.

    A file that checkpoints are appended to has those of other journals, too, and of keys that were there before.
    """
    given, why = [], ""
    for text in noted:
        if note.claimed(text).origin != newest.origin:
            why = f"a checkpoint that was given is of another journal: {note.claimed(text).origin}"
            continue
        try:
            given.append(note.opened(text, keys))
        except ValueError as error:
            # Anybody may have appended it: it is no word of the journal's, for or against it.
            why = f"a checkpoint that was given does not count: {error}"
    return given, why


def _continues(given: Checkpoint, walk: Walk, listed: dict[int, Checkpoint], newest: Checkpoint) -> bool:
    """Whether the export has what a checkpoint compares with that was kept elsewhere; then it must continue that."""
    if given.size > newest.size:
        words = f"the journal once had {given.size} records, and here are {newest.size}: its end was cut off"
        raise Bad(0, None, words)
    root = listed[given.size].root if given.size in listed else walk.roots.get(given.size) if walk.whole else None
    if root is not None and root != given.root:
        words = f"it does not continue the checkpoint of {given.size} records that was given: records were written anew"
        raise Bad(0, None, words)
    return root is not None
