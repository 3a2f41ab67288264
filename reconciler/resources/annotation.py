"""Documents inside documents: Lists, and the ``getambassador.io/config`` annotation of Services and Ingresses."""

import re
from collections.abc import Iterator
from dataclasses import replace

from reconciler.model.digest import Json
from reconciler.model.limits import Limits
from reconciler.model.problem import Code, Severity
from reconciler.model.source import ClusterObject
from reconciler.resources.envelope import DEFAULT_NAMESPACE
from reconciler.resources.finding import Finding, Path, line_of, type_words
from reconciler.resources.kinds import ANNOTATED_KINDS, Document, is_ours
from reconciler.resources.unit import Unit
from reconciler.resources.yaml.text import split
from reconciler.resources.yaml.values import parse

ANNOTATION = "getambassador.io/config"

_ANNOTATED_GROUPS = re.compile(r"v1|(networking\.k8s\.io|extensions)/\w+")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_LITERAL = re.compile(r"[^#]*\|[-+0-9]*\s*(#.*)?")


def is_parent(document: Document) -> bool:
    """Whether a document is of a kind that may carry others in its annotation."""
    group, kind = document.get("apiVersion"), document.get("kind")
    if not isinstance(kind, str) or not isinstance(group, str):
        return False
    return kind in ANNOTATED_KINDS and _ANNOTATED_GROUPS.fullmatch(group) is not None


def is_list(document: Document) -> bool:
    """Whether a document is a Kubernetes list: of anything, or of one kind (``MappingList``)."""
    kind = document.get("kind")
    return isinstance(kind, str) and kind.endswith("List") and isinstance(document.get("items"), list)


def unpack_list(unit: Unit, lines: dict[Path, int]) -> Iterator[Unit]:
    """The items of a list, each at its own place."""
    document = unit.value if isinstance(unit.value, dict) else {}
    items = document.get("items")
    for index, item in enumerate(items if isinstance(items, list) else []):
        root = (*unit.place.root, "items", index)
        line = line_of(root, lines)
        at = line + unit.place.offset if line else unit.place.line
        place = replace(unit.place, root=root, line=at, lines=lines)
        yield replace(unit, value=item, place=place)


def unpack_annotation(unit: Unit, lines: dict[Path, int], limits: Limits) -> Iterator[Unit]:
    """The documents in the annotation of a Service or Ingress; none when it has no such annotation.

    Namespace and labels come from the parent where a document does not set them, so that the result stands by
    itself. A broken document yields a unit with findings and leaves its neighbours alone.
    """
    parent = unit.value if isinstance(unit.value, dict) else {}
    path, value = annotation_of(parent)
    if value is None:
        return
    if path == (ANNOTATION,):
        message = f"the annotation {ANNOTATION} stands outside metadata.annotations, where Kubernetes would drop it"
        yield replace(unit, value=None, findings=(_invalid(message, path, severity=Severity.WARNING),))
    if not isinstance(value, str):
        found = _invalid("the annotation must be text", path, expected="a string", got=type_words(value))
        yield replace(unit, value=None, findings=(found,))
        return
    chunks = split(value)
    if len(chunks) > limits.max_documents:
        found = _invalid("too many documents in the annotation", path, expected=f"at most {limits.max_documents}")
        yield replace(unit, value=None, findings=(found,))
        return
    line = line_of((*unit.place.root, *path), lines)
    literal = line > 0 and _is_literal(unit.place.text, line)
    for chunk in chunks:
        tree = parse(chunk.text, limits)
        offset = unit.place.offset + line + chunk.offset
        if literal:
            place = replace(unit.place, line=offset + tree.line, text=chunk.text, offset=offset, root=(), lines=None)
        else:
            place = replace(unit.place, line=unit.place.offset + line, text="", root=(), lines=None)
        yield Unit(_with_defaults(tree.value, parent), place, tree.findings, tree.simple, annotated=True)


def annotated_unit(unit: Unit, parent: ClusterObject) -> Unit:
    """A document of an annotation that was read from the cluster, with what it inherits."""
    above: Document = {"namespace": parent.namespace, "labels": dict(parent.labels)}
    return replace(unit, value=_with_defaults(unit.value, {"metadata": above}), annotated=True)


def annotation_of(parent: Document) -> tuple[Path, Json]:
    """Where the annotation of a parent stands, rightly or not, and its value; None when there is none."""
    metadata = parent.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(annotations, dict) and ANNOTATION in annotations:
        return ("metadata", "annotations", ANNOTATION), annotations[ANNOTATION]
    return (ANNOTATION,), parent.get(ANNOTATION)


def _is_literal(text: str, line: int) -> bool:
    """Whether the key on ``line`` of ``text`` opens a literal block, whose lines are lines of the file."""
    written = _LINE_BREAK.split(text)
    return line <= len(written) and _LITERAL.fullmatch(written[line - 1]) is not None


def _with_defaults(value: Json, parent: Document) -> Json:
    """A flat document with what it inherits; anything else as it is."""
    if not isinstance(value, dict) or not is_ours(value):
        return value
    metadata = parent.get("metadata")
    above = metadata if isinstance(metadata, dict) else parent
    namespace, labels = above.get("namespace"), above.get("labels")
    inherited = namespace if isinstance(namespace, str) and namespace else DEFAULT_NAMESPACE
    if "metadata" not in value and "spec" not in value:
        flat: Document = {"namespace": inherited}
        if isinstance(labels, dict) and labels:
            flat["metadata_labels"] = labels
        return flat | {key: own for key, own in value.items() if own is not None or key not in flat}
    own_metadata = value.get("metadata")
    if not isinstance(own_metadata, dict):
        return value
    head: Document = {"namespace": inherited}
    if isinstance(labels, dict) and labels:
        head["labels"] = labels
    return value | {"metadata": head | own_metadata}


def _invalid(
    message: str, path: Path, *, severity: Severity = Severity.ERROR, expected: str = "", got: str = ""
) -> Finding:
    return Finding(Code.ANNOTATION_INVALID, message, path=path, severity=severity, expected=expected, got=got)
