"""Which case shows each field of the language: docs/reference/conformance.md, and what it still lacks.

A field is a property of a schema, nested ones too; it is named by its path in ``spec``, where lists and free names
stand for nothing: ``Mapping.health_checks.health_check.http.path``. A golden case shows what its documents use. A live
case shows what it says it covers (`covers`), and what its documents use below that.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from reconciler.resources.schemas import _CONFIG_FILES, _FILES
from tests.acceptance.case import case_files
from tests.acceptance.pairwise import generated_cases
from tests.support.golden import BEFORE, GOLDEN, REPOSITORY, SOURCES, Case, cases

SCHEMAS = REPOSITORY / "reconciler" / "resources" / "schema"
_ANNOTATION = "getambassador.io/config"
_OLD, _NEW = "v0 to v2", "v3alpha1"
_SHOWN = 2  # cases of each sort in a row

Schema: TypeAlias = dict[str, Any]
Document: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Spelling:
    """A kind in the versions that share a schema; of a Module, its name instead."""

    kind: str
    versions: str

    def __str__(self) -> str:
        return f"{self.kind}, {self.versions}" if self.versions else self.kind


@dataclass(slots=True)
class Row:
    """A field, and the names of the cases that show it.

    Attributes:
        golden: in tests/golden.
        live: name and file of written acceptance cases.
        pairs: how many of the generated ones use it.
    """

    name: str
    status: str
    golden: list[str] = field(default_factory=list)
    live: list[tuple[str, str]] = field(default_factory=list)
    pairs: int = 0

    @property
    def served(self) -> bool:
        """Whether it does something that an Envoy can be asked for."""
        return self.status == "served"

    @property
    def lacks(self) -> str:
        """What sort of case is still to be written."""
        missing = [] if self.golden else ["golden"]
        if self.served and not self.live:
            missing.append("live")
        return " and ".join(missing)


# Fields that are read without any effect on Envoy, or that only say who reads the document.
_WITHOUT_EFFECT = "no effect"


@cache
def schemas() -> dict[Spelling, Schema]:
    """The schema of every kind; that of a Module's ``config`` is put where the documents have it."""
    found: dict[Spelling, Schema] = {}
    for (kind, version), name in _schema_files().items():
        schema = json.loads((SCHEMAS / name).read_text())
        versions = {file for (of, _), file in _schema_files().items() if of == kind}
        found[Spelling(kind, "" if len(versions) == 1 else _NEW if version == "v3alpha1" else _OLD)] = schema
    for name, file in _CONFIG_FILES.items():
        found[Spelling("Module", name)] = {"properties": {"config": json.loads((SCHEMAS / file).read_text())}}
    return found


def _schema_files() -> dict[tuple[str, str], str]:
    return {(kind.value, version): name for (kind, version), name in _FILES.items()}


def _members(schema: Schema) -> Iterator[Schema]:
    """The schemas for what lies in a value at the same path: alternatives, items, values under free names."""
    for word in ("anyOf", "oneOf", "allOf"):
        yield from schema.get(word, ())
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            yield schema[word]


def declared(schema: Schema, root: Schema, at: str = "") -> Iterator[tuple[str, Schema]]:
    """Every field of a schema with its path, outer ones first."""
    schema = _resolved(schema, root)
    for name, about in schema.get("properties", {}).items():
        path = f"{at}.{name}" if at else name
        yield path, _resolved(about, root)
        yield from declared(about, root, path)
    for member in _members(schema):
        yield from declared(member, root, at)


def _resolved(schema: Schema, root: Schema) -> Schema:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    target: Any = root
    for step in reference.removeprefix("#/").split("/"):
        target = target[step]
    resolved: Schema = target | {key: value for key, value in schema.items() if key != "$ref"}
    return resolved


def used(schema: Schema, root: Schema, value: Any, at: str = "") -> Iterator[str]:
    """The paths of a schema that a value has."""
    schema = _resolved(schema, root)
    if isinstance(value, list):
        for item in value:
            yield from used(schema, root, item, at)
    properties = schema.get("properties", {})
    if isinstance(value, dict):
        for name in value.keys() & properties.keys():
            path = f"{at}.{name}" if at else name
            yield path
            yield from used(properties[name], root, value[name], path)
    for member in _members(schema):
        free = member is schema.get("additionalProperties") and isinstance(value, dict)
        for each in value.values() if free else (value,):
            yield from used(member, root, each, at)


def documents(text: str) -> Iterator[Document]:
    """The documents of a text, those in lists and annotations too; none of what is no YAML."""
    try:
        found = [document for document in yaml.safe_load_all(text) if isinstance(document, dict)]
    except (yaml.YAMLError, ValueError, RecursionError):
        return
    for document in found:
        yield from _unpacked(document)


def _unpacked(document: Document) -> Iterator[Document]:
    yield document
    for item in document.get("items") or ():
        if isinstance(item, dict):
            yield from _unpacked(item)
    metadata = document.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    text = annotations.get(_ANNOTATION) if isinstance(annotations, dict) else None
    if isinstance(text, str):
        yield from documents(text)


