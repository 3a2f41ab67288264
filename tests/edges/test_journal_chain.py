"""The pure parts of the journal: canonical bodies, the walk along the chain, cleaned text."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.audit.proof.chain import FIRST_PREVIOUS, Row, Unreadable, check, encode, parse, seal
from reconciler.audit.record.clean import clean, clean_text, repository
from reconciler.audit.record.records import columns_of
from reconciler.model.audit import Event
from reconciler.model.digest import Digest, Json, canonical_json, digest_bytes

KEYS = st.text(st.characters(codec="ascii"), max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_records_are_canonical_json(value: Any) -> None:
    """For all that a record can hold, the fast encoder writes what RFC 8785 demands."""
    assert encode(value) == canonical_json(value)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_only_canonical_bytes_are_a_body(value: dict[str, Json]) -> None:
    """A body reads back; the same value in other bytes is refused."""
    assert parse(encode(value)) == value
    assert parse(json.dumps(value, indent=1).encode()) in (None, {})
    assert parse(encode(value) + b" ") is None


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"1", b"\xff", b'{"a":1,"a":1}', b'{"a":1.0}', b'{"a":NaN}', b"[" * 100_000]
)
def test_what_is_no_body(content: bytes) -> None:
    """Broken or hostile bytes give no body, and no exception."""
    assert parse(content) is None


def rows_of(events: list[Event]) -> list[Row]:
    """A good chain of these events, each result concluding the oldest open intent."""
    rows, previous = [], FIRST_PREVIOUS
    waiting: list[int] = []
    for sequence, event in enumerate(events, start=1):
        facts: dict[str, Json] = {}
        if event is Event.INTENT:
            waiting.append(sequence)
        if event in (Event.RESULT, Event.INTERRUPTED):
            facts["intent"] = waiting.pop(0)
        _, body, digest = seal(sequence, "2026-01-01T00:00:00.000Z", event, previous, facts)
        columns = columns_of(parse(body) or {})
        listed = (columns.time, columns.event, columns.entry, columns.intent)
        rows.append(Row(sequence, digest, body, listed))
        previous = digest
    return rows


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Any sequence of events that can happen."""
    events, waiting = [Event.JOURNAL_STARTED], 0
    for _ in range(draw(st.integers(0, 12))):
        possible = [Event.INTENT, Event.DECISION] + ([Event.RESULT, Event.INTERRUPTED] if waiting else [])
        event = draw(st.sampled_from(possible))
        waiting += {Event.INTENT: 1, Event.DECISION: 0}.get(event, -1)
        events.append(event)
    return events


@given(histories())
def test_any_history_verifies(events: list[Event]) -> None:
    """Whatever happens in whatever order, the chain that records it is good."""
    rows = rows_of(events)
    chain = check(rows, columns_of)
    assert (chain.finding, chain.records, chain.head) == ("", len(rows), rows[-1].hash)


@given(histories(), st.data())
def test_any_edit_of_a_history_is_found(events: list[Event], data: st.DataObject) -> None:
    """Deleting, doubling, swapping or changing any record but cutting the tail breaks the chain at that place."""
    rows = rows_of(events)
    at = data.draw(st.integers(0, len(rows) - 1))
    row = rows[at]
    assert isinstance(row.body, bytes)
    flipped = bytearray(row.body)
    flipped[data.draw(st.integers(0, len(flipped) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    edits: dict[str, tuple[list[Row | Unreadable], int]] = {
        "double": ([*rows[: at + 1], row, *rows[at + 1 :]], at + 1),
        "flip": ([*rows[:at], Row(row.sequence, row.hash, bytes(flipped), row.columns), *rows[at + 1 :]], at),
        "unreadable": ([*rows[:at], Unreadable("broken page")], at),
    }
    if at < len(rows) - 1:
        edits["delete"] = [*rows[:at], *rows[at + 1 :]], at
        edits["swap"] = [*rows[:at], rows[at + 1], row, *rows[at + 2 :]], at
    edited, good = edits[data.draw(st.sampled_from(sorted(edits)))]
    chain = check(edited, columns_of)
    assert chain.finding
    assert chain.records == good


def test_an_intent_is_concluded_once() -> None:
    """A second result for one intent, well sealed and attached, is still wrong."""
    rows = rows_of([Event.JOURNAL_STARTED, Event.INTENT, Event.RESULT])
    _, body, digest = seal(4, "2026-01-01T00:00:00.000Z", Event.RESULT, Digest(str(rows[-1].hash)), {"intent": 2})
    rows.append(Row(4, digest, body, ("2026-01-01T00:00:00.000Z", "result", 2, 2)))
    chain = check(rows, columns_of)
    assert (chain.records, chain.finding) == (3, "it concludes record 2, which is not an open intent")


def test_a_true_is_no_one() -> None:
    """Types are compared, not only values: a damaged file can turn 1 into another type."""
    (row,) = rows_of([Event.JOURNAL_STARTED])
    assert check([Row(True, row.hash, row.body, row.columns)], columns_of).finding
    assert check([Row(1.0, row.hash, row.body, row.columns)], columns_of).finding


def test_a_body_that_is_no_record() -> None:
    """Canonical JSON with a good hash but without a record's facts is named, not raised."""
    body = encode({"sequence": 1, "previous": FIRST_PREVIOUS})
    assert "lacks" in check([Row(1, digest_bytes(body), body, ())], columns_of).finding


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://git.example.com/a.git", "https://git.example.com/a.git"),
        ("https://tok@git.example.com/a.git?x=1#f", "https://git.example.com/a.git"),
        ("https://u:p%40@git.example.com:8443/a.git", "https://git.example.com:8443/a.git"),
        ("https://u:p@ss@git.example.com/a@b.git", "https://git.example.com/a@b.git"),
        ("ssh://git@git.example.com/a.git", "ssh://git.example.com/a.git"),
        ("git@git.example.com:a.git", "git@git.example.com:a.git"),
        ("u:p@git.example.com:a.git", "git.example.com:a.git"),
        ("/srv/git/a@b.git", "/srv/git/a@b.git"),
        ("", ""),
    ],
)
def test_a_repository_without_credentials(address: str, shown: str) -> None:
    """Only the place is left of an address."""
    assert repository(address) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ann <ann@example.com> said no", "Ann <ann@example.com> said no"),
        ("at https://u:p@h/x and ssh://t@h", "at https://[redacted]@h/x and ssh://[redacted]@h"),
        ("GET /x?private_token=abc&y=1", "GET /x?private_token=[redacted]&y=1"),
        ("password=hunter2 token='t'", "password=[redacted] token='t'"),
        ("prefix /a/ = 1", "prefix /a/ = 1"),
        ("caf\u00e9 \ud800", "caf\u00e9 \\ud800"),
    ],
)
def test_text_without_credentials(text: str, shown: str) -> None:
    """Credentials in URLs and parameters are redacted, addresses of people and ordinary text stay."""
    assert clean_text(text) == shown


@given(VALUES)
def test_cleaning_twice_changes_nothing(value: Any) -> None:
    """Cleaning is idempotent, and leaves what can be encoded."""
    once = clean(value)
    assert clean(once) == once
    encode(once)
