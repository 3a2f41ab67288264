"""Every kind of tampering with every record of an export is found, and the finding names the record."""

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.audit.proof import lines, merkle, note
from reconciler.audit.proof.chain import encode, parse
from reconciler.audit.proof.offline import Checked, check
from reconciler.audit.proof.signing import PublicKey
from reconciler.model.digest import Digest, Json, digest_bytes
from tests.support.exports import ORIGIN, OTHER, SIGNER, Whole, export, journal, rewritten

KEYS = [SIGNER.public]
SIZE = 9
WHOLE = journal(SIZE)
DELETION: dict[int, dict[str, Json]] = {8: {"happened": ["retention-delete"], "ranges": [[2, 4]]}}
PRUNED = journal(SIZE, at=DELETION)
EXPORTS = {
    "whole": export(WHOLE, earlier=[1, 4, 9]),
    "part": export(WHOLE, (3, 7), earlier=[2, 5]),
    "pruned": export(PRUNED, pruned=(2, 3, 4)),
    "one": export(journal(1)),
}
NUMBERS = {"whole": range(1, 10), "part": range(3, 8), "pruned": range(1, 10), "one": range(1, 2)}
RECORDS = [(name, number) for name, numbers in NUMBERS.items() for number in numbers]
ANY_RECORD = pytest.mark.parametrize(("name", "number"), RECORDS)
ANY_EXPORT = pytest.mark.parametrize("name", EXPORTS)


def checked(made: list[bytes], *noted: str, head: str = "") -> Checked:
    """The outcome with the right key, from one stream of bytes."""
    return check(lines.bounded(BytesIO(b"".join(made)).readline), KEYS, noted, head)


def line_of(name: str, number: int) -> int:
    """The line a record stands on, from 1."""
    return number - NUMBERS[name][0] + 2


def changed(line: bytes, *, again: bool) -> bytes:
    """The line of a record with another message, and the hash made anew or not."""
    record, body = lines.read_record(line)
    content = encode({**body, "message": "forged"})
    return lines.write_record(replace(record, content=content, hash=digest_bytes(content) if again else record.hash))


@ANY_EXPORT
def test_what_was_not_touched_verifies(name: str) -> None:
    """An export as it was written has no finding."""
    found = checked(EXPORTS[name])
    assert (found.finding, found.bad, found.line, found.records) == ("", None, 0, len(NUMBERS[name]))
    assert found.key == str(SIGNER.public)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(EXPORTS)), st.data())
def test_one_changed_byte_is_found_on_its_line(name: str, data: st.DataObject) -> None:
    """Whatever byte becomes whatever other one, in header, content, hash, proof or checkpoint: its line is named."""
    made = list(EXPORTS[name])
    at = data.draw(st.integers(0, len(made) - 1))
    offset = data.draw(st.integers(0, len(made[at]) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda one: one != made[at][offset]))
    made[at] = made[at][:offset] + bytes([byte]) + made[at][offset + 1 :]
    found = checked(made)
    record = NUMBERS[name][at - 1] if 0 < at < len(made) - 1 else None
    assert found.finding
    assert (found.line, found.bad) == (at + 1, record)


@ANY_RECORD
def test_a_changed_content_is_named(name: str, number: int) -> None:
    """With its old hash the record itself tells; with a new one its proof, its neighbour or the signature does."""
    at = line_of(name, number) - 1
    if b'"pruned"' in EXPORTS[name][at]:
        return  # has no content; its bytes are changed above
    for again in (False, True):
        made = list(EXPORTS[name])
        made[at] = changed(made[at], again=again)
        found = checked(made)
        last_of_all = again and number == NUMBERS[name][-1] and name != "part"
        # Nothing attaches to the last record: only the root over all tells, which has no place.
        expected = (None, len(made)) if last_of_all and number > 1 else (number, at + 1)
        assert found.finding
        assert (found.bad, found.line) == expected or (number == 1 and last_of_all)


@ANY_RECORD
def test_a_record_taken_out_is_named(name: str, number: int) -> None:
    """The record that is missing is named, on the line where it would stand."""
    made = list(EXPORTS[name])
    del made[line_of(name, number) - 1]
    found = checked(made)
    assert (found.bad, found.line) == (number, line_of(name, number))
    assert "missing" in found.finding


@ANY_RECORD
def test_a_record_put_in_is_named(name: str, number: int) -> None:
    """A record that stands twice, or one of another journal put in, is named by its line."""
    for foreign in (EXPORTS[name][line_of(name, number) - 1], export(journal(SIZE, "other"))[number]):
        made = list(EXPORTS[name])
        made.insert(line_of(name, number), foreign)
        found = checked(made)
        assert found.finding
        assert found.line == line_of(name, number) + 1


