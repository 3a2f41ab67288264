"""The export of a journal as JSON Lines: a header, a line for each record, and the signed checkpoint. Pure.

Every line is the canonical JSON (RFC 8785) of one object with exactly the fields below, so that there is one way only
to write it and a single changed byte shows. Header and last line carry the hash of the rest of them; what is signed is
the checkpoint alone. Nothing that is read here is trusted: `offline` checks it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from reconciler.audit.proof import merkle
from reconciler.audit.proof.chain import encode, parse
from reconciler.model.digest import Digest, Json, digest_bytes

FORMAT = "reconciler-journal/1"
LONGEST_LINE = 256 * 1024 * 1024  # bytes; more than the record of a first apply of 100,000 routes
MOST_EARLIER = 10_000  # checkpoints beside the newest
_MOST_RECORDS = 2**53 - 1
_LONGEST_WORD = 1_024


@dataclass(frozen=True, slots=True)
class Header:
    """What the file says of itself.

    Attributes:
        origin: name of the journal.
        first, last: numbers of the records it holds.
        size: records of the journal, as the checkpoint has it.
        public_key: of who signed the checkpoint, as text; a hint only, never what it is checked with, and may be empty.
        exported_at: RFC 3339; signed by nobody.
    """

    origin: str
    first: int
    last: int
    size: int
    public_key: str
    exported_at: str


@dataclass(frozen=True, slots=True)
class Record:
    """One record.

    Attributes:
        sequence: its number.
        hash: of its content; of a deleted content, too.
        content: canonical JSON; None where it was deleted.
        proof: that the checkpoint has it. Must be there in a part of a journal, and where the content was deleted; is
            worth its bytes for the record before such a one, which nothing else that can be read attaches to.
    """

    sequence: int
    hash: Digest
    content: bytes | None
    proof: tuple[bytes, ...] | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """A checkpoint that was left outside before; ``proof``: that the newest one continues it."""

    text: str
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Footer:
    """The newest checkpoint, which covers all records, and earlier ones."""

    checkpoint: str
    earlier: tuple[Earlier, ...] = ()


def write_header(header: Header) -> bytes:
    """The first line."""
    fields: dict[str, Json] = {
        "format": FORMAT,
        "origin": header.origin,
        "from": header.first,
        "to": header.last,
        "size": header.size,
        "public_key": header.public_key,
        "exported_at": header.exported_at,
    }
    return _sealed(fields)


def write_record(record: Record) -> bytes:
    """The line of a record."""
    proof = b"" if record.proof is None else b',"proof":' + encode([*merkle.to_text(record.proof)])
    if record.content is not None:
        return b'{"body":' + record.content + b',"hash":' + encode(record.hash) + proof + b"}\n"
    return b'{"hash":%s%s,"pruned":true,"sequence":%d}\n' % (encode(record.hash), proof, record.sequence)


def write_footer(footer: Footer) -> bytes:
    """The last line."""
    earlier: list[Json] = [{"checkpoint": one.text, "proof": [*merkle.to_text(one.proof)]} for one in footer.earlier]
    return _sealed({"checkpoint": footer.checkpoint, "checkpoints": earlier})


def read_header(line: bytes) -> Header:
    """What `write_header` wrote; ValueError for anything else."""
    fields = _unsealed(line, {"format", "origin", "from", "to", "size", "public_key", "exported_at"})
    if fields["format"] != FORMAT:
        raise ValueError(f"it is not of the format {FORMAT}")
    first, last, size = (_count(fields[name]) for name in ("from", "to", "size"))
    if not 1 <= first <= last <= size:
        raise ValueError("it says that it holds records that can't be: from, to and size do not go together")
    words = (_word(fields[name]) for name in ("public_key", "exported_at"))
    return Header(_word(fields["origin"]), first, last, size, *words)


def read_record(line: bytes) -> tuple[Record, dict[str, Json]]:
    """What `write_record` wrote, with the parsed content (empty where it was deleted); ValueError for anything else."""
    fields = _object(line)
    proof = merkle.from_text(fields["proof"]) if "proof" in fields else None
    names = set(fields) - {"proof"}
    digest = Digest(_word(fields.get("hash")))
    if names == {"hash", "pruned", "sequence"} and fields["pruned"] is True:
        if proof is None:
            raise ValueError("its content was deleted, and no proof shows that its hash is the right one")
        return Record(_count(fields["sequence"]), digest, None, proof), {}
    body = fields.get("body")
    if names != {"body", "hash"} or not isinstance(body, dict):
        raise ValueError("this is no line of a record")
    return Record(_count(body.get("sequence")), digest, encode(body), proof), body


def read_footer(line: bytes) -> Footer:
    """What `write_footer` wrote; ValueError for anything else."""
    fields = _unsealed(line, {"checkpoint", "checkpoints"})
    listed = fields["checkpoints"]
    if not isinstance(listed, list) or len(listed) > MOST_EARLIER:
        raise ValueError(f"its earlier checkpoints are not a list of at most {MOST_EARLIER}")
    return Footer(_text(fields["checkpoint"]), tuple(_earlier(one) for one in listed))


def is_footer(line: bytes) -> bool:
    """Whether this looks like the last line, not like a record: to say what is missing."""
    return line.startswith(b'{"checkpoint":')


def bounded(read_line: Callable[[int], bytes]) -> Iterator[bytes]:
    """The lines of a file with their ends; the last one may have none, or be the beginning of too long a line.

    Args:
        read_line: gives the next line, or so many bytes of it; empty at the end.
    """
    while line := read_line(LONGEST_LINE + 1):
        yield line
        if len(line) > LONGEST_LINE:
            return


def _sealed(fields: dict[str, Json]) -> bytes:
    return encode({**fields, "hash": digest_bytes(encode(fields))}) + b"\n"


def _unsealed(line: bytes, names: set[str]) -> dict[str, Json]:
    fields = _object(line)
    if set(fields) != names | {"hash"}:
        raise ValueError(f"it must have the fields {', '.join(sorted(names))} and hash, and no other")
    said = fields.pop("hash")
    if said != digest_bytes(encode(fields)):
        raise ValueError("it does not have the hash that is in it: one of them was changed")
    return fields


def _object(line: bytes) -> dict[str, Json]:
    if len(line) > LONGEST_LINE:
        raise ValueError(f"it is longer than {LONGEST_LINE} bytes")
    if not line.endswith(b"\n"):
        raise ValueError("it has no end: the file was cut off within it")
    found = parse(line[:-1])
    if found is None:
        raise ValueError("it is not the canonical JSON of an object")
    return found


def _earlier(value: Json) -> Earlier:
    if not isinstance(value, dict) or set(value) != {"checkpoint", "proof"}:
        raise ValueError("one of its earlier checkpoints is no checkpoint with its proof")
    return Earlier(_text(value["checkpoint"]), merkle.from_text(value["proof"]))


def _count(value: Json) -> int:
    if type(value) is not int or not 0 <= value <= _MOST_RECORDS:
        raise ValueError("it has no number where one must be")
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise ValueError("it has no text where one must be")  # noqa: TRY004 - one error for every wrong line
    return value


def _word(value: Json) -> str:
    text = _text(value)
    if len(text) > _LONGEST_WORD:
        raise ValueError(f"it has a text of more than {_LONGEST_WORD} characters where a short one must be")
    return text
