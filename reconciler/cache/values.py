"""Frozen dataclasses of the model ↔ bytes, each distinct value once. The only user of msgspec.

Nothing that is read can run anything: only classes that can be reached from the types that were asked for are ever
made, from text, numbers and other such values. What makes no sense is a `Damaged`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from hashlib import blake2b
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, TypeAlias, cast, get_args, get_type_hints

import msgspec

# True and 1 are equal and not the same, hence the type.
_Key: TypeAlias = tuple[type, object]
_Getter: TypeAlias = Callable[[Any], tuple[object, ...]]
_ATOMS = frozenset({str, bytes, int, float, bool, datetime, type(None)})
_TUPLE = 0
_LEVEL_SHIFT = 40


class Damaged(Exception):
    """Bytes that hold no values of these types."""


class Unwritable(Exception):
    """A value of another class, or a number or a text that MessagePack has no room for."""


class _Group(msgspec.Struct, array_like=True):
    """Values of one class, a column for each of their fields; the columns hold the numbers of earlier values."""

    code: int
    columns: list[list[int]]


class _Written(msgspec.Struct, array_like=True):
    """Values by number: the atoms, then those of each group. Columns are made into values without a loop of ours."""

    atoms: list[Any]
    groups: list[_Group]
    wanted: list[int]


class Values:
    """Writes and reads values of some classes and of all that those are made of.

    Args:
        roots: frozen dataclasses; what their fields may hold follows from the annotations.
    """

    def __init__(self, roots: Sequence[type]) -> None:
        self._classes = sorted(_reached(roots), key=lambda one: (one.__module__, one.__qualname__))
        self._codes = {one: code for code, one in enumerate(self._classes, start=_TUPLE + 1)}
        self._fields = {one: _getter(one) for one in self._classes if is_dataclass(one)}
        self._decoder = msgspec.msgpack.Decoder(_Written)

    @property
    def shape(self) -> str:
        """Differs wherever bytes written before would mean something else."""
        told = [(one.__module__, one.__qualname__, _told(one)) for one in self._classes]
        return blake2b(repr(told).encode(), digest_size=16).hexdigest()

    def write(self, values: Sequence[object]) -> bytes:
        """The bytes of some values.

        Raises:
            Unwritable: one is or holds something else than was announced.
        """
        writing = _Writing(self._codes, self._fields)
        try:
            return msgspec.msgpack.encode(writing.written(writing.numbers(tuple(values))))
        except (msgspec.MsgspecError, ArithmeticError, ValueError) as error:
            raise Unwritable(str(error)) from error

    def read(self, held: bytes) -> list[Any]:
        """The values of some bytes; equal ones inside them are the same object.

        Raises:
            Damaged: they were not written by `write` of this shape.
        """
        try:
            written = self._decoder.decode(held)
            if not _ATOMS.issuperset(map(type, written.atoms)):
                raise Damaged("a container stands where an atom should")
            values: list[Any] = written.atoms
            for group in written.groups:
                columns = [map(values.__getitem__, column) for column in group.columns]
                kind = self._classes[group.code - 1]
                if not columns:  # there is one of it at most: equal values are written once
                    values.append(kind() if group.code else ())
                else:
                    values.extend([*(map(kind, *columns) if group.code else zip(*columns, strict=True))])
            return [values[number] for number in written.wanted]
        except (msgspec.MsgspecError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise Damaged(str(error)) from error


class _Writing:
    """Numbers values: atoms below zero, others by level and place, so that a value is above all it is made of.

    How they are numbered when read is seen in the end. Objects are told apart by identity first, so all that is
    written must stay alive meanwhile.
    """

    def __init__(self, codes: Mapping[type, int], getters: Mapping[type, _Getter]) -> None:
        self._codes = codes
        self._getters = getters
        self._seen: dict[int, int] = {}
        self._atoms: dict[_Key, int] = {}
        self._entries: dict[tuple[int, ...], int] = {}

    def numbers(self, values: tuple[Any, ...]) -> list[int]:
        """Nearly all are known already: those cost no loop of ours."""
        known = [*map(self._seen.get, map(id, values))]
        if None in known:
            for at, number in enumerate(known):
                if number is None:
                    known[at] = self._number(values[at])
        return cast("list[int]", known)

    def _number(self, value: Any) -> int:
        kind = type(value)
        getter = self._getters.get(kind)
        if getter is not None:
            number = self._made(self._codes[kind], getter(value))
        elif kind in _ATOMS:
            number = -1 - self._atoms.setdefault((kind, value), len(self._atoms))
        elif kind is tuple:
            number = self._made(_TUPLE, value)
        elif kind in self._codes:
            number = self._made(self._codes[kind], (value.value,))
        else:
            raise Unwritable(f"a {kind.__name__} was not announced")
        self._seen[id(value)] = number
        return number

    def _made(self, code: int, parts: tuple[Any, ...]) -> int:
        numbers = self.numbers(parts)
        entry = (code, *numbers)
        known = self._entries.get(entry)
        if known is None:
            level = 1 + (max(max(numbers, default=0), 0) >> _LEVEL_SHIFT)
            known = self._entries[entry] = level << _LEVEL_SHIFT | len(self._entries)
        return known

    def written(self, wanted: Sequence[int]) -> _Written:
        """All of it, with the numbers that are read: values are behind all that they are made of."""
        order = sorted(
            ((number >> _LEVEL_SHIFT, entry[0], len(entry)), number, entry) for entry, number in self._entries.items()
        )
        final = {-1 - at: at for at in range(len(self._atoms))}
        final |= {number: place for place, (_, number, _) in enumerate(order, start=len(self._atoms))}
        groups = []
        for (_, code, _), members in groupby(order, key=itemgetter(0)):
            columns = zip(*(entry[1:] for _, _, entry in members), strict=True)
            groups.append(_Group(code, [[*map(final.__getitem__, column)] for column in columns]))
        return _Written([value for _, value in self._atoms], groups, [*map(final.__getitem__, wanted)])


def _getter(one: type) -> _Getter:
    """All fields of an object at once."""
    names = [field.name for field in fields(one)]
    if len(names) == 1:  # attrgetter gives a single one bare
        return lambda value: (getattr(value, names[0]),)
    return attrgetter(*names)


def _reached(roots: Iterable[type]) -> set[type]:
    found: set[type] = set()
    left: list[Any] = list(roots)
    while left:
        hint = left.pop()
        left += [argument for argument in get_args(hint) if argument is not Ellipsis]
        if not isinstance(hint, type) or hint in found or not (is_dataclass(hint) or issubclass(hint, Enum)):
            continue
        found.add(hint)
        if is_dataclass(hint):
            left += get_type_hints(hint).values()
    return found


def _told(one: type) -> object:
    return [field.name for field in fields(one)] if is_dataclass(one) else [repr(member) for member in iter(one)]  # type: ignore[call-overload]  # an Enum
