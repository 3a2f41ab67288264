"""Parts on disk: a restart finds them, and nothing that is damaged, foreign or of other settings is believed."""

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.cache.parts import PartStore, fingerprint
from reconciler.cache.values import Damaged, Unwritable, Values
from reconciler.cli.wiring import controller
from reconciler.model.decision import Decision
from reconciler.model.limits import DEFAULT_LIMITS
from reconciler.model.loaded import FilePart
from reconciler.model.outcome import Outcome
from reconciler.model.provenance import Provenance
from reconciler.model.source import SourceFile, SourceSnapshot
from reconciler.resources import by_file, load_files
from reconciler.resources.loading import load_file
from reconciler.settings import load as load_settings
from tests.bench.tables import mapping, repository
from tests.bench.tables import path as bench_path
from tests.support.golden import GOLDEN
from tests.support.repositories import Repository


def _parts(texts: dict[str, bytes]) -> dict[str, FilePart]:
    files = tuple(SourceFile(path, path, content) for path, content in sorted(texts.items()))
    return dict(load_files(SourceSnapshot(None, None, files), None).parts)


def _store(path: Path, ambassador_id: str = "default") -> PartStore:
    return PartStore(path, DEFAULT_LIMITS, ambassador_id)


@pytest.fixture(scope="module")
def parts() -> dict[str, FilePart]:
    return _parts({path: text.encode() for path, text in repository(200, 5).items()})


def test_every_golden_case_comes_back_as_it_was(tmp_path: Path) -> None:
    """All kinds, old spellings, broken documents: what is read back equals what was loaded, down to the types."""
    found = {str(path): path.read_bytes() for path in GOLDEN.rglob("*.yaml") if path.is_file()}
    parts = _parts(found)
    assert len({type(one) for part in parts.values() for one in part.loaded.resources}) > 10
    assert any(part.loaded.problems for part in parts.values())
    assert any(part.loaded.rejected for part in parts.values())
    _store(tmp_path / "parts").keep(parts, None)
    again = _store(tmp_path / "parts").recall()
    assert again == parts
    assert repr(again) == repr(parts)


def test_changes_are_added_and_removed_files_stay_away(tmp_path: Path, parts: dict[str, FilePart]) -> None:
    """A commit costs a record of what it changed; a later run knows it, goes on, and writes all anew when it is due."""
    path = tmp_path / "parts"
    store = _store(path)
    store.keep(parts, None)
    size = path.stat().st_size
    one, other = list(parts)[:2]
    now = {name: part for name, part in parts.items() if name != one} | {other: replace(parts[other], blob="new")}
    store.keep(now, (one, other))
    assert 0 < path.stat().st_size - size < size / 20
    later = _store(path)
    assert later.recall() == now
    later.keep(now, ())
    later.keep(parts, (one, other))
    assert _store(path).recall() == parts


def test_compacting_keeps_everything(tmp_path: Path, parts: dict[str, FilePart]) -> None:
    """However many commits: the file stays small and holds what was kept last."""
    path = tmp_path / "parts"
    store, now = _store(path), dict(parts)
    some = tuple(list(parts)[:100])
    for number in range(12):
        now = now | {name: replace(now[name], blob=str(number)) for name in some}
        store.keep(now, some)
    assert _store(path).recall() == now
    assert path.stat().st_size < 600_000


def test_other_settings_and_damage_are_nothing(tmp_path: Path, parts: dict[str, FilePart]) -> None:
    """Of another instance, other limits, or cut off in the middle of the only record: read from Git again."""
    path = tmp_path / "parts"
    _store(path).keep(parts, None)
    assert _store(path, "other").recall() == {}
    assert PartStore(path, replace(DEFAULT_LIMITS, max_depth=3), "default").recall() == {}
    path.write_bytes(path.read_bytes()[:-9])
    store = _store(path)
    assert store.recall() == {}
    store.keep(parts, ())
    store.keep(parts, None)
    assert _store(path).recall() == parts


