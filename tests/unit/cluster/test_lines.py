"""Bytes to lines: however they arrive, and never more than the bound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cluster.lines import LineCutter, LineTooLong

WORDS = st.lists(st.binary(max_size=20).map(lambda b: b.replace(b"\n", b"x")), max_size=8)


@given(WORDS, st.lists(st.integers(1, 30), min_size=1, max_size=20))
def test_lines_do_not_depend_on_how_they_arrive(words: list[bytes], sizes: list[int]) -> None:
    """Whatever the pieces, the lines are those of the whole; blank ones are left out."""
    stream, cutter, lines = b"\n".join(words) + b"\n", LineCutter(20), list[bytes]()
    while stream:
        size = sizes[len(stream) % len(sizes)]
        lines += cutter.feed(stream[:size])
        stream = stream[size:]
    assert lines == [word for word in words if word.strip()]


def test_a_line_of_exactly_the_bound_is_whole() -> None:
    """The bound itself is allowed."""
    assert LineCutter(4).feed(b"abcd\n") == [b"abcd"]


@pytest.mark.parametrize("pieces", [[b"abcde\n"], [b"abc", b"de"], [b"x\nab", b"cd", b"e\n"]])
def test_a_longer_line_is_refused_before_it_is_whole(pieces: list[bytes]) -> None:
    """Nothing longer than the bound is ever held."""
    cutter = LineCutter(4)
    with pytest.raises(LineTooLong):
        [cutter.feed(piece) for piece in pieces]
