"""The digest of a serialised message, made so that a message in which little changes is hashed at little cost.

Hashing a route configuration of 3 MB for one changed rule takes longer than all else. So a large message is sealed as a
Merkle tree along its own fields: whoever keeps the seals of the parts hashes what changed and a few bytes for each
neighbour. The rule looks at nothing but the bytes, as protobuf's wire format divides them: who only has these, such as
one who reads a file back, comes to the same seal, and no schema need be at hand.

- A small value is hashed as it is. One that begins with 0 or 1, as no message does, is hashed with a 0 before it.
- A larger one is hashed as a 1 and its fields, with its seal in place of every value that has a length.
- A larger one that isn't a row of fields, such as a text, is hashed as if it were small.

Tags and lengths are hashed as they are written, and what is hashed for a row of fields begins as nothing else does: so
different bytes are different input. https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterable
from hashlib import sha256

SMALL = 4096
"""Bytes up to which a value is hashed as it is: smaller parts would cost more calls than they save hashing."""

SEAL = 32
"""Bytes of a seal."""

_MARKED = 2  # what begins with less has a mark before it
_ROW = b"\x01"
_LENGTH_DELIMITED, _VARINT = 2, 0
_FIXED = {1: 8, 5: 4}  # bytes by wire type
_MORE, _LONGEST = 0x80, 10  # of a varint

Span = tuple[int, int]  # where a value that has a length begins and ends


def seal(value: bytes) -> bytes:
    """The digest of a value, `SEAL` bytes."""
    if len(value) <= SMALL:
        return _seal_whole(value)
    # Without recursion and copies: a text that someone wrote may look like messages nested a hundred thousand times.
    spans, rows = [(0, len(value))], []
    for start, end in spans:
        rows.append(_divided(value, start, end, spans))
    seals = [b""] * len(spans)
    for number in range(len(spans) - 1, -1, -1):  # what is inside comes behind
        row, (start, end) = rows[number], spans[number]
        if row is None:
            seals[number] = _seal_whole(value[start:end])
        else:
            seals[number] = seal_row([seals[part] if isinstance(part, int) else part for part in row])
    return seals[0]


def seal_row(sealed: Iterable[bytes]) -> bytes:
    """The seal of a value of more than `SMALL` bytes that is a row of fields, from `sealed_row` of all its parts."""
    return sha256(_ROW + b"".join(sealed)).digest()


def sealed_row(fields: bytes) -> bytes:
    """Some fields with the seal in place of every value that has a length.

    Raises:
        ValueError: they aren't fields.
    """
    spans = value_spans(fields, 0, len(fields))
    if spans is None:
        raise ValueError("not a row of fields")
    parts: list[bytes] = []
    at = 0
    for start, end in spans:
        parts += (fields[at:start], seal(fields[start:end]))
        at = end
    parts.append(fields[at:])
    return b"".join(parts)


def value_spans(value: bytes, at: int, end: int) -> list[Span] | None:
    """Where the values that have a length stand in a part of some bytes; None where it isn't a row of fields."""
    spans: list[Span] = []
    try:
        while at < end:
            tag, at = _varint(value, at)
            kind = tag & 7
            if kind == _LENGTH_DELIMITED:
                length, start = _varint(value, at)
                at = start + length
                spans.append((start, at))
            elif kind == _VARINT:
                _, at = _varint(value, at)
            else:
                at += _FIXED[kind]
    except (IndexError, KeyError):
        return None
    return spans if at == end else None


def _divided(value: bytes, at: int, end: int, large: list[Span]) -> list[bytes | int] | None:
    """A row of fields, each value that has a length sealed; None where it isn't one.

    A large value is entered into ``large``, and its place there stands in the row.
    """
    spans = value_spans(value, at, end)
    if spans is None:
        return None
    parts: list[bytes | int] = []
    for start, stop in spans:
        parts.append(value[at:start])
        if stop - start > SMALL:
            parts.append(len(large))
            large.append((start, stop))
        else:
            parts.append(_seal_whole(value[start:stop]))
        at = stop
    parts.append(value[at:end])
    return parts


def _varint(value: bytes, at: int) -> tuple[int, int]:
    """A number, and where it ends.

    Raises:
        IndexError: it doesn't, or not in time.
    """
    byte = value[at]
    if byte < _MORE:
        return byte, at + 1
    number = shift = 0
    for end in range(at, at + _LONGEST):
        byte = value[end]
        number |= (byte & ~_MORE) << shift
        if byte < _MORE:
            return number, end + 1
        shift += 7
    raise IndexError("no number is so long")


def _seal_whole(value: bytes) -> bytes:
    return sha256(b"\x00" + value if value and value[0] < _MARKED else value).digest()
