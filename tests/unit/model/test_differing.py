"""What differs between two versions of documents is told whole, by type, and only cut to be shown."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.differing import Differing, differing
from reconciler.model.digest import canonical_json
from reconciler.model.plan import Op
from tests.support.journals import origin

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def changed(before: Any, after: Any) -> Differing:
    """How two versions of a document differ."""
    (found,) = differing([origin("a", canonical_json(before))], [origin("a", canonical_json(after))])
    return found


def test_documents_that_came_and_went() -> None:
    """By identity; where something stands is no difference."""
    found = differing([origin("a"), origin("b", line=1)], [origin("b", line=9), origin("c")])
    assert [(one.id.name, one.op) for one in found] == [("a", Op.DELETE), ("c", Op.CREATE)]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"a": 1}, {"a": "1"}, ("a", "1", '"1"')),
        ({"a": 1}, {"a": True}, ("a", "1", "true")),
        ({"a": "true"}, {"a": True}, ("a", '"true"', "true")),
        ({}, {"a": ""}, ("a", "", '""')),
        ({"a": None}, {"a": "null"}, ("a", "null", '"null"')),
        ({"a": []}, {"a": {}}, ("a", "[]", "{}")),
        ({"a": "x"}, {"a": "y"}, ("a", "x", "y")),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, ("a[0].b", "1", "2")),
    ],
)
def test_values_of_other_types_differ(before: Any, after: Any, told: tuple[str, str, str]) -> None:
    """And what is shown tells them apart."""
    found = [(one.field, one.before, one.after) for one in changed(before, after).fields]
    assert told in found
    assert all(one[1] != one[2] for one in found)


def test_a_name_with_a_dot_is_no_path() -> None:
    """Labels have such names."""
    assert [one.field for one in changed({"a": {"b": 1}}, {"a.b": 1}).fields] == ["a.b", '["a.b"]']


def test_a_difference_far_behind_is_found_and_shown() -> None:
    """What is cut is cut around it."""
    (field,) = changed({"a": "x" * 5_000 + "old"}, {"a": "x" * 5_000 + "new"}).fields
    assert (field.before[-5:], field.after[-5:]) == ("xxold", "xxnew")
    assert len(field.before) < 300


def test_what_is_not_shown_is_counted() -> None:
    """Of very many fields."""
    found = changed({f"k{number:04}": 1 for number in range(1_000)}, {})
    assert (len(found.fields), found.more) == (200, 801)


@settings(max_examples=40, deadline=None)
@given(_VALUES, _VALUES)
def test_what_differs_is_told(before: Any, after: Any) -> None:
    """No two documents that differ are shown without a field, and no field looks the same on both sides."""
    documents = canonical_json({"v": before}), canonical_json({"v": after})
    found = differing([origin("a", documents[0])], [origin("a", documents[1])])
    assert bool(found) == (documents[0] != documents[1])
    for one in found:
        assert one.fields
        assert all(field.before != field.after for field in one.fields)
        assert len({field.field for field in one.fields}) == len(one.fields)
