"""JSON Schemas of whole documents, for editors, made from those of the fields. ``make docs`` writes them."""

import json
from pathlib import Path
from typing import Any, TypeAlias

from reconciler.model.resource import Kind
from reconciler.resources.envelope import METADATA_FIELDS
from reconciler.resources.kinds import (
    API_VERSIONS,
    CURRENT,
    EFFECTLESS_KINDS,
    OWN_API_VERSIONS,
    OWN_KINDS,
    UNSUPPORTED_KINDS,
)
from reconciler.resources.schemas import config_schema, schema_of, schema_versions

Schema: TypeAlias = dict[str, Any]

FOLDER = Path(__file__).parents[2] / "docs" / "schemas"
COMBINED = "reconciler.schema.json"
_KINDS = list(Kind)
OLDER = [name for name in API_VERSIONS if name != CURRENT]

_DIALECT = "http://json-schema.org/draft-07/schema#"  # what every editor's language server knows
_API_VERSIONS = {"v3alpha1": [CURRENT], "v2": OLDER, "v1alpha1": list(OWN_API_VERSIONS)}
_OWN_GROUP: Schema = {"type": "string", "pattern": "^reconciler\\.dev(/|$)"}
_OWN_HEAD: Schema = {"kind": {"enum": sorted(OWN_KINDS)}, "apiVersion": {"enum": list(OWN_API_VERSIONS)}}
_OUR_GROUPS = "^(ambassador|getambassador\\.io)(/|$)"
_STATUS = {
    "unsupported": "Known to the language and not supported yet: an error.",
    "dead": "Without effect in any current version of the language: an error.",
}
_LABELS: Schema = {"type": ["object", "null"], "additionalProperties": {"type": "string"}}
_NAME: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 253,
    "description": "Identity, with kind and namespace.",
}
_NAMESPACE: Schema = {"type": ["string", "null"], "default": "default", "description": "Part of the identity."}


def files() -> dict[str, Schema]:
    """Every schema by its file name."""
    found: dict[str, Schema] = {COMBINED: _combined()}
    for kind, version in schema_versions():
        api_versions = _API_VERSIONS[version]
        title = f"{kind}, {'v0 to v2' if version == 'v2' else api_versions[0]}"
        fields = {"fields": published(schema_of(kind, version).schema), **_configs(kind)}
        whole = _document(kind, version, "fields", fields["fields"])
        found[file_name(kind, version)] = {"$schema": _DIALECT, "title": title, **whole, "definitions": fields}
    return found


def file_name(kind: Kind, version: str) -> str:
    """Where the schema of a kind is; v0 to v2 share one."""
    return f"{kind.lower()}-{version}.json"


