"""JSON that is nested without end is read as far as anybody needs it, and everything beside it whole."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.cluster.depth import decoded

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def _nested(depth: int, opening: str = '{"a":', closing: str = "}") -> str:
    return opening * depth + "1" + closing * depth


def _depth(value: Any) -> int:
    found = 0
    while isinstance(value, dict | list):
        value = next(iter(value.values() if isinstance(value, dict) else value))
        found += 1
    return found


@given(_JSON)
@settings(max_examples=40, deadline=None)
def test_what_is_usual_is_read_as_it_is(value: Any) -> None:
    """Nothing is cut that can be read."""
    assert decoded(json.dumps(value).encode()) == value


@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ("[", "]")])
@pytest.mark.parametrize("depth", [5_000, 100_000])
def test_what_lies_too_deep_is_null(opening: str, closing: str, depth: int) -> None:
    """A hundred levels stay, deeper than any document may be that is read; the neighbours stay whole."""
    deep = _nested(depth, opening, closing)
    text = rf'{{"items": [{{"name": "a"}}, {{"name": "deep", "spec": {deep}, "after": "}}]"}}, {{"n": "\\\"["}}]}}'
    value: Any = decoded(text.encode())
    first, second, third = value["items"]
    assert (first, third) == ({"name": "a"}, {"n": '\\"['})
    assert (second["name"], second["after"]) == ("deep", "}]")
    assert 90 < _depth(second["spec"]) <= 100


@given(_JSON, st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_neighbours_of_what_is_too_deep_are_whole(value: Any, at: int) -> None:
    """Whatever they are: strings with braces and quotes are no structure."""
    items = [json.dumps(value)] * 3
    items.insert(at, _nested(3_000))
    found: Any = decoded(f"[{','.join(items)}]".encode())
    assert [one for place, one in enumerate(found) if place != at] == [value] * 3


@pytest.mark.parametrize("text", ["", "{", "[" * 5_000, _nested(5_000) + "}", '{"a":' * 5_000])
def test_what_is_no_json_is_told(text: str) -> None:
    """However deep it is."""
    with pytest.raises(ValueError, match=r"."):
        decoded(text.encode())