def test_what_could_not_be_written_is_written_whole_later(tmp_path: Path, parts: dict[str, FilePart]) -> None:
    """After a full disk no addition builds on what is not there."""
    folder = tmp_path / "state"
    store, path = _store(folder / "parts"), folder / "parts"
    with pytest.raises(OSError, match="No such file"):
        store.keep(parts, None)
    folder.mkdir()
    store.keep(parts, (next(iter(parts)),))
    assert _store(path).recall() == parts


def test_what_cannot_be_written_is_left_out(tmp_path: Path, parts: dict[str, FilePart]) -> None:
    """A number or a text past what the format holds costs its file a place on disk, and no other."""
    one, other, third = list(parts)[:3]
    odd = parts | {one: replace(parts[one], blob="\ud800"), other: replace(parts[other], commits=(str(1), 2**70))}  # type: ignore[arg-type]  # an odd value
    odd["\ud800.yaml"] = parts[third]
    _store(tmp_path / "parts").keep(odd, None)
    expected = {path: part for path, part in parts.items() if path not in (one, other)}
    assert _store(tmp_path / "parts").recall() == expected


def test_equal_values_are_one_object(tmp_path: Path, parts: dict[str, FilePart]) -> None:
    """After a restart policies, hosts and commits take no more memory than before it."""
    _store(tmp_path / "parts").keep(parts, None)
    again = _store(tmp_path / "parts").recall()
    mappings = [one for part in again.values() for one in part.loaded.resources if hasattr(one, "policy")]
    assert len({id(one.policy) for one in mappings}) == len({one.policy for one in mappings}) < 10


def test_only_what_was_announced_is_written_and_read() -> None:
    """No other class is ever made, and nonsense is damage, not a crash."""
    values = Values((Provenance,))
    place = Provenance("a.yaml", 3)
    assert values.read(values.write([place, place, True, 1, None, ()])) == [place, place, True, 1, None, ()]
    with pytest.raises(Unwritable, match="announced"):
        values.write([Path()])
    held = values.write([place])
    for cut in range(len(held)):
        with pytest.raises(Damaged):
            values.read(held[:cut])
    with pytest.raises(Damaged):
        values.read(Values((FilePart,)).write([FilePart("b", (), _parts({"a.yaml": b"a: 1"})["a.yaml"].loaded)]))


def test_fingerprint_tells_settings_and_shapes_apart() -> None:
    """Everything a part depends on has a say, and the same gives the same."""
    prints = {
        fingerprint(DEFAULT_LIMITS, "a", "s"),
        fingerprint(DEFAULT_LIMITS, "b", "s"),
        fingerprint(DEFAULT_LIMITS, "a", "t"),
        fingerprint(replace(DEFAULT_LIMITS, max_nodes=1), "a", "s"),
    }
    assert len(prints) == 4
    assert Values((FilePart,)).shape == Values((FilePart,)).shape != Values((Provenance,)).shape


def test_restart_of_a_controller_reads_only_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one controller read, the next one finds; a file that changed in between is read, and a damaged cache is."""
    origin = Repository.create(tmp_path / "origin")
    origin.commit(dict(repository(5)))
    flags = {"repo": str(origin.path), "state": tmp_path / "state", "target": ("none",), "allow_local": True}
    settings = load_settings(flags, {}, None)
    read: list[str] = []

    def watched(file: SourceFile, *rest: object) -> object:
        read.append(file.path)
        return load_file(file, *rest)  # type: ignore[arg-type]  # passed on as they came

    def run() -> list[str]:
        read.clear()
        outcomes: list[Outcome] = []
        with controller(settings, outcomes.append) as loop:
            assert loop.once().decision is Decision.DRY_RUN
        return sorted(read)

    monkeypatch.setattr(by_file, "load_file", watched)
    assert len(run()) == 7
    assert run() == []
    origin.commit({bench_path(3): mapping(3, service="other")})
    assert run() == [bench_path(3)]
    assert run() == []
    kept = tmp_path / "state" / "parts"
    kept.write_bytes(b"garbage")
    assert len(run()) == 7
    assert run() == []
