"""Messages put together from parts that are bytes already, so that a part that did not change is not built again.

https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterable

from google.protobuf.message import Message

_LENGTH_DELIMITED = 2
_SEVEN_BITS = 0x7F
_MORE = 0x80


def tag(message: type[Message], name: str) -> bytes:
    """What stands before each value of a field that is a message, a text or a map entry."""
    return varint(message.DESCRIPTOR.fields_by_name[name].number << 3 | _LENGTH_DELIMITED)


def field(before: bytes, value: bytes) -> bytes:
    """One field: its `tag`, its length, its value."""
    return before + varint(len(value)) + value


def field_parts(before: bytes, value: bytes) -> tuple[bytes, bytes, bytes]:
    """One field in parts that are still to be joined: a large value is copied once less."""
    return before, varint(len(value)), value


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
