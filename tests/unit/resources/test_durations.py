"""Durations with units."""

import pytest

from reconciler.resources.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("3s", 3000),
        ("1m30s", 90_000),
        ("500ms", 500),
        ("1.5s", 1500),
        ("2h", 7_200_000),
        ("1000us", 1),
        ("1000000ns", 1),
        ("0", 0),
        ("0s", 0),
    ],
)
def test_durations(text: str, milliseconds: int) -> None:
    """Numbers with units add up to whole milliseconds."""
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize("text", ["", "3", "s", "3 s", "-3s", "3x", "1.s", "100us", "0.1ms", "٣s", "1" * 60 + "s"])
def test_no_durations(text: str) -> None:
    """Without a unit, with a sign, or finer than a millisecond it is none."""
    assert parse_duration(text) is None
