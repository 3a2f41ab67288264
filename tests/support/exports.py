"""Journals and their exports, made without any database: for what checks them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.audit.proof import lines, merkle, note
from reconciler.audit.proof.chain import FIRST_PREVIOUS, encode, parse, seal
from reconciler.audit.proof.signing import PublicKey, Signer
from reconciler.model.audit import Event
from reconciler.model.digest import Digest, Json, digest_bytes

ORIGIN = "example.com/journal"
SIGNER = Signer.of(b"\x01" * 32, ORIGIN)
OTHER = Signer.of(b"\x02" * 32, ORIGIN)


@dataclass(frozen=True)
class Whole:
    """A journal in memory: contents and hashes of its records."""

    contents: tuple[bytes, ...]
    hashes: tuple[Digest, ...]

    def read(self, level: int, position: int) -> bytes:
        """A complete subtree, worked out from its leaves."""
        if level == 0:
            return merkle.leaf(self.hashes[position])
        return merkle.node(self.read(level - 1, 2 * position), self.read(level - 1, 2 * position + 1))

    def root(self, size: int | None = None) -> bytes:
        """Over the first records."""
        frontier = merkle.Frontier()
        for each in self.hashes[:size]:
            frontier = frontier.append(merkle.leaf(each))[0]
        return frontier.root()

    def checkpoint(self, size: int | None = None, signer: Signer = SIGNER) -> str:
        """Signed, of the first records."""
        many = len(self.hashes) if size is None else size
        return note.signed(note.Checkpoint(signer.public.name, many, self.root(many)), signer)


def journal(size: int, seed: str = "", at: dict[int, dict[str, Json]] | None = None) -> Whole:
    """A journal of so many records; ``at`` gives facts of some notes in it."""
    contents, hashes, previous = [], [], FIRST_PREVIOUS
    for sequence in range(1, size + 1):
        facts: dict[str, Json] = {"message": f"{seed}{sequence}", **(at or {}).get(sequence, {})}
        event = Event.NOTE if sequence > 1 else Event.JOURNAL_STARTED
        _, content, previous = seal(sequence, "2026-05-06T12:00:00.000Z", event, previous, facts)
        contents.append(content)
        hashes.append(previous)
    return Whole(tuple(contents), tuple(hashes))


def rewritten(whole: Whole, sequence: int) -> Whole:
    """The journal with one record changed, and all after it made to attach to it: what a thorough forger writes."""
    contents, hashes = list(whole.contents), list(whole.hashes)
    for at in range(sequence - 1, len(contents)):
        body = parse(contents[at]) or {}
        body |= {"message": "forged"} if at == sequence - 1 else {"previous": hashes[at - 1]}
        contents[at] = encode(body)
        hashes[at] = digest_bytes(contents[at])
    return replace(whole, contents=tuple(contents), hashes=tuple(hashes))


def export(
    whole: Whole,
    part: tuple[int, int] | None = None,
    *,
    pruned: Sequence[int] = (),
    earlier: Sequence[int] = (),
    checkpoint: str = "",
    key: PublicKey = SIGNER.public,
) -> list[bytes]:
    """The lines of an export."""
    size = len(whole.hashes)
    first, last = part or (1, size)
    made = [lines.write_header(lines.Header(ORIGIN, first, last, size, str(key), "2026-05-06T13:00:00Z"))]
    for sequence in range(first, last + 1):
        content = None if sequence in pruned else whole.contents[sequence - 1]
        needed = part is not None or sequence in pruned or sequence + 1 in pruned
        proof = merkle.inclusion(sequence - 1, size, whole.read) if needed else None
        made.append(lines.write_record(lines.Record(sequence, whole.hashes[sequence - 1], content, proof)))
    listed = [lines.Earlier(whole.checkpoint(n), merkle.consistency(n, size, whole.read)) for n in earlier]
    made.append(lines.write_footer(lines.Footer(checkpoint or whole.checkpoint(), tuple(listed))))
    return made