@ANY_RECORD
def test_two_records_in_the_other_order_are_named(name: str, number: int) -> None:
    """The first that stands in the wrong place is named."""
    if number == NUMBERS[name][-1]:
        return
    made, at = list(EXPORTS[name]), line_of(name, number) - 1
    made[at], made[at + 1] = made[at + 1], made[at]
    found = checked(made)
    assert (found.bad, found.line) == (number, at + 1)


@ANY_RECORD
def test_a_record_of_another_journal_is_named(name: str, number: int) -> None:
    """A record with the same number, sound in itself, but of a journal that has the same key."""
    other = {
        "whole": export(journal(SIZE, "b")),
        "part": export(journal(SIZE, "b"), (3, 7)),
        "pruned": export(journal(SIZE, "b", DELETION), pruned=(2, 3, 4)),
        "one": export(journal(1, "b")),
    }[name]
    made, at = list(EXPORTS[name]), line_of(name, number) - 1
    made[at] = other[at]
    found = checked(made)
    assert found.finding
    if len(NUMBERS[name]) > 1:
        assert (found.bad, found.line) == (number, at + 1)


@ANY_EXPORT
def test_a_file_cut_off_is_found(name: str) -> None:
    """Wherever the file ends too early, or begins too late, the first line that is missing is named."""
    made = EXPORTS[name]
    for length in range(len(made)):
        found = checked(made[:length])
        assert found.finding
        assert found.line == length + 1
        tail = checked(made[length + 1 :])
        assert tail.finding
        assert tail.line == 1
    assert checked([*made[:-1], made[-1][:-1]]).line == len(made)
    assert checked([*made, b"\n"]).line == len(made) + 1


@pytest.mark.parametrize("number", range(1, SIZE + 1))
def test_all_written_anew_without_the_key_is_found_by_the_signature(number: int) -> None:
    """A chain that was made whole again fits neither the checkpoint that was signed, nor does one by another key."""
    forged = rewritten(WHOLE, number)
    found = checked(export(forged, checkpoint=WHOLE.checkpoint()))
    assert "root that was signed" in found.finding
    assert found.line == SIZE + 2
    other = checked(export(forged, checkpoint=forged.checkpoint(signer=OTHER), key=OTHER.public))
    assert "none of the keys given signed it" in other.finding
    # What was kept elsewhere narrows it down: to the record itself where it was kept right before.
    noted = [WHOLE.checkpoint(size) for size in range(1, number)]
    narrowed = checked(export(forged, checkpoint=WHOLE.checkpoint()), *noted)
    assert f"one of {number} to {SIZE}" in narrowed.finding
    if number == SIZE:
        assert (narrowed.bad, narrowed.line) == (SIZE, SIZE + 1)


@pytest.mark.parametrize("number", range(1, SIZE + 1))
def test_all_written_anew_with_the_key_is_found_by_what_was_kept_elsewhere_alone(number: int) -> None:
    """Who has the key can write another past; a checkpoint or a head from outside shows it, and nothing else does."""
    forged = rewritten(WHOLE, number)
    made = export(forged)
    assert not checked(made).finding
    assert "written anew" in checked(made, WHOLE.checkpoint()).finding
    assert "written anew" in checked(made, head=WHOLE.hashes[-1]).finding
    if number > 1:
        # A checkpoint from before the forgery says nothing against it.
        assert not checked(made, WHOLE.checkpoint(number - 1)).finding


def test_an_end_cut_off_with_its_checkpoint_is_found_by_what_was_kept_elsewhere_alone() -> None:
    """An old state, whole with its own signature, is sound in itself."""
    old = export(Whole(WHOLE.contents[:5], WHOLE.hashes[:5]))
    assert not checked(old).finding
    assert "its end was cut off" in checked(old, WHOLE.checkpoint()).finding
    assert "cut off" in checked(old, head=WHOLE.hashes[6]).finding


def test_a_part_is_held_against_checkpoints_it_can_be_compared_with() -> None:
    """Through the earlier ones it carries; where it has none of that size, it says that it can't tell."""
    part = export(WHOLE, (3, 7), earlier=[2, 5])
    assert not checked(part, WHOLE.checkpoint(5), WHOLE.checkpoint()).finding
    assert "nothing in it compares" in checked(part, WHOLE.checkpoint(6)).finding
    several = checked(part, WHOLE.checkpoint(5), WHOLE.checkpoint(6), WHOLE.checkpoint(2, OTHER))
    assert (several.finding, several.compared) == ("", (5,))
    foreign = note.signed(note.Checkpoint("example.com/other", 5, b"0" * 32), SIGNER)
    assert not checked(part, foreign, WHOLE.checkpoint(5)).finding
    assert "of another journal" in checked(part, foreign).finding
    assert "written anew" in checked(part, journal(SIZE, "b").checkpoint(5)).finding


