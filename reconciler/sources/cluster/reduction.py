"""PURE: what is kept of an object of a cluster: the input files it stands for, and nothing else of it.

What kubectl keeps in annotations of its own is never looked at: it may hold what nobody wants served.
"""

import json
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.model.digest import digest_bytes
from reconciler.model.limits import Limits
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.provenance import ObjectTouch, Provenance, object_path
from reconciler.model.source import ClusterObject, SourceFile
from reconciler.sources.cluster.facts import UNKNOWN_TIME, Body, Facts, items, mapping, text
from reconciler.sources.cluster.reading import ClusterReading
from reconciler.sources.cluster.view import RefusedObject

ANNOTATION = "getambassador.io/config"
ADDRESS = "getambassador.io/ambassador-id"
LEGACY_CLASS = "kubernetes.io/ingress.class"
INGRESS_VERSION = "networking.k8s.io/v1"
# Follows the path of an Ingress for its rules, which stand beside its annotation.
RULES = "/spec"

# Of a Service: name and number.
Ports: TypeAlias = tuple[tuple[str, int], ...]

_ANNOTATION_PATH = ("metadata", "annotations", ANNOTATION)
_SPEC_PATH = ("spec",)
# Characters that JSON may hold as they are, and YAML would fold, refuse or drop.
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Input:
    """One input file, or why there is none. Two of the same content are equal, whichever version they are of.

    Attributes:
        blob: names the content and all that counts of the object, but not which version of it that was.
    """

    path: str
    blob: str
    file: SourceFile | None = field(compare=False)
    refused: RefusedObject | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class IngressRules:
    """The rules of an Ingress of ours, where names of ports stand for what its Services say.

    Attributes:
        head: its metadata, as far as it counts.
        spec: as far as it counts.
    """

    uid: str
    head: Body
    spec: Body
    touch: ObjectTouch = field(compare=False)

    @property
    def services(self) -> frozenset[str]:
        """Names of the Services of which a port is named, all in its namespace."""
        return frozenset(text(service.get("name")) for service in _services(self.spec) if _port_name(service))


@dataclass(frozen=True, slots=True)
class Reduced:
    """What is kept of one object.

    Attributes:
        inputs: the files it stands for.
        rules: of an Ingress of ours; a file once the ports are known (`rules_input`).
        ports: of a Service, by name.
    """

    inputs: tuple[Input, ...] = ()
    rules: IngressRules | None = None
    ports: Ports = ()


NOTHING = Reduced()


def reduced(body: Body, kind: str, reduce: Callable[[Body], Reduced | None]) -> Reduced | None:
    """What is kept of an object; of one that brings a bug of ours to light, that it was not read.

    To keep nothing of it would say that it is gone, and take from people what is served.
    """
    try:
        return reduce(body)
    except Exception as error:  # noqa: BLE001 - objects are written by people we do not know
        names = mapping(body.get("metadata"))
        version = text(names.get("resourceVersion"))
        path = object_path(kind, text(names.get("namespace")), text(names.get("name")))
        touch = ObjectTouch(text(names.get("uid")), version, "", UNKNOWN_TIME)
        paths = (path, path + RULES) if kind == "Ingress" else (path,)
        return Reduced(tuple(unread(one, touch, error) for one in paths))


def unread(path: str, touch: ObjectTouch, error: Exception) -> Input:
    """Says that a file was not read because of a bug; not in the error's own words, which may quote the object."""
    why = type(error).__name__
    problem = Problem(
        code=Code.WRONG_TYPE,
        severity=Severity.ERROR,
        message=f"not read, by a bug of ours ({why}); what was served from it stays served",
        provenance=Provenance(path, touch=touch),
        hint="Please report it, with the object",
    )
    blob = digest_bytes(f"{touch.key} {why}".encode())
    return Input(path, blob, None, RefusedObject(problem, blob, touch))


def reduce_service(body: Body, reading: ClusterReading, *, annotations: bool, ports: bool) -> Reduced | None:
    """The annotation of a Service, and its ports, as far as they are wanted."""
    facts = Facts.of(body)
    inputs = _annotated("Service", facts, reading.limits) if annotations else ()
    named = _ports(mapping(body.get("spec"))) if ports else ()
    return Reduced(inputs, None, named) if inputs or named else None


def reduce_ingress(body: Body, reading: ClusterReading) -> Reduced | None:
    """The annotation of an Ingress, and its rules if it is of our class."""
    facts = Facts.of(body)
    inputs = _annotated("Ingress", facts, reading.limits) if reading.annotations else ()
    spec = mapping(body.get("spec"))
    rules = None
    if reading.ingresses and _class(facts, spec) == reading.ingress_class:
        kept: Body = {key: spec[key] for key in ("defaultBackend", "tls", "rules") if key in spec}
        head = _head(facts)
        if ADDRESS in facts.annotations:
            head["annotations"] = {ADDRESS: facts.annotations[ADDRESS]}
        rules = IngressRules(facts.uid, head, kept, facts.touch(_SPEC_PATH))
    return Reduced(inputs, rules) if inputs or rules else None


