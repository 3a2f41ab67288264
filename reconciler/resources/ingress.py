"""The rules of a Kubernetes Ingress → documents of the language.

See https://kubernetes.io/docs/concepts/services-networking/ingress/. A path of type ``Prefix`` matches by elements:
``/foo`` and ``/foo/`` both mean ``/foo`` itself and all below ``/foo/``, and never ``/foobar``. That takes two
Mappings, an exact one and one by prefix. ``Exact`` goes before a prefix that means the same path, and of two such
prefixes the longer one. What is left to the implementation is a prefix as Mappings have it, where ``/foo`` means
``/foobar``, too. Paths go on as they came.

- A wildcard in a host stands for any number of labels, as in ``hostname``; Kubernetes means one.
- Rules without a host are for all hosts, and the longest path wins; they are not hidden by other rules of the host.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from reconciler.model.digest import Json
from reconciler.model.problem import Code
from reconciler.resources.finding import Finding, Path, shown, type_words
from reconciler.resources.kinds import CURRENT, Document
from reconciler.resources.unit import Unit

ADDRESS = "getambassador.io/ambassador-id"

_GROUP = "networking.k8s.io/"
_ANY_HOST = "*"

# Documents with what is wrong with each.
_Found: TypeAlias = Iterator[tuple[Document, tuple[Finding, ...]]]


def is_ingress(document: Json) -> bool:
    """Whether a document is an Ingress; which class it is of is for others to say."""
    if not isinstance(document, dict) or document.get("kind") != "Ingress":
        return False
    version = document.get("apiVersion")
    return isinstance(version, str) and version.startswith(_GROUP)


def unpack_ingress(unit: Unit) -> Iterator[Unit]:
    """The documents that the rules of an Ingress mean. A broken one has findings and leaves its neighbours alone."""
    ingress = _Ingress.of(unit.value if isinstance(unit.value, dict) else {})
    # The text is that of the Ingress, where the fields of these documents have no lines.
    place = replace(unit.place, line=0, text="", lines=None)
    for document, findings in ingress.documents():
        yield Unit(document, place, findings)


@dataclass(frozen=True, slots=True)
class _Rule:
    """One path of one host, or the default.

    Attributes:
        suffix: of the names of its Mappings.
        at: its place in the Ingress.
    """

    suffix: str
    host: str
    kind: str
    path: str
    backend: Json
    at: Path

    @property
    def elements(self) -> str:
        """What a path of type ``Prefix`` means: without slashes at its end, as those don't count."""
        return self.path.rstrip("/")


