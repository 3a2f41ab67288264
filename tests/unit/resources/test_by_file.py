"""Files that have not changed are neither read nor parsed again, and nothing can tell but the time it takes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.limits import DEFAULT_LIMITS, Limits
from reconciler.model.source import Commit, Person, Revision, SourceDelta, SourceFile, SourceSnapshot
from reconciler.resources import LoadedFiles, ParsedOnce, document_digests, load, load_files, loading
from reconciler.resources import by_file as by_file_module
from tests.support.documents import spec

_ANN = Person("Ann", "ann@example.com")
_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_TEXTS = (
    spec(hostname="a.example.com"),
    spec(hostname="b.example.com", timeout_ms=5),
    spec(hostname="*", rewrite=7),
    "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\n",
    "just: a note\n",
    "a: [\n",
    "x: 1.50\ny: &a [1, 2]\nz: *a\n",
    "\xff",
    spec(hostname="a.example.com") + "---\n" + spec(hostname="c.example.com", method="PUT"),
)


def _commit(number: int) -> Commit:
    sha = f"{number:040x}"
    return Commit(sha, sha, (), _ANN, _NOON, _ANN, _NOON, f"commit {number}")


def _snapshot(number: int, texts: Mapping[str, tuple[int, int]], delta: SourceDelta | None = None) -> SourceSnapshot:
    """Files by path, each with the number of its text and of its commit."""
    files = []
    for path, (text, commit) in sorted(texts.items()):
        content = _TEXTS[text].encode("latin-1")
        files.append(SourceFile(path, f"blob{text}", content, (_commit(commit),) * len(document_digests(content))))
    return SourceSnapshot(Revision("main", f"{number:040x}"), None, tuple(files), delta=delta)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that are read from here on."""
    paths: list[str] = []
    load_file = loading.load_file

    def watched(file: SourceFile, *rest: object) -> object:
        paths.append(file.path)
        return load_file(file, *rest)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(by_file_module, "load_file", watched)
    return paths


_TABLES = st.dictionaries(
    st.sampled_from(["a.yaml", "b.yaml", "c/a.yaml", "c/b.yaml", "z.yaml"]),
    st.tuples(st.integers(0, len(_TEXTS) - 1), st.integers(0, 2)),
)


@given(st.lists(_TABLES, min_size=1, max_size=5), st.data())
def test_file_by_file_gives_what_all_at_once_gives(
    tables: list[dict[str, tuple[int, int]]], data: st.DataObject
) -> None:
    """Whatever changes, and whether the source says what does: the whole is that of ``load``, and changes are told."""
    before: LoadedFiles | None = None
    last: dict[str, tuple[int, int]] = {}
    for number, table in enumerate(tables):
        differ = tuple(sorted(path for path in last.keys() | table.keys() if last.get(path) != table.get(path)))
        told = before is not None and data.draw(st.booleans())
        delta = SourceDelta(Revision("main", f"{number - 1:040x}"), (*differ, "zz-unreadable.yaml")) if told else None
        source = _snapshot(number, table, delta)
        parsed = ParsedOnce()
        for file in source.files:
            parsed.digests(file.content)
        after = load_files(source, before, parsed=parsed)
        assert after.whole() == load(source.files)
        assert after.changed == (None if before is None else differ)
        before, last = after, table


def test_only_what_changed_is_read(read: list[str]) -> None:
    """With and without word of the source, one changed file is one file read; the other parts are the same objects."""
    first = load_files(_snapshot(0, {"a.yaml": (0, 0), "b.yaml": (1, 0), "c.yaml": (1, 0)}), None)
    assert read == ["a.yaml", "b.yaml", "c.yaml"] == list(first.read)
    read.clear()
    second = load_files(_snapshot(1, {"a.yaml": (0, 0), "b.yaml": (1, 1), "d.yaml": (1, 0)}), first)
    assert read == ["b.yaml", "d.yaml"] == list(second.read)
    assert second.changed == ("b.yaml", "c.yaml", "d.yaml")
    read.clear()
    delta = SourceDelta(Revision("main", f"{1:040x}"), ("b.yaml",))
    third = load_files(_snapshot(2, {"a.yaml": (0, 0), "b.yaml": (2, 2), "d.yaml": (1, 0)}, delta), second)
    assert read == ["b.yaml"]
    assert third.parts["a.yaml"] is first.parts["a.yaml"]


