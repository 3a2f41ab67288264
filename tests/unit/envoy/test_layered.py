"""Tables that differ little from each other: the same as dictionaries, whatever is carried along."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.envoy.routes import layered
from reconciler.envoy.routes.layered import Layered

# More keys than are carried along, so that tables are copied now and then.
_KEYS = st.integers(0, 3 * layered._MOST)
_STEPS = st.lists(
    st.tuples(st.sets(_KEYS, max_size=20), st.builds(range, _KEYS, _KEYS), st.integers(0, 5)), min_size=1, max_size=6
)


@given(st.sets(_KEYS), _STEPS)
def test_a_layered_table_is_a_dictionary(keys: set[int], steps: list[tuple[set[int], range, int]]) -> None:
    """Keys come, change and go; every table made on the way stays as it was."""
    made = [(Layered.of(dict.fromkeys(keys, -1)), dict.fromkeys(keys, -1))]
    for away, come, value in steps:
        table, expected = made[-1]
        gone, put = away & expected.keys(), dict.fromkeys(come, value)
        made.append((table.with_changes(gone, put), {k: v for k, v in expected.items() if k not in gone} | put))
    for table, expected in made:
        assert dict(table.items()) == expected
        assert len(table) == len(expected)
        assert all((key in table, table.get(key)) == (key in expected, expected.get(key)) for key in range(800))
        assert table == Layered.of(expected)


def test_what_a_change_costs() -> None:
    """A change of a large table copies none of it."""
    table = Layered.of(dict.fromkeys(range(10_000), "a"))
    assert table.with_changes([1], {2: "b"}).below is table.below