@dataclass(frozen=True, slots=True)
class _Ingress:
    """An Ingress, taken apart."""

    namespace: str
    name: str
    labels: Document
    address: str
    spec: Document

    @classmethod
    def of(cls, document: Document) -> "_Ingress":
        metadata = _mapping(document.get("metadata"))
        return cls(
            _text(metadata.get("namespace")) or "default",
            _text(metadata.get("name")),
            _mapping(metadata.get("labels")),
            _text(_mapping(metadata.get("annotations")).get(ADDRESS)),
            _mapping(document.get("spec")),
        )

    def documents(self) -> _Found:
        """Hosts first, then Mappings, in the order of the Ingress."""
        yield from self._hosts()
        for rule in _plain(list(self._rules())):
            yield from self._mappings(rule)

    def _hosts(self) -> _Found:
        """A Host for every name that has a certificate, told by its name: Ingresses that agree say the same."""
        seen = set()
        for tls in map(_mapping, _list(self.spec.get("tls"))):
            secret = _text(tls.get("secretName"))
            for host in map(_text, _list(tls.get("hosts")) or [_ANY_HOST]):
                if not secret or host in seen:
                    continue
                seen.add(host)
                spec: Document = {
                    "hostname": host,
                    "acmeProvider": {"authority": "none"},
                    "tlsSecret": {"name": secret},
                    "requestPolicy": {"insecure": {"action": "Route"}},
                }
                yield self._document("Host", f"ingress-{host}", {}, spec), ()

    def _rules(self) -> Iterator[_Rule]:
        for i, rule in enumerate(map(_mapping, _list(self.spec.get("rules")))):
            host = _text(rule.get("host")) or _ANY_HOST
            for j, path in enumerate(map(_mapping, _list(_mapping(rule.get("http")).get("paths")))):
                at = ("spec", "rules", i, "http", "paths", j)
                kind, value = _text(path.get("pathType")), _text(path.get("path")) or "/"
                yield _Rule(f"{i}-{j}", host, kind, value, path.get("backend"), (*at, "backend"))
        default = self.spec.get("defaultBackend")
        if default is not None:
            yield _Rule("default-backend", _ANY_HOST, "Prefix", "/", default, ("spec", "defaultBackend"))

    def _mappings(self, rule: _Rule) -> _Found:
        service = self._service(rule)
        findings = (service,) if isinstance(service, Finding) else ()
        for suffix, prefix, exact, precedence in _matches(rule):
            spec: Document = {
                "hostname": rule.host,
                "prefix": prefix,
                # Kubernetes says nothing of rewriting.
                "rewrite": "",
                "service": "" if isinstance(service, Finding) else service,
            }
            if exact:
                spec |= {"prefix_exact": True}
            if precedence:
                spec |= {"precedence": precedence}
            yield self._document("Mapping", f"{self.name}-{rule.suffix}{suffix}", self.labels, spec), findings

    def _service(self, rule: _Rule) -> str | Finding:
        """The Service of a rule in the language's words."""
        service = _mapping(rule.backend).get("service")
        if not isinstance(service, dict):
            got = type_words(rule.backend) if not isinstance(rule.backend, dict) else "a resource"
            message = "only a Service can be a backend"
            return Finding(Code.FIELD_UNSUPPORTED, message, rule.at, expected="a service", got=got)
        name, port = _text(service.get("name")), _mapping(service.get("port"))
        number = port.get("number")
        if isinstance(number, int):
            return f"{name}.{self.namespace}:{number}"
        message = f"Service {self.namespace}/{name} has no port of this name, or is not there"
        at, got = (*rule.at, "service", "port"), shown(port.get("name"))
        return Finding(Code.UNKNOWN_REFERENCE, message, at, expected="a port of the Service", got=got)

    def _document(self, kind: str, name: str, labels: Document, spec: Document) -> Document:
        metadata: Document = {"name": name, "namespace": self.namespace}
        if labels:
            metadata["labels"] = labels
        addressed: Document = {"ambassador_id": [self.address]} if self.address else {}
        return {"apiVersion": CURRENT, "kind": kind, "metadata": metadata, "spec": addressed | spec}


def _plain(rules: list[_Rule]) -> list[_Rule]:
    """The rules without those of type ``Prefix`` of which another means the same requests: the longest path wins."""
    best: dict[tuple[str, str], _Rule] = {}
    for rule in rules:
        if rule.kind == "Prefix":
            known = best.setdefault((rule.host, rule.elements), rule)
            # Of equally long ones both stay, to be reported: nothing says which is meant. The default steps back.
            if len(rule.path) > len(known.path):
                best[rule.host, rule.elements] = rule
    return [rule for rule in rules if rule.kind != "Prefix" or _stays(rule, best[rule.host, rule.elements])]


def _stays(rule: _Rule, best: _Rule) -> bool:
    if rule is best:
        return True
    return len(rule.path) == len(best.path) and rule.suffix != "default-backend"


def _matches(rule: _Rule) -> Iterator[tuple[str, str, bool, int]]:
    """The Mappings of a rule: suffix of the name, path, whether exactly that, precedence."""
    if rule.kind == "Exact":
        yield "", rule.path, True, 1
    elif rule.kind == "Prefix" and rule.elements:
        yield "", f"{rule.elements}/", False, 0
        yield "-itself", rule.elements, True, 0
    else:
        yield "", rule.path, False, 0


def _mapping(value: Json) -> Document:
    return value if isinstance(value, dict) else {}


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
