"""What differs between two values, so that the eye finds it. Pure."""

from dataclasses import dataclass

from reconciler.model.plan import FieldChange


@dataclass(frozen=True, slots=True)
class Side:
    """A value as it was or is: what both have, what only this one has, and again what both have."""

    head: str
    own: str
    tail: str

    @property
    def whole(self) -> str:
        """All of it."""
        return self.head + self.own + self.tail


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """One field before and after; None where it was, or is, absent."""

    field: str
    before: Side | None
    after: Side | None


def field_diff(change: FieldChange) -> FieldDiff:
    """The parts of both sides."""
    before, after = change.before, change.after
    if not before or not after:
        return FieldDiff(change.field, Side("", before, "") if before else None, Side("", after, "") if after else None)
    head = _whole_words(before, after, _shared(before, after))
    tail = _shared(before[head:][::-1], after[head:][::-1])
    tail = _whole_words(before[::-1], after[::-1], tail)
    return FieldDiff(change.field, _side(before, head, tail), _side(after, head, tail))


def _shared(one: str, two: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))


def _whole_words(one: str, two: str, shared: int) -> int:
    """Back to where a word begins: ``90`` and ``40`` differ whole, and not by a digit."""
    while (
        shared
        and any(shared < len(text) and text[shared].isalnum() for text in (one, two))
        and one[shared - 1].isalnum()
    ):
        shared -= 1
    return shared


def _side(text: str, head: int, tail: int) -> Side:
    end = len(text) - tail
    return Side(text[:head], text[head:end], text[end:])
