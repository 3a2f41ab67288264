"""Messages put together from parts that are bytes already, so that a part that did not change is not built again.

https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from google.protobuf.message import Message

from reconciler.model.seal import SEAL, SMALL, seal, seal_row, sealed_row, value_spans
from reconciler.model.snapshot import XdsResource

_LENGTH_DELIMITED = 2
_SEVEN_BITS = 0x7F
_MORE = 0x80
_COPIED = 1 << 16  # bytes up to which pieces are joined at once: fewer to go through later, at little cost now


@dataclass(frozen=True, slots=True)
class Part:
    """Some fields of a message, one after the other, and what those who hold them need to seal themselves.

    Attributes:
        pieces: their bytes, still to be joined: a large message is copied once, when it is whole.
        sealed: the same, as `reconciler.model.seal` has them in a large message; in pieces, too.
    """

    pieces: tuple[bytes, ...]
    sealed: tuple[bytes, ...]

    @classmethod
    def of(cls, fields: bytes) -> "Part":
        """Serialised fields, as a part that is sealed once for all messages it comes into."""
        return cls((fields,), (sealed_row(fields),))


NO_FIELDS = Part((), ())

Content: TypeAlias = "Sequence[Part | bytes]"
"""The fields of a message: serialised ones, and those that know what is sealed of them."""


def tag(message: type[Message], name: str) -> bytes:
    """What stands before each value of a field that is a message, a text or a map entry."""
    return varint(message.DESCRIPTOR.fields_by_name[name].number << 3 | _LENGTH_DELIMITED)


def field(before: bytes, value: bytes) -> bytes:
    """One field: its `tag`, its length, its value."""
    return before + varint(len(value)) + value


def sealed_field(before: bytes, value: bytes) -> Part:
    """One field, and its seal; see `field`."""
    head = before + varint(len(value))
    return Part((head + value,), (head + seal(value),))


def joined(parts: Iterable[Part]) -> Part:
    """Small parts, one after the other, as one piece."""
    parts = list(parts)
    whole = b"".join([piece for part in parts for piece in part.pieces])
    return Part((whole,), (b"".join([piece for part in parts for piece in part.sealed]),))


def divided(part: Part) -> list[Part]:
    """Fields that were joined, each again for itself; each has a length."""
    (body,), (sealed,) = part.pieces, part.sealed
    found: list[Part] = []
    at = there = 0
    for start, end in value_spans(body, 0, len(body)) or ():
        then = there + start - at + SEAL
        found.append(Part((body[at:end],), (sealed[there:then],)))
        at, there = end, then
    return found


def nested(before: bytes, content: Content) -> Part:
    """One field that holds a message, which may be large.

    Args:
        before: its `tag`.
        content: the message.
    """
    pieces, size = _pieces(content)
    head = before + varint(size)
    whole = (head, *pieces)
    return Part((b"".join(whole),) if size <= _COPIED else whole, (head, _sealed(content, pieces, size)))


def resource(name: str, content: Content) -> XdsResource:
    """The resource that is a message with this content."""
    pieces, size = _pieces(content)
    return XdsResource.sealed(name, b"".join(pieces), _sealed(content, pieces, size))


def fields(before: bytes, values: Iterable[bytes]) -> bytes:
    """A repeated field."""
    return b"".join([field(before, value) for value in values])


def varint(number: int) -> bytes:
    """A number from 0, seven bits to a byte, the lowest first."""
    out = bytearray()
    while number > _SEVEN_BITS:
        out.append(number & _SEVEN_BITS | _MORE)
        number >>= 7
    out.append(number)
    return bytes(out)


def _pieces(content: Content) -> tuple[list[bytes], int]:
    """The bytes of a message, and how many they are."""
    pieces: list[bytes] = []
    for part in content:
        if isinstance(part, Part):
            pieces += part.pieces
        else:
            pieces.append(part)
    return pieces, sum(map(len, pieces))


def _sealed(content: Content, pieces: Iterable[bytes], size: int) -> bytes:
    """The seal of a message."""
    if size <= SMALL:
        return seal(b"".join(pieces))
    row: list[bytes] = []
    for part in content:
        if isinstance(part, Part):
            row += part.sealed
        else:
            row.append(sealed_row(part))
    return seal_row(row)