def reduce_custom(body: Body, kind: str, reading: ClusterReading) -> Reduced | None:
    """A custom resource as the document it is."""
    facts = Facts.of(body)
    document: Body = {
        "apiVersion": body.get("apiVersion"),
        "kind": kind,
        "metadata": _head(facts),
        "spec": body.get("spec", {}),
    }
    path, touch = object_path(kind, facts.namespace, facts.name), facts.touch(_SPEC_PATH)
    return Reduced((_document(path, facts.namespace, document, touch, reading.limits),))


def rules_input(rules: IngressRules, ports: Callable[[str], Mapping[str, int]], limits: Limits) -> Input:
    """The rules of an Ingress as a document in which ports have numbers; one of which nobody knows keeps its name.

    Args:
        rules: of the Ingress.
        ports: of a Service of its namespace, by name.
        limits: bounds on its size.
    """
    namespace, name = text(rules.head.get("namespace")), text(rules.head.get("name"))
    spec: Body = deepcopy(rules.spec) if rules.services else rules.spec
    for service in _services(spec):
        wanted = _port_name(service)
        number = ports(text(service.get("name"))).get(wanted) if wanted else None
        if number is not None:
            service["port"] = {"name": wanted, "number": number}
    document: Body = {"apiVersion": INGRESS_VERSION, "kind": "Ingress", "metadata": rules.head, "spec": spec}
    path = object_path("Ingress", namespace, name) + RULES
    return _document(path, namespace, document, rules.touch, limits)


def _annotated(kind: str, facts: Facts, limits: Limits) -> tuple[Input, ...]:
    annotation = facts.annotations.get(ANNOTATION)
    if not isinstance(annotation, str):
        return ()
    path = object_path(kind, facts.namespace, facts.name)
    content = annotation.encode(errors="replace")
    found = ClusterObject(facts.namespace, facts.touch(_ANNOTATION_PATH), facts.labels, annotated=True)
    return (_input(path, content, found, limits),)


def _document(path: str, namespace: str, document: Body, touch: ObjectTouch, limits: Limits) -> Input:
    try:
        written = json.dumps(document, ensure_ascii=False, sort_keys=True)
    except RecursionError:
        return _refused(path, touch, f"too-deep@{touch.uid}", "values nested a thousand deep")
    written = _NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", written)
    return _input(path, written.encode(), ClusterObject(namespace, touch), limits)


def _input(path: str, content: bytes, found: ClusterObject, limits: Limits) -> Input:
    head = json.dumps([found.touch.uid, found.namespace, found.labels, found.annotated])
    blob = digest_bytes(head.encode() + b"\n" + content)
    if len(content) > limits.max_file_bytes:
        got, expected = f"{len(content)} bytes", f"at most {limits.max_file_bytes} bytes"
        return _refused(path, found.touch, blob, got, expected)
    return Input(path, blob, SourceFile(path, blob, content, object=found))


def _refused(path: str, touch: ObjectTouch, blob: str, got: str, expected: str = "") -> Input:
    problem = Problem(
        code=Code.FILE_TOO_LARGE,
        severity=Severity.ERROR,
        message="not read; what was served from it stays served",
        provenance=Provenance(path, touch=touch),
        expected=expected,
        got=got,
        hint="Split it into several objects",
    )
    return Input(path, blob, None, RefusedObject(problem, blob, touch))


def _head(facts: Facts) -> Body:
    head: Body = {"name": facts.name, "namespace": facts.namespace}
    if facts.labels:
        head["labels"] = dict(facts.labels)
    return head


def _class(facts: Facts, spec: Body) -> str:
    """The class of an Ingress; that in the annotation is older, and no Ingress is made with both."""
    return text(spec.get("ingressClassName")) or text(facts.annotations.get(LEGACY_CLASS))


def _ports(spec: Body) -> Ports:
    found = []
    for port in map(mapping, items(spec.get("ports"))):
        name, number = port.get("name"), port.get("port")
        if isinstance(name, str) and isinstance(number, int):
            found.append((name, number))
    return tuple(sorted(found))


def _services(spec: Body) -> list[Body]:
    """The Services an Ingress names, each as it stands there."""
    backends = [spec.get("defaultBackend")]
    for rule in map(mapping, items(spec.get("rules"))):
        paths = map(mapping, items(mapping(rule.get("http")).get("paths")))
        backends += [path.get("backend") for path in paths]
    return [service for backend in backends if isinstance(service := mapping(backend).get("service"), dict)]


def _port_name(service: Body) -> str:
    return text(mapping(service.get("port")).get("name"))