def test_earlier_checkpoints_must_be_continued() -> None:
    """One that the newest does not continue is found, with a proof of any kind."""
    foreign = journal(SIZE, "b")
    for proof in (merkle.consistency(4, SIZE, WHOLE.read), merkle.consistency(4, SIZE, foreign.read), ()):
        footer = lines.Footer(WHOLE.checkpoint(), (lines.Earlier(foreign.checkpoint(4), proof),))
        found = checked([*export(WHOLE)[:-1], lines.write_footer(footer)])
        assert "does not continue" in found.finding
        assert found.line == SIZE + 2


def test_a_content_may_be_gone_only_where_a_record_tells_of_it() -> None:
    """A deletion that nobody wrote down is found, at its first record; in a part it is told, since it may be later."""
    found = checked(export(WHOLE, pruned=(3, 4)))
    assert (found.bad, found.line) == (3, 4)
    assert "no record tells" in found.finding
    found = checked(export(PRUNED, pruned=(2, 3, 4, 5)))
    assert (found.bad, found.line, found.untold) == (5, 6, 1)
    found = checked(export(PRUNED, (2, 5), pruned=(2, 3)))
    assert (found.finding, found.pruned, found.untold) == ("", 2, 2)


def test_the_header_must_say_what_was_signed() -> None:
    """A first line that is sound in itself, but of other records, another journal or another key."""
    header = lines.read_header(EXPORTS["whole"][0])
    for other in (
        replace(header, origin="example.com/other"),
        replace(header, public_key=str(OTHER.public)),
        replace(header, size=12),
        replace(header, first=2),
        replace(header, last=8),
        replace(header, size=12, last=12),
    ):
        assert checked([lines.write_header(other), *EXPORTS["whole"][1:]]).finding


def test_a_new_key_counts_where_the_old_one_announced_it() -> None:
    """The journal tells of its new key under the signature of the old one; without the old one nothing follows."""
    text = note.announcement(ORIGIN, OTHER.public, SIGNER)
    facts: dict[str, Json] = {"happened": ["key-changed"], "announcement": text}
    rotated = journal(SIZE, at={4: facts})
    made = export(rotated, checkpoint=rotated.checkpoint(signer=OTHER), key=OTHER.public, earlier=[3])
    assert not checked(made, rotated.checkpoint(2)).finding
    # With the new key alone the records verify; what only the old one signed does not count.
    assert not check(made, [OTHER.public]).finding
    assert "none of the keys given" in check(made, [OTHER.public], [rotated.checkpoint(2)]).finding
    assert "none of the keys given" in check(made, [replace(SIGNER.public, raw=b"\x07" * 32)]).finding
    forged: dict[str, Json] = {**facts, "announcement": note.announcement(ORIGIN, OTHER.public, OTHER)}
    mine = journal(SIZE, at={4: forged})
    made = export(mine, checkpoint=mine.checkpoint(signer=OTHER), key=OTHER.public)
    assert "none of the keys given" in checked(made).finding


def test_a_key_in_pem_goes_by_any_name() -> None:
    """As other programs keep it, without a name."""
    assert not check(EXPORTS["whole"], [PublicKey.parse(SIGNER.public.pem())]).finding
    assert check(EXPORTS["whole"], [PublicKey.parse(OTHER.public.pem())]).finding


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"{}\n",
        b"[" * 100_000 + b"\n",
        b'{"a":' * 50_000 + b"\n",
        b"\xff\xfe\n",
        b'{"a":1e9}\n',
        b"9" * 5000,
    ],
)
def test_what_is_no_export_is_no_crash(content: bytes) -> None:
    """Whatever bytes stand at whichever place, there is a finding, and nothing is raised."""
    for name, made in EXPORTS.items():
        for at in (0, 1, len(made) - 1):
            found = checked([*made[:at], content, *made[at + 1 :]])
            assert found.finding, name


def test_memory_does_not_grow_with_the_file() -> None:
    """Records pass through: ten times as many take as much memory."""

    def peak(size: int) -> int:
        whole, proofless = journal(size), lines.Header(ORIGIN, 1, size, size, str(SIGNER.public), "")
        footer = lines.write_footer(lines.Footer(whole.checkpoint()))

        def stream() -> Iterator[bytes]:
            yield lines.write_header(proofless)
            for number, (content, digest) in enumerate(zip(whole.contents, whole.hashes, strict=True), start=1):
                yield lines.write_record(lines.Record(number, Digest(digest), content))
            yield footer

        tracemalloc.start()
        assert not check(stream(), KEYS).finding
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert parse(WHOLE.contents[0])
    peak(50)
    assert peak(2_000) < peak(200) + 20_000
