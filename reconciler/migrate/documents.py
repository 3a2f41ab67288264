"""The text of a file, or of an annotation → the same in the current spelling, checked to mean what it should."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.migrate.annotated import annotation_edit
from reconciler.migrate.changes import Change, Set, applied
from reconciler.migrate.edits import Edit, Unwritable, edited, edits_of
from reconciler.migrate.form import is_flat, nest, nested
from reconciler.migrate.named import NAMED_KINDS, NOTHING_NAMED, Named
from reconciler.migrate.rules import rewritings
from reconciler.migrate.subject import Subject
from reconciler.migrate.tree import Node, at, compose
from reconciler.model.digest import Json
from reconciler.model.limits import Limits
from reconciler.model.resource import Kind
from reconciler.resources.annotation import annotation_of, is_list, is_parent
from reconciler.resources.finding import Path, dotted
from reconciler.resources.kinds import API_VERSIONS, CURRENT, EFFECTLESS_KINDS, OWN_KINDS, Document, is_ours
from reconciler.resources.yaml.text import Chunk, split
from reconciler.resources.yaml.values import parse

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
# Those that Mappings name ended with v0: there is no current spelling of them.
_KINDS = frozenset({*Kind, *EFFECTLESS_KINDS} - NAMED_KINDS - OWN_KINDS)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What became of a text.

    Attributes:
        notes: what was changed, one sentence for each change of a document.
        stuck: why a document could not be rewritten; the text is then of no use.
        addressees: the ambassador_ids its documents are for.
    """

    text: str
    notes: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()
    addressees: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Log:
    named: Named
    notes: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    addressees: set[str] = field(default_factory=set)


def rewrite(text: str, limits: Limits, named: Named = NOTHING_NAMED) -> Rewritten:
    """Bring all documents of a file into the current spelling.

    Args:
        text: of the file. What is no document of the language, or no YAML, stays as it is.
        limits: bounds on what is parsed.
        named: what its Mappings may name.
    """
    log = _Log(named)
    result = _rewrite(text, limits, log, annotated=False)
    return Rewritten(result, tuple(log.notes), tuple(log.stuck), frozenset(log.addressees))


def _rewrite(text: str, limits: Limits, log: _Log, *, annotated: bool) -> str:
    breaks = [0, *(found.end() for found in _LINE_BREAK.finditer(text))]
    edits: list[Edit] = []
    for chunk in split(text):
        new = _rewrite_chunk(chunk, limits, log, annotated=annotated)
        if new != chunk.text:
            start = breaks[chunk.offset]
            edits.append(Edit(start, start + len(chunk.text), new))
    return edited(text, edits)


@dataclass(frozen=True, slots=True)
class _State:
    """A chunk on its way: the text, and the value that it has to have."""

    text: str
    value: Json
    root: Node


def _rewrite_chunk(chunk: Chunk, limits: Limits, log: _Log, *, annotated: bool) -> str:
    tree = parse(chunk.text, limits)
    root = compose(chunk.text)
    if tree.findings or root is None or not isinstance(tree.value, dict):
        return chunk.text
    state = _State(chunk.text, tree.value, root)
    subject = ""
    try:
        ours = [path for path, document in _documents(tree.value, ()) if _is_spelt(document)]
        for path in ours:
            subject = _name(_lookup(tree.value, path))
            _address(_lookup(tree.value, path), log)
        state = _respelled(state, ours, limits, log)
        if not annotated:
            state = _nested(state, ours, limits, log)
        return _annotations(state, limits, log)
    except Unwritable as why:
        log.stuck.append(f"{subject or 'a document'}: {why}; change it by hand")
        return chunk.text


def _documents(value: Json, path: Path) -> Iterator[tuple[Path, Document]]:
    """The documents of a value with their places: itself, or the items of a list."""
    if not isinstance(value, dict):
        return
    if is_list(value):
        items = value["items"]
        for index, item in enumerate(items if isinstance(items, list) else []):
            yield from _documents(item, (*path, "items", index))
    elif (_is_spelt(value) and value.get("kind") in _KINDS) or is_parent(value):
        yield path, value


