"""Durations as the language writes them: numbers with units, ``3s``, ``1m30s``, ``500ms``."""

import re
from decimal import Decimal

from reconciler.model.problem import Code
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown

_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h)")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")
_MILLISECONDS = {
    "ns": Decimal("0.000001"),
    "us": Decimal("0.001"),
    "µs": Decimal("0.001"),
    "ms": Decimal(1),
    "s": Decimal(1000),
    "m": Decimal(60_000),
    "h": Decimal(3_600_000),
}
_LONGEST_TEXT = 40
_LONGEST_MS = 315_576_000_000  # ten years


def read_duration(fields: Fields, name: str, *, least_ms: int = 0) -> int | None:
    """A duration in milliseconds, None when absent or reported.

    Args:
        fields: where it is and findings go.
        name: of the field.
        least_ms: the shortest that is allowed, in milliseconds.
    """
    text = fields.text(name)
    if text is None:
        return None
    milliseconds = parse_duration(text)
    if milliseconds is None or not least_ms <= milliseconds <= _LONGEST_MS:
        least = f" of at least {least_ms} ms" if least_ms and milliseconds is not None else ""
        expected = f"a duration{least} such as 500ms, 3s or 1m30s"
        fields.report(Code.INVALID_VALUE, "not a duration it can have", name, expected=expected, got=shown(text))
        return None
    return milliseconds


def parse_duration(text: str) -> int | None:
    """Whole milliseconds; None for what is no duration or has a finer part."""
    if text == "0":
        return 0
    if len(text) > _LONGEST_TEXT or not _WHOLE.fullmatch(text):
        return None
    milliseconds = sum(Decimal(number) * _MILLISECONDS[unit] for number, unit in _PART.findall(text))
    return int(milliseconds) if milliseconds == int(milliseconds) else None
