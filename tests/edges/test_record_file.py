"""Records on disk: what is whole is read, and nothing else is taken for it."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.cache import RecordFile


def _written(path: Path, *records: bytes, added: tuple[bytes, ...] = ()) -> RecordFile:
    file = RecordFile(path, "now")
    file.write(records)
    for record in added:
        assert file.add(record)
    return file


def _read(path: Path, circumstances: str = "now") -> list[bytes]:
    return RecordFile(path, circumstances).read()


def test_records_are_read_in_the_order_they_were_written(tmp_path: Path) -> None:
    """Those written at once, then those added, by this run and by the next one."""
    path = tmp_path / "records"
    _written(path, b"one", b"", added=(b"two",))
    later = RecordFile(path, "now")
    assert later.read() == [b"one", b"", b"two"]
    assert later.add(b"three")
    assert _read(path) == [b"one", b"", b"two", b"three"]


def test_absent_foreign_and_other_circumstances_are_nothing(tmp_path: Path) -> None:
    """No file, a folder, a file of somebody else's, one made under other circumstances: nothing is read."""
    path = tmp_path / "records"
    assert _read(path) == []
    path.write_bytes(b"\x93NUMPY" * 99)
    assert _read(path) == []
    _written(path, b"one")
    assert _read(path, "then") == []
    assert _read(tmp_path) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_ends_the_reading_and_is_never_taken_for_a_record(tmp_path: Path, data: st.DataObject) -> None:
    """Cut off or changed anywhere, the file gives its first records as they were; what is added then is read again."""
    path = tmp_path / "records"
    records = [b"one", b"two" * 40, b"three"]
    _written(path, *records[:2], added=(records[2],))
    held = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(held) - 1))
    if data.draw(st.booleans()):
        del held[at:]
    else:
        held[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(held)
    file = RecordFile(path, "now")
    read = file.read()
    assert read == records[: len(read)]
    if file.add(b"new"):
        assert _read(path) == [*read, b"new"]


def test_moved_and_missing_records_are_noticed(tmp_path: Path) -> None:
    """A record is good only behind those it was written behind."""
    path = tmp_path / "records"
    _written(path, b"aaa")
    head = len(path.read_bytes())
    _written(path, b"aaa", b"bbb", b"ccc")
    held = path.read_bytes()
    size = (len(held) - head) // 2
    path.write_bytes(held[:head] + held[head + size :])
    assert _read(path) == [b"aaa"]


def test_a_file_that_is_mostly_additions_is_due_to_be_written_anew(tmp_path: Path) -> None:
    """It stays within a few times what was written at once: then ``add`` says no."""
    path = tmp_path / "records"
    file = _written(path, b"x" * 100_000)
    while file.add(b"y" * 10_000):
        assert path.stat().st_size < 300_000
    assert path.stat().st_size > 200_000
    file.write([b"z"])
    assert _read(path) == [b"z"]


def test_no_file_grows_past_its_bound(tmp_path: Path) -> None:
    """Too much to keep is not kept, and one that is too large is not read."""
    path = tmp_path / "records"
    file = RecordFile(path, "now", max_bytes=1_000)
    file.write([b"small"])
    assert not file.add(b"x" * 1_000)
    file.write([b"x" * 500, b"y" * 500])
    assert list(tmp_path.iterdir()) == []
    assert not file.add(b"small")
    _written(path, b"x" * 2_000)
    assert RecordFile(path, "now", max_bytes=1_000).read() == []


def test_nothing_is_added_to_a_file_that_was_changed_meanwhile(tmp_path: Path) -> None:
    """Gone or shortened by somebody: what would follow could not be read."""
    path = tmp_path / "records"
    file = _written(path, b"one")
    path.write_bytes(path.read_bytes()[:-1])
    assert not file.add(b"two")
    path.unlink()
    assert not file.add(b"two")
    assert not path.exists()


def test_failure_to_write_leaves_the_old_file(tmp_path: Path) -> None:
    """All of the new file or none of it, and nothing lies about."""
    path = tmp_path / "records"
    file = _written(path, b"one")

    def failing() -> "list[bytes]":
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        file.write(record for record in (*[b"two"], *failing()))
    assert [one.name for one in tmp_path.iterdir()] == ["records"]
    assert _read(path) == [b"one"]