def text_of(schema: Schema) -> str:
    """The text of a schema file."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def write() -> None:
    """Write all schemas and remove those that are no more."""
    FOLDER.mkdir(exist_ok=True)
    schemas = files()
    for path in FOLDER.glob("*.json"):
        if path.name not in schemas:
            path.unlink()
    for name, schema in schemas.items():
        (FOLDER / name).write_text(text_of(schema))


def _document(kind: Kind, version: str, name: str, fields: Schema) -> Schema:
    """A document in either form.

    Args:
        kind: of the document.
        version: ``v3alpha1``, ``v2`` for all older ones, or that of our own group.
        name: of the definition of its fields.
        fields: that definition.
    """
    head: Schema = {
        "apiVersion": {"enum": _API_VERSIONS[version], "description": "Version of the spelling."},
        "kind": {"const": str(kind)},
    }
    schema: Schema = {
        "type": "object",
        "required": ["apiVersion", "kind"],
        "properties": head,
        "if": {"anyOf": [{"required": ["metadata"]}, {"required": ["spec"]}]},
        "then": _kubernetes(head, name, fields),
        "else": _flat(head, name, fields),
    }
    return schema | _config(kind)


def _kubernetes(head: Schema, name: str, fields: Schema) -> Schema:
    metadata: Schema = dict.fromkeys(sorted(METADATA_FIELDS), True)
    metadata |= {"name": _NAME, "namespace": _NAMESPACE, "labels": _LABELS}
    spec: Schema = {"$ref": f"#/definitions/{name}"}
    needed = ["spec"] if fields.get("required") else []
    return {
        "required": ["metadata", *needed],
        "additionalProperties": False,
        "properties": {
            **dict.fromkeys(head, True),
            "metadata": {
                "type": "object",
                "required": ["name"],
                "additionalProperties": False,
                "properties": metadata,
            },
            "spec": spec if needed else {"anyOf": [{"type": "null"}, spec]},
            "status": True,
        },
    }


def _flat(head: Schema, name: str, fields: Schema) -> Schema:
    around = {"name": _NAME, "namespace": _NAMESPACE, "generation": True, "metadata_labels": _LABELS}
    inside = {field: {"$ref": f"#/definitions/{name}/properties/{field}"} for field in fields["properties"]}
    return {
        "required": ["name", *fields.get("required", [])],
        "additionalProperties": False,
        "properties": {**dict.fromkeys(head, True), **around, **inside},
    }


def _config(kind: Kind) -> Schema:
    """What ``config`` of the Module ``ambassador`` holds."""
    if kind is not Kind.MODULE:
        return {}
    name = {"required": ["name"], "properties": {"name": {"const": "ambassador"}}}
    config = {"properties": {"config": {"$ref": "#/definitions/ambassador"}}}
    kubernetes = {
        "if": {"required": ["metadata"], "properties": {"metadata": name}},
        "then": {"properties": {"spec": config}},
    }
    return {"allOf": [kubernetes, {"if": name, "then": config}]}


def _configs(kind: Kind) -> Schema:
    return {"ambassador": published(config_schema("ambassador").schema)} if kind is Kind.MODULE else {}


def _combined() -> Schema:
    """One schema for files of any documents: those of other languages are left alone."""
    known = [*(kind for kind in Kind if kind not in OWN_KINDS), *UNSUPPORTED_KINDS, *EFFECTLESS_KINDS]
    definitions: Schema = {}
    branches: list[Schema] = []
    for kind, version in sorted(schema_versions(), key=lambda one: (_KINDS.index(one[0]), one[1] == "v2")):
        fields = published(schema_of(kind, version).schema)
        name = str(kind) if definitions.get(str(kind), fields) == fields else f"{kind}-{version}"
        definitions |= {name: fields, **_configs(kind)}
        ours = _head({"kind": {"const": str(kind)}, "apiVersion": {"enum": _API_VERSIONS[version]}})
        branches.append({"if": ours, "then": _document(kind, version, name, fields)})
    api_version = {"enum": [CURRENT, *OLDER], "description": "Version of the spelling."}
    of_our_group = _head({"apiVersion": {"type": "string", "pattern": _OUR_GROUPS}})
    names = {"kind": {"enum": known}, "apiVersion": api_version}
    branches += [
        {"if": of_our_group, "then": {"required": ["kind"], "properties": names}},
        {"if": _head({"apiVersion": _OWN_GROUP}), "then": {"required": ["kind"], "properties": _OWN_HEAD}},
        {"if": _head({"kind": {"const": "Mapping"}}), "then": {"required": ["apiVersion"], "properties": names}},
        {
            "if": _head({"kind": {"enum": list(UNSUPPORTED_KINDS)}, **of_our_group["properties"]}),
            "then": {"not": {}, "description": "Known to the language and not supported: an error."},
        },
        {
            "if": _head({"kind": {"pattern": "List$"}, "items": {"type": "array"}}),
            "then": {"properties": {"items": {"items": {"$ref": "#"}}}},
        },
    ]
    return {
        "$schema": _DIALECT,
        "title": "Files of the Mapping language",
        "properties": {
            "apiVersion": {"type": "string", "description": "Version of the spelling.", "examples": [CURRENT]},
            "kind": {
                "type": "string",
                "description": "What the document is.",
                "examples": [str(kind) for kind in Kind],
            },
        },
        "allOf": branches,
        "definitions": definitions,
    }


def _head(properties: Schema) -> Schema:
    return {"type": "object", "required": list(properties), "properties": properties}


def published(schema: Schema) -> Schema:
    """A schema of ours as every editor understands it: our keywords become words of the description."""
    plain = {key: _inside(key, value) for key, value in schema.items() if not key.startswith("x-")}
    plain.pop("$schema", None)
    words = [str(schema.get("description", "")), _STATUS.get(str(schema.get("x-status")), "")]
    words += [f"{text[0].upper()}{text[1:]}." for text in [schema.get("x-hint", "")] if text]
    words += [f"In Envoy: {text}." for text in [schema.get("x-envoy", "")] if text]
    if "description" in schema:
        plain["description"] = " ".join(word for word in words if word)
    if "x-example" in schema:
        plain["examples"] = [schema["x-example"]]
    return plain


def _inside(key: str, value: Any) -> Any:
    match key, value:
        case "properties", dict():
            return {name: published(field) for name, field in value.items()}
        case (("items" | "additionalProperties"), dict()):
            return published(value)
        case "anyOf", list():
            return [published(one) for one in value]
    return value


if __name__ == "__main__":
    write()
