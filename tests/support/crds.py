"""CustomResourceDefinitions from our own schemas: ``python -m tests.support.crds`` (``make docs``) writes deploy/crds/.

What a schema of Kubernetes can't say is left open: a definition never refuses what `reconciler` would read. Nothing is
pruned and nothing is filled in, so that a misspelt field arrives where it is reported with the name that was meant.

The kinds of the language have one version here. Between those that are spelled differently only a webhook could
convert; without it one spelling would be read as another, and Mappings would match other requests than was written.
"""

from pathlib import Path
from typing import Any

import yaml

from reconciler.model.resource import Kind
from reconciler.resources.schemas import schema_of
from reconciler.sources.cluster.kinds import CUSTOM_KINDS

DEFINITIONS = Path(__file__).parents[2] / "deploy" / "crds"

_NEWEST = {"getambassador.io": "v3alpha1", "reconciler.dev": "v1alpha1"}
_OPEN = {"x-kubernetes-preserve-unknown-fields": True}
_KEPT = ("description", "enum", "minimum", "maximum", "minLength", "minItems")
_CONDITION: dict[str, Any] = {
    "type": "object",
    "required": ["type", "status"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
        "reason": {"type": "string"},
        "message": {"type": "string"},
        "observedGeneration": {"type": "integer"},
        "lastTransitionTime": {"type": "string", "format": "date-time"},
    },
}
_STATUS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "conditions": {
            "type": "array",
            "items": _CONDITION,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        }
    },
} | _OPEN
_READY = '.status.conditions[?(@.type=="Ready")]'
_COLUMNS = {
    "Mapping": {"Host": ".spec.hostname", "Prefix": ".spec.prefix", "Service": ".spec.service"},
    "Host": {"Hostname": ".spec.hostname"},
    "Listener": {"Port": ".spec.port", "Protocol": ".spec.protocol"},
    "TCPMapping": {"Port": ".spec.port", "Host": ".spec.host", "Service": ".spec.service"},
    "MappingPolicy": {"Mappings": ".spec.mappings"},
}
_HEAD = "# Generated from reconciler/resources/schema by `make docs`.\n"

Schema = dict[str, Any]


def definitions() -> dict[str, str]:
    """The text of every file in deploy/crds, by its name."""
    read = {f"{group}_{plural}.yaml": _text(_definition(group, plural, kind)) for group, plural, kind in CUSTOM_KINDS}
    return read | {"reconciler.dev_routingrepositories.yaml": _text(_routing_repository())}


def spec_schema(kind: str) -> Schema:
    """The schema of ``spec`` of a kind, as Kubernetes takes it."""
    group = next(group for group, _, name in CUSTOM_KINDS if name == kind)
    return structural(schema_of(Kind(kind), _NEWEST[group]).schema)


def structural(schema: Schema) -> Schema:
    """A schema with types where Kubernetes wants them, open where it can't say what ours does."""
    kept = {key: schema[key] for key in _KEPT if key in schema}
    types = schema.get("type")
    if "const" in schema:
        kept["enum"] = [schema["const"]]
    if not isinstance(types, str) or "anyOf" in schema:
        return {key: value for key, value in kept.items() if key == "description"} | _OPEN
    found = {"type": types} | kept
    if types == "array":
        return found | {"items": structural(schema.get("items", {}))}
    if types != "object":
        return found
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    if isinstance(others, dict) and not properties:
        return found | {"additionalProperties": structural(others)}
    if properties:
        found["properties"] = {name: structural(inner) for name, inner in properties.items()}
    if "required" in schema:
        found["required"] = schema["required"]
    return found | _OPEN


def _text(whole: Schema) -> str:
    return _HEAD + yaml.dump(whole, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def _definition(group: str, plural: str, kind: str) -> Schema:
    columns = _COLUMNS.get(kind, {}) | {"Ready": f"{_READY}.status", "Reason": f"{_READY}.reason"}
    printed = [{"name": name, "type": "string", "jsonPath": path} for name, path in columns.items()]
    return _of_kind(group, plural, kind, printed, {"spec": spec_schema(kind), "status": _STATUS})


def _routing_repository() -> Schema:
    """What says how everything stands: written by the controller, but for ``spec.suspend``."""
    text, number = {"type": "string"}, {"type": "integer"}
    time = text | {"format": "date-time"}
    source = {
        "url": text | {"description": "The repository, without credentials."},
        "ref": text | {"description": "Branch, or tag:NAME, semver:RANGE, commit:SHA."},
        "path": text | {"description": "Folder inside the repository."},
    }
    spec = {
        "suspend": {
            "type": "boolean",
            "description": "With true nothing is applied, and what is served stays. The only field for people.",
        },
        "source": {"type": "object", "properties": source, "description": "As the settings have it; informational."},
        "interval": text | {"description": "Time between polls, as the settings have it; informational."},
    }
    status = {
        "observedGeneration": number,
        "conditions": _STATUS["properties"]["conditions"],
        "lastAttemptedRevision": text,
        "lastAppliedRevision": text,
        "lastAppliedTime": time,
        "lastHandledReconcileAt": text,
        "planDigest": text,
        "routes": number,
        "problems": number,
        "firstProblems": {"type": "array", "items": text},
        "acked": number,
        "envoys": number,
        "leader": text,
    }
    columns = {
        "URL": (".spec.source.url", "string"),
        "REF": (".spec.source.ref", "string"),
        "READY": (f"{_READY}.status", "string"),
        "REASON": (f"{_READY}.reason", "string"),
        "ATTEMPTED": (".status.lastAttemptedRevision", "string"),
        "APPLIED": (".status.lastAppliedRevision", "string"),
        "SUSPENDED": (".spec.suspend", "boolean"),
    }
    printed = [{"name": name, "type": kind, "jsonPath": path} for name, (path, kind) in columns.items()]
    properties = {
        "spec": {"type": "object", "properties": spec},
        "status": {"type": "object", "properties": status},
    }
    return _of_kind("reconciler.dev", "routingrepositories", "RoutingRepository", printed, properties)


def _of_kind(group: str, plural: str, kind: str, printed: list[Schema], properties: Schema) -> Schema:
    age = {"name": "AGE" if kind == "RoutingRepository" else "Age", "type": "date"}
    head = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
    version = {
        "name": _NEWEST[group],
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [*printed, age | {"jsonPath": ".metadata.creationTimestamp"}],
        "schema": {"openAPIV3Schema": {"type": "object", "properties": head | properties}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            "labels": {"app.kubernetes.io/part-of": "reconciler"},
            # With the definition, all objects of the kind would go.
            "annotations": {"helm.sh/resource-policy": "keep"},
        },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
                "categories": ["reconciler"],
            },
            "versions": [version],
        },
    }


class _Dumper(yaml.SafeDumper):
    """Writes equal values out instead of pointing at the first."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


if __name__ == "__main__":
    DEFINITIONS.mkdir(exist_ok=True)
    written = definitions()
    for stale in DEFINITIONS.glob("*.yaml"):
        if stale.name not in written:
            stale.unlink()
    for name, text in written.items():
        (DEFINITIONS / name).write_text(text)
