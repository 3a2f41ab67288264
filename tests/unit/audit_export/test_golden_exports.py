"""Exports of one small journal, as files that people read: what changes in a format shows in review."""

import pytest

from tests.support.exported import FOLDER, formats, sample

MADE = formats(sample())


@pytest.mark.parametrize("name", sorted(MADE))
def test_an_export_is_as_it_was(name: str) -> None:
    """`make golden` writes it anew where that is meant."""
    assert MADE[name].encode() == (FOLDER / name).read_bytes()


def test_nothing_else_lies_there() -> None:
    """A golden file that nothing makes any more would be believed for ever."""
    assert {path.name for path in FOLDER.iterdir()} == set(MADE)
