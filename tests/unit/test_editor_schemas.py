"""The published schemas are current, and an editor that uses them says what we say."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from reconciler.model.limits import DEFAULT_LIMITS
from reconciler.model.problem import Code, Severity
from reconciler.resources.annotation import is_parent
from reconciler.resources.envelope import open_envelope
from reconciler.resources.kinds import Document, Ours, classify
from reconciler.resources.schemas import schema_of
from reconciler.resources.yaml.text import decode, split
from reconciler.resources.yaml.values import parse
from tests.support import editor_schemas
from tests.support.documents import load_text
from tests.support.golden import GOLDEN, REPOSITORY, SOURCES, Case, cases

COMBINED = Draft7Validator(editor_schemas.files()[editor_schemas.COMBINED])
# What the shape of a document alone can tell.
_OF_SHAPE = {
    Code.UNKNOWN_API_VERSION,
    Code.UNKNOWN_FIELD,
    Code.UNKNOWN_KIND,
    Code.UNSUPPORTED_KIND,
    Code.WRONG_TYPE,
}


def _documents(name: str) -> Iterator[tuple[str, Document | None]]:
    """The texts and values of all documents of a case that are YAML."""
    sources = Case.of(GOLDEN / name).sources
    for path in sorted(_files(REPOSITORY / sources if sources else GOLDEN / name / SOURCES)):
        try:
            text = decode(path.read_bytes())
        except UnicodeDecodeError:
            continue
        for chunk in split(text):
            tree = parse(chunk.text, DEFAULT_LIMITS)
            if not tree.findings and isinstance(tree.value, dict | None):
                yield chunk.text, tree.value


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix in {".yaml", ".yml", ".json"}]


@pytest.mark.parametrize("name", sorted(editor_schemas.files()))
def test_published_schemas_are_current(name: str) -> None:
    """A changed field without `make docs` fails here."""
    schema = editor_schemas.files()[name]
    Draft7Validator.check_schema(schema)
    assert (editor_schemas.FOLDER / name).read_text() == editor_schemas.text_of(schema)


def test_nothing_else_is_published() -> None:
    """A kind that is gone takes its schema along."""
    assert {path.name for path in editor_schemas.FOLDER.iterdir()} == set(editor_schemas.files())


@pytest.mark.parametrize("name", cases())
def test_what_loads_is_valid(name: str) -> None:
    """A document without errors pleases the schema; one that is misshapen does not."""
    for text, value in _documents(name):
        found = {p.code for p in load_text(text).problems if p.severity is Severity.ERROR}
        complaints = [f"{list(error.absolute_path)}: {error.message}" for error in COMBINED.iter_errors(value)]
        if not found:
            assert not complaints, text
        elif value is not None and not is_parent(value) and (found & _OF_SHAPE or not _fields_are_accepted(value)):
            assert complaints, text


def _fields_are_accepted(value: Document) -> bool:
    """Whether the schema that the loader asks has nothing against the fields of a document."""
    ours = classify(value)
    return not isinstance(ours, Ours) or schema_of(ours.kind, ours.version).accepts(open_envelope(value, ours, []).spec)


def test_the_misshapen_are_among_the_cases() -> None:
    """The test above has something to see."""
    seen: set[Code] = set()
    for name in cases():
        if name.startswith("problem-"):
            seen |= {problem.code for text, _ in _documents(name) for problem in load_text(text).problems}
    assert seen >= _OF_SHAPE


MAPPING = {"apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping"}


@pytest.mark.parametrize(
    ("document", "valid"),
    [
        (MAPPING | {"metadata": {"name": "a"}, "spec": {"prefix": "/", "service": "a"}}, True),
        (MAPPING | {"name": "a", "prefix": "/", "service": "a"}, True),
        (MAPPING | {"name": "a", "prefix": "/", "service": "a", "nonsense": 1}, False),
        (MAPPING | {"metadata": {"name": "a", "nonsense": 1}, "spec": {"prefix": "/", "service": "a"}}, False),
        (MAPPING | {"metadata": {"name": "a"}}, False),
        (MAPPING | {"metadata": {"name": "a"}, "spec": {"prefix": "/", "service": 1}}, False),
        ({"kind": "Mapping", "metadata": {"name": "a"}}, False),
        (MAPPING | {"apiVersion": "getambassador.io/v4"}, False),
        ({"apiVersion": "getambassador.io/v2", "kind": "Maping"}, False),
        ({"apiVersion": "getambassador.io/v2", "kind": "FilterPolicy", "metadata": {"name": "a"}}, False),
        ({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Mapping-like"}, True),
        ({"apiVersion": "v1", "kind": "List", "items": [{"kind": "Mapping", "apiVersion": 1}]}, False),
        ({"apiVersion": "v1", "kind": "List", "items": [{"kind": "Service", "apiVersion": "v1"}]}, True),
        (None, True),
        (
            MAPPING | {"kind": "Module", "metadata": {"name": "ambassador"}, "spec": {"config": {"merge_slashes": 1}}},
            False,
        ),
        (MAPPING | {"kind": "Module", "metadata": {"name": "other"}, "spec": {"config": {"merge_slashes": 1}}}, True),
    ],
)
def test_the_combined_schema_tells_documents_apart(document: Any, valid: bool) -> None:
    """By apiVersion and kind; other languages are left alone."""
    assert COMBINED.is_valid(document) is valid


def test_our_keywords_become_words() -> None:
    """No editor knows them."""
    schema = {
        "type": "string",
        "description": "A thing.",
        "x-status": "dead",
        "x-hint": "remove it",
        "x-envoy": "route.thing",
        "x-example": "a",
        "x-since": "v1",
    }
    assert editor_schemas.published(schema) == {
        "type": "string",
        "description": "A thing. Without effect in any current version of the language: an error. Remove it. "
        "In Envoy: route.thing.",
        "examples": ["a"],
    }
