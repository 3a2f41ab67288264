"""What every kind has around its fields: flat or Kubernetes form → name, namespace, labels and ``spec``."""

import re
from dataclasses import dataclass

from reconciler.model.digest import Json
from reconciler.model.problem import Code
from reconciler.model.resource import Kind, ResourceId
from reconciler.resources.finding import Finding, Path, nearest, shown, type_words
from reconciler.resources.kinds import Document, Ours

DEFAULT_NAMESPACE = "default"

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f/]")
_LONGEST_NAME = 253
_FLAT_FIELDS = frozenset({"apiVersion", "kind", "name", "namespace", "generation", "metadata_labels"})
_KUBERNETES_FIELDS = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})
# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/
METADATA_FIELDS = frozenset({
    "annotations", "clusterName", "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "finalizers",
    "generateName", "generation", "labels", "managedFields", "name", "namespace", "ownerReferences",
    "resourceVersion", "selfLink", "uid",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Envelope:
    """A document of ours, its form no longer visible.

    Attributes:
        version: of the spelling: ``v0``, ``v1``, ``v2`` or ``v3alpha1``.
        name: empty when missing or unusable.
        labels: sorted.
        spec: the fields of the kind.
        root: path of ``spec`` in the document; empty for the flat form.
    """

    kind: Kind
    version: str
    name: str
    namespace: str
    labels: tuple[tuple[str, str], ...]
    spec: Document
    root: Path

    @property
    def id(self) -> ResourceId | None:
        """Whose document it is; None without a usable name."""
        return ResourceId(self.kind, self.namespace, self.name) if self.name else None


def open_envelope(document: Document, ours: Ours, found: list[Finding]) -> Envelope:
    """Take a document out of its form; what is wrong with the form goes to ``found``."""
    if "metadata" in document or "spec" in document:
        return _kubernetes(document, ours, found)
    spec = {key: value for key, value in document.items() if key not in _FLAT_FIELDS}
    labels = _labels(document.get("metadata_labels"), ("metadata_labels",), found)
    return Envelope(
        ours.kind, ours.version, _name(document, (), found), _namespace(document, (), found), labels, spec, ()
    )


def identify(document: Document, kind: Kind | None) -> ResourceId | None:
    """Whose document it is, as far as it can be told from one that is not read."""
    if kind is None:
        return None
    metadata = document.get("metadata")
    head = metadata if isinstance(metadata, dict) else document
    ignored: list[Finding] = []
    name, namespace = _name(head, (), ignored), _namespace(head, (), ignored)
    return ResourceId(kind, namespace, name) if name and not ignored else None


def _kubernetes(document: Document, ours: Ours, found: list[Finding]) -> Envelope:
    for key in () if document.keys() <= _KUBERNETES_FIELDS else sorted(document.keys() - _KUBERNETES_FIELDS):
        word = nearest(key, _KUBERNETES_FIELDS)
        hint = f"did you mean {word}?" if word else "fields of the kind belong under spec"
        found.append(Finding(Code.UNKNOWN_FIELD, "not a field of the Kubernetes form", path=(key,), hint=hint))
    metadata = _mapping(document, "metadata", found)
    for key in () if metadata.keys() <= METADATA_FIELDS else sorted(metadata.keys() - METADATA_FIELDS):
        word = nearest(key, METADATA_FIELDS)
        hint = f"did you mean {word}?" if word else ""
        found.append(Finding(Code.UNKNOWN_FIELD, "no such field", path=("metadata", key), hint=hint))
    labels = _labels(metadata.get("labels"), ("metadata", "labels"), found)
    spec = _mapping(document, "spec", found)
    name, namespace = _name(metadata, ("metadata",), found), _namespace(metadata, ("metadata",), found)
    return Envelope(ours.kind, ours.version, name, namespace, labels, spec, ("spec",))


def _mapping(document: Document, key: str, found: list[Finding]) -> Document:
    value = document.get(key)
    if isinstance(value, dict):
        return value
    if value is not None:
        found.append(_wrong_type((key,), "a mapping", value))
    return {}


def _name(head: Document, at: Path, found: list[Finding]) -> str:
    value = head.get("name")
    if value is None:
        found.append(Finding(Code.MISSING_FIELD, "the name is missing", path=(*at, "name"), expected="a string"))
        return ""
    return _word(value, (*at, "name"), found)


def _namespace(head: Document, at: Path, found: list[Finding]) -> str:
    value = head.get("namespace")
    return DEFAULT_NAMESPACE if value is None else _word(value, (*at, "namespace"), found)


def _word(value: Json, path: Path, found: list[Finding]) -> str:
    """A name: any printable text without a slash; old documents use more than Kubernetes allows."""
    if not isinstance(value, str):
        found.append(_wrong_type(path, "a string", value))
        return ""
    if not value or len(value) > _LONGEST_NAME or _UNPRINTABLE.search(value):
        expected = f"1 to {_LONGEST_NAME} characters, none of them a slash or a control character"
        found.append(Finding(Code.INVALID_VALUE, "not a name", path=path, expected=expected, got=shown(value)))
        return ""
    return value


def _labels(value: Json, path: Path, found: list[Finding]) -> tuple[tuple[str, str], ...]:
    if value is None:
        return ()
    if not isinstance(value, dict):
        found.append(_wrong_type(path, "a mapping of strings", value))
        return ()
    for key, label in value.items():
        if not isinstance(label, str):
            found.append(_wrong_type((*path, key), "a string", label))
    return tuple(sorted((key, label) for key, label in value.items() if isinstance(label, str)))


def _wrong_type(path: Path, expected: str, value: Json) -> Finding:
    scalar = value is not None and not isinstance(value, dict | list)
    hint = "put it in quotes" if scalar and expected == "a string" else ""
    return Finding(Code.WRONG_TYPE, "wrong type", path=path, expected=expected, got=type_words(value), hint=hint)