def fields_of(document: Document) -> set[tuple[Spelling, str]]:
    """Which fields a document uses, of which spelling."""
    kind, version = str(document.get("kind")), str(document.get("apiVersion")).rpartition("/")[2]
    metadata = document.get("metadata")
    name = str((metadata if isinstance(metadata, dict) else document).get("name"))
    spec = document.get("spec")
    value = spec if isinstance(spec, dict) else document
    possible = (Spelling(kind, ""), Spelling(kind, name), Spelling(kind, _NEW if version == "v3alpha1" else _OLD))
    known = [(spelling, schemas()[spelling]) for spelling in possible if spelling in schemas()]
    return {(spelling, path) for spelling, schema in known for path in used(schema, schema, value)}


@cache
def _golden() -> dict[tuple[Spelling, str], list[str]]:
    found: dict[tuple[Spelling, str], list[str]] = defaultdict(list)
    for name in cases():
        settings = Case.of(GOLDEN / name)
        folders = [REPOSITORY / settings.sources] if settings.sources else [GOLDEN / name / SOURCES]
        folders.append(GOLDEN / name / BEFORE)
        for key in _of_files(path for folder in folders for path in folder.rglob("*.y*ml") if path.is_file()):
            found[key].append(name)
    return found


def _of_files(paths: Iterable[Path]) -> set[tuple[Spelling, str]]:
    texts = [path.read_bytes().decode(errors="replace") for path in sorted(paths)]
    return {key for text in texts for document in documents(text) for key in fields_of(document)}


@dataclass(frozen=True, slots=True)
class Claim:
    """What a live case says it covers, held against what its documents use.

    Attributes:
        shown: fields that are both.
        empty: entries of ``covers`` that no document uses, or that are no field at all.
    """

    case: str
    file: str
    shown: frozenset[tuple[Spelling, str]]
    empty: tuple[str, ...]


@cache
def claims() -> tuple[Claim, ...]:
    """Of all written acceptance cases."""
    return tuple(_claim(case.name, file.path.name, case) for file in case_files() for case in file.cases)


def _claim(name: str, file: str, case: Any) -> Claim:
    texts = [*documents(case.documents), *documents(case.before)]
    there = {key for document in texts for key in fields_of(document)}
    shown = {key for key in there if any(_covers(entry, *key) for entry in case.covers)}
    empty = tuple(entry for entry in case.covers if not any(_covers(entry, *key) for key in there))
    return Claim(name, file, frozenset(shown), empty)


def _covers(entry: str, spelling: Spelling, path: str) -> bool:
    """Whether an entry names the field, one around it, or one in it."""
    name = f"{spelling.kind}.{path}"
    return name == entry or name.startswith(f"{entry}.") or entry.startswith(f"{name}.")


@cache
def rows() -> dict[Spelling, list[Row]]:
    """All fields of all kinds."""
    live: dict[tuple[Spelling, str], list[tuple[str, str]]] = defaultdict(list)
    for claim in claims():
        for key in claim.shown:
            live[key].append((claim.case, claim.file))
    pairs: dict[tuple[Spelling, str], int] = defaultdict(int)
    for case in generated_cases():
        for key in {key for document in documents(case.documents) for key in fields_of(document)}:
            pairs[key] += 1
    found: dict[Spelling, list[Row]] = {}
    for spelling, schema in sorted(schemas().items()):
        about = dict(reversed(list(declared(schema, schema))))  # the first of alternatives tells most
        found[spelling] = [
            Row(path, _status(about[path]), _golden().get(key, []), live.get(key, []), pairs.get(key, 0))
            for path in sorted(about)
            for key in [(spelling, path)]
        ]
    return found


def _status(about: Schema) -> str:
    return {"unsupported": "not yet", "dead": "dead", "effectless": _WITHOUT_EFFECT}.get(
        about.get("x-status", ""), "served"
    )


_HEAD = """\
# Conformance

Every field of the language, with the cases that show it. A golden case under [`tests/golden`](../../tests/golden) shows
what each stage makes of it. A live case under [`tests/acceptance`](../../tests/acceptance/README.md) shows what a real
Envoy does with requests; *pairs* counts the generated Mappings that combine it with others. `make test` holds both, and
fails when a served field has no case of either sort.

A field that is *dead* has no effect in any version of the language's other implementation: it is an error, and shown by
a golden case alone.
"""


def page() -> str:
    """The page."""
    lines = [_HEAD]
    for spelling, fields in rows().items():
        lines += [f"## {spelling}", "", "| field | status | golden | live | pairs |", "|---|---|---|---|---|"]
        lines += [_line(row) for row in fields]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _line(row: Row) -> str:
    golden = _listed([f"[{name}](../../tests/golden/{name})" for name in row.golden])
    live = _listed([f"[{name}](../../tests/acceptance/cases/{file})" for name, file in row.live])
    return f"| `{row.name}` | {row.status} | {golden} | {live} | {row.pairs or ''} |"


def _listed(links: list[str]) -> str:
    more = len(links) - _SHOWN
    return ", ".join(links[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def lacking() -> list[str]:
    """Served fields without a case, each with the sort it lacks."""
    return [f"{spelling}: {row.name}: {row.lacks}" for spelling, of in rows().items() for row in of if row.lacks]
