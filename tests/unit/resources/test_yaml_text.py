"""Splitting a file into documents."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.resources.yaml.text import Chunk, decode, split


def test_bounds_and_offsets() -> None:
    """Every document comes with the number of lines before it; comments and directives go with what they precede."""
    text = "# c\n%YAML 1.1\n---\na: 1\n...\n# x\n---\n---\nb: 2\n--- {c: 1}\n"
    assert split(text) == [
        Chunk("# c\n%YAML 1.1\n---\na: 1\n", 0),
        Chunk("---\nb: 2\n", 7),
        Chunk("--- {c: 1}\n", 9),
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", "---\n", "---\n# x\n---\n...\n", "\t \n"])
def test_nothing(text: str) -> None:
    """Comments and white space are no document."""
    assert split(text) == []


@pytest.mark.parametrize("text", ["a: x---y\n", "----\n", "---a\n", " ---\n", "a: |\n  ---\n  b\n", "....\n"])
def test_no_marker(text: str) -> None:
    """Dashes and dots bound a document only as a line's first and only word."""
    assert split(text) == [Chunk(text, 0)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(end: str) -> None:
    """All three line ends count as one line."""
    text = end.join(["a: 1", "b: 2", "---", "c: 3", ""])
    assert [chunk.offset for chunk in split(text)] == [0, 2]


def test_byte_order_mark() -> None:
    """A byte order mark is no content."""
    assert decode(b"\xef\xbb\xbfa: 1") == "a: 1"


_LINES = st.sampled_from(["---", "--- {x: 1}", "...", "a: 1", "# c", "", "  b: 2", "- 1", "--- # c"])


@given(st.lists(_LINES, max_size=12))
def test_agrees_with_yaml(lines: list[str]) -> None:
    """Where PyYAML reads the whole text, the chunks parsed one by one are its documents without the empty ones."""
    text = "\n".join(lines)
    try:
        whole = [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.YAMLError:
        return
    assert [yaml.safe_load(chunk.text) for chunk in split(text)] == whole