def test_word_about_another_revision_is_not_relied_on(read: list[str]) -> None:
    """What differs from a revision that nobody read here says nothing: everything is compared."""
    first = load_files(_snapshot(0, {"a.yaml": (0, 0), "b.yaml": (1, 0)}), None)
    read.clear()
    delta = SourceDelta(Revision("main", f"{7:040x}"), ())
    second = load_files(_snapshot(8, {"a.yaml": (1, 0), "b.yaml": (1, 0)}, delta), first)
    assert (second.changed, read) == (("a.yaml",), ["a.yaml"])


def test_other_settings_read_everything_anew(read: list[str]) -> None:
    """A part is worth nothing under other limits or for another instance."""
    source = _snapshot(0, {"a.yaml": (0, 0)})
    first = load_files(source, None)
    for other in (
        load_files(source, first, limits=Limits(max_depth=2)),
        load_files(source, first, ambassador_id="other"),
    ):
        assert other.changed is None
    assert read == ["a.yaml"] * 3
    assert load_files(source, first, ambassador_id="other").whole().resources == ()


def test_parts_of_an_earlier_run_are_taken_where_they_fit(read: list[str]) -> None:
    """Same content and commits: not read. Another commit or content: read. It is no ``before``: nothing has changed."""
    earlier = load_files(_snapshot(0, {"a.yaml": (0, 0), "b.yaml": (1, 0), "c.yaml": (2, 0)}), None)
    read.clear()
    source = _snapshot(1, {"a.yaml": (0, 0), "b.yaml": (1, 1), "c.yaml": (3, 0)})
    loaded = load_files(source, None, kept=earlier.parts)
    assert read == ["b.yaml", "c.yaml"]
    assert loaded.changed is None
    assert loaded.whole() == load(source.files)


def test_content_without_a_name_is_always_read() -> None:
    """Where nothing tells that content is the same, it is not taken to be."""
    one, two = (SourceFile("a.yaml", "", _TEXTS[number].encode()) for number in (0, 1))
    first = load_files(SourceSnapshot(None, None, (one,)), None)
    assert load_files(SourceSnapshot(None, None, (two,)), first).whole() == load([two])


def test_what_was_digested_is_not_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Digest and load parse a document once between them; nothing is held afterwards, nor for other limits."""
    source = _snapshot(0, {"a.yaml": (8, 0)})
    content = source.files[0].content
    parsed = ParsedOnce()
    assert parsed.digests(content) == document_digests(content)
    assert len(parsed.trees(content, DEFAULT_LIMITS)) == 2
    assert parsed.trees(content, replace(DEFAULT_LIMITS, max_nodes=1)) == ()

    def never(*_: object) -> None:
        pytest.fail("parsed again")

    monkeypatch.setattr("reconciler.resources.loading.parse", never)
    assert len(load_files(source, None, parsed=parsed).whole().resources) == 2
    assert parsed.trees(content, DEFAULT_LIMITS) == ()


def test_values_kept_are_bounded() -> None:
    """Past the bound documents are parsed twice, which costs time and no memory."""
    one, two = (_TEXTS[number].encode() for number in (0, 1))
    parsed = ParsedOnce(max_kept_bytes=len(one))
    parsed.digests(one)
    assert parsed.digests(two) == document_digests(two)
    assert [bool(parsed.trees(content, DEFAULT_LIMITS)) for content in (one, two)] == [True, False]
