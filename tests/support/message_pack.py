"""MessagePack, as far as Datadog's spans need it (https://github.com/msgpack/msgpack/blob/master/spec.md)."""

import struct
from typing import Any

_NUMBERS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i",
    0xD3: ">q",
}  # fmt: skip
_LENGTHS = {1: ">B", 2: ">H", 4: ">I"}
_SIMPLE = {0xC0: None, 0xC2: False, 0xC3: True}


def unpack(data: bytes) -> Any:
    """The value of a message."""
    return _value(data, 0)[0]


def _value(data: bytes, at: int) -> tuple[Any, int]:
    head = data[at]
    at += 1
    if head < 0x80 or head >= 0xE0:
        return head if head < 0x80 else head - 0x100, at
    if head < 0x90:
        return _map(data, at, head & 0x0F)
    if head < 0xA0:
        return _list(data, at, head & 0x0F)
    if head < 0xC0:
        return _text(data, at, head & 0x1F)
    if head in _SIMPLE:
        return _SIMPLE[head], at
    if head in _NUMBERS:
        form = _NUMBERS[head]
        return struct.unpack_from(form, data, at)[0], at + struct.calcsize(form)
    kinds = {0xC4: (_bytes, 1), 0xC5: (_bytes, 2), 0xC6: (_bytes, 4), 0xD9: (_text, 1), 0xDA: (_text, 2),
             0xDB: (_text, 4), 0xDC: (_list, 2), 0xDD: (_list, 4), 0xDE: (_map, 2), 0xDF: (_map, 4)}  # fmt: skip
    read, width = kinds[head]
    length = struct.unpack_from(_LENGTHS[width], data, at)[0]
    return read(data, at + width, length)


def _text(data: bytes, at: int, length: int) -> tuple[str, int]:
    return data[at : at + length].decode(errors="replace"), at + length


def _bytes(data: bytes, at: int, length: int) -> tuple[str, int]:
    return data[at : at + length].hex(), at + length


def _list(data: bytes, at: int, length: int) -> tuple[list[Any], int]:
    found = []
    for _ in range(length):
        value, at = _value(data, at)
        found.append(value)
    return found, at


def _map(data: bytes, at: int, length: int) -> tuple[dict[str, Any], int]:
    found = {}
    for _ in range(length):
        key, at = _value(data, at)
        found[str(key)], at = _value(data, at)
    return found, at
