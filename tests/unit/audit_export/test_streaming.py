"""What an export needs of memory is that of an entry, not of the journal."""

import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat

import pytest

from reconciler.audit.export import cloudevents, ocsf, pack
from reconciler.audit.export import table as tables
from reconciler.model.entry import Entry
from tests.support.exported import SIGNER, entries, given, sample

RECORDS = sample()
SIDE = given(RECORDS, signer=SIGNER)
_KEPT_AT_HAND = 100_000
Entries = Callable[[], Iterable[Entry]]


def needed(make: Callable[[Entries], Iterator[str]], times: int) -> tuple[int, int]:
    """The most memory that was in use while the pieces were thrown away as they came; and how much they were."""
    listed = entries(RECORDS)
    given_out = 0
    tracemalloc.start()
    for piece in make(lambda: chain.from_iterable(repeat(listed, times))):
        given_out += len(piece)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most, given_out


@pytest.mark.parametrize(
    "make",
    [
        lambda of: tables.rows(of()),
        lambda of: cloudevents.batch(of(), SIDE),
        lambda of: ocsf.lines(of(), SIDE),
        lambda of: pack.html(of, SIDE, None),
    ],
    ids=["csv", "cloudevents", "ocsf", "html"],
)
def test_what_more_is_given_out_needs_no_more_memory(make: Callable[[Entries], Iterator[str]]) -> None:
    """Collecting it would need as much more as it is, at least; the interpreter keeps some freed tuples at hand."""
    needed(make, 1)
    (few, little), (many, much) = needed(make, 3), needed(make, 24)
    assert many - few < (much - little) / 4 + _KEPT_AT_HAND < much - little