def _is_spelt(document: Document) -> bool:
    """Whether a document is of the language, whose spelling has changed; our own group has one."""
    return is_ours(document) and document["apiVersion"] in API_VERSIONS


def _respelled(state: _State, ours: list[Path], limits: Limits, log: _Log) -> _State:
    changes: list[Change] = []
    for path in ours:
        document = _lookup(state.value, path)
        if document["apiVersion"] != CURRENT:
            changes.append(Set((*path, "apiVersion"), CURRENT))
            log.notes.append(f"{_name(document)}: apiVersion is {CURRENT}")
        for rewriting in rewritings(_subject(document, path, log.named)):
            changes += rewriting.changes
            log.notes.append(f"{_name(document)}: {rewriting.note}")
    if not changes:
        return state
    value = state.value
    assert isinstance(value, dict)  # noqa: S101 - for the type checker: only mappings come here
    text = edited(state.text, edits_of(state.text, state.root, changes))
    return _checked(text, applied(value, changes), limits)


def _nested(state: _State, ours: list[Path], limits: Limits, log: _Log) -> _State:
    flat = [path for path in ours if is_flat(_lookup(state.value, path))]
    if not flat:
        return state
    edits: list[Edit] = []
    changes: list[Change] = []
    for path in flat:
        document, node = _lookup(state.value, path), at(state.root, path)
        if node is None:
            raise Unwritable(f"{dotted(path)} comes through an alias")
        edits.append(nest(state.text, node))
        changes.append(Set(path, nested(document)))
        log.notes.append(f"{_name(document)}: in the Kubernetes form")
    value = nested(_lookup(state.value, ())) if flat == [()] else applied(_lookup(state.value, ()), changes)
    return _checked(edited(state.text, edits), value, limits)


def _annotations(state: _State, limits: Limits, log: _Log) -> str:
    edits: list[Edit] = []
    changes: list[Change] = []
    for path, document in _documents(state.value, ()):
        where, value = annotation_of(document) if is_parent(document) else ((), None)
        if not isinstance(value, str):
            continue
        new = _rewrite(value, limits, log, annotated=True)
        if new != value:
            edits.append(annotation_edit(state.text, state.root, (*path, *where), value, new))
            changes.append(Set((*path, *where), new))
    if not edits:
        return state.text
    return _checked(edited(state.text, edits), applied(_lookup(state.value, ()), changes), limits).text


def _checked(text: str, value: Json, limits: Limits) -> _State:
    """The state after some edits: the text has to read as the value.

    Raises:
        Unwritable: it does not.
    """
    tree, root = parse(text, limits), compose(text)
    if tree.findings or root is None or _told(tree.value) != _told(value):
        raise Unwritable("it is written in a way that cannot be changed in place")
    return _State(text, value, root)


def _told(value: Json) -> str:
    """The value as text that tells 1, 1.0 and true apart."""
    return json.dumps(value, sort_keys=True)


def _lookup(value: Json, path: Path) -> Document:
    for part in path:
        value = value[part]  # type: ignore[index] # the path was found in this value
    assert isinstance(value, dict)  # noqa: S101 - for the type checker: paths of documents lead to mappings
    return value


def _subject(document: Document, path: Path, named: Named) -> Subject:
    version = API_VERSIONS[str(document["apiVersion"])]
    kind = str(document.get("kind"))
    if is_flat(document):
        spec = nested(document).get("spec")
        return Subject(kind, version, spec if isinstance(spec, dict) else {}, path, named)
    spec = document.get("spec")
    return Subject(kind, version, spec if isinstance(spec, dict) else {}, (*path, "spec"), named)


def _name(document: Document) -> str:
    metadata = document.get("metadata")
    head = metadata if isinstance(metadata, dict) else document
    return f"{document.get('kind')} {head.get('name', '')}".strip()


def _address(document: Document, log: _Log) -> None:
    spec = document.get("spec")
    fields = spec if isinstance(spec, dict) else document
    given = fields.get("ambassador_id", fields.get("ambassadorId"))
    ids = given if isinstance(given, list) else [given]
    log.addressees.update(one for one in ids if isinstance(one, str) and one != "_automatic_")
