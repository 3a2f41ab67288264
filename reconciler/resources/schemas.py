"""The schema of each kind and version, and what is wrong with a document in our words.

The files in ``schema/`` are JSON Schema 2020-12 with keywords of ours: ``x-status`` marks a field that the
language knows and we do not act on (``unsupported``) or nobody does (``dead``), ``x-expected`` names the type in
words, ``x-hint`` says what to write instead. For the reference pages and for editors, ``x-since`` is the version that
brought a field, ``x-envoy`` what it becomes in Envoy and ``x-example`` a value of it.
"""

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator, TypeChecker, validators

from reconciler.model.digest import Json
from reconciler.model.problem import Code
from reconciler.model.resource import Kind
from reconciler.resources.finding import Finding, Path, nearest, shown, type_words
from reconciler.resources.schema_check import Check, Schema, accepts

_OLD, _NEW = "v2", "v3alpha1"
OWN = "v1alpha1"  # of our own group
_FILES = {
    (Kind.MAPPING, _OLD): "mapping-v2.json",
    (Kind.MAPPING, _NEW): "mapping-v3alpha1.json",
    (Kind.HOST, _OLD): "host.json",
    (Kind.HOST, _NEW): "host.json",
    (Kind.LISTENER, _OLD): "listener.json",
    (Kind.LISTENER, _NEW): "listener.json",
    (Kind.AUTH_SERVICE, _OLD): "auth-service.json",
    (Kind.AUTH_SERVICE, _NEW): "auth-service.json",
    (Kind.RATE_LIMIT_SERVICE, _OLD): "rate-limit-service.json",
    (Kind.RATE_LIMIT_SERVICE, _NEW): "rate-limit-service.json",
    (Kind.TRACING_SERVICE, _OLD): "tracing-service.json",
    (Kind.TRACING_SERVICE, _NEW): "tracing-service.json",
    (Kind.LOG_SERVICE, _OLD): "log-service.json",
    (Kind.LOG_SERVICE, _NEW): "log-service.json",
    (Kind.MODULE, _OLD): "module.json",
    (Kind.MODULE, _NEW): "module.json",
    (Kind.TLS_CONTEXT, _OLD): "tlscontext.json",
    (Kind.TLS_CONTEXT, _NEW): "tlscontext.json",
    (Kind.TCP_MAPPING, _OLD): "tcpmapping.json",
    (Kind.TCP_MAPPING, _NEW): "tcpmapping.json",
    (Kind.KUBERNETES_SERVICE_RESOLVER, _OLD): "kubernetes-resolver.json",
    (Kind.KUBERNETES_SERVICE_RESOLVER, _NEW): "kubernetes-resolver.json",
    (Kind.KUBERNETES_ENDPOINT_RESOLVER, _OLD): "kubernetes-resolver.json",
    (Kind.KUBERNETES_ENDPOINT_RESOLVER, _NEW): "kubernetes-resolver.json",
    (Kind.CONSUL_RESOLVER, _OLD): "consul-resolver.json",
    (Kind.CONSUL_RESOLVER, _NEW): "consul-resolver.json",
    (Kind.CIRCUIT_BREAKER, _OLD): "circuit-breaker.json",
    (Kind.CIRCUIT_BREAKER, _NEW): "circuit-breaker.json",
    (Kind.OUTLIER_DETECTION, _OLD): "outlier-detection.json",
    (Kind.OUTLIER_DETECTION, _NEW): "outlier-detection.json",
    (Kind.MAPPING_POLICY, OWN): "mapping-policy.json",
    (Kind.OWNERSHIP, OWN): "ownership.json",
}
# What ``config`` of a Module holds, by its name.
_CONFIG_FILES = {"ambassador": "module-ambassador.json", "tls": "module-tls.json"}
_TYPE_WORDS = {
    "string": "a string",
    "integer": "an integer",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
    "null": "null",
}
# Where several checks fail at one place, the first of these explains it.
_TELLING = ("type", "anyOf", "enum", "const")
# How many unknown fields of a document get their nearest name: looking for it is slow.
_GUESSES = 20
# Values here may be credentials: they are never shown.
_PRIVATE = frozenset(
    {
        "add_auth_headers",
        "add_request_headers",
        "add_response_headers",
        "auth_context_extensions",
        "headers",
        "regex_headers",
        "query_parameters",
        "regex_query_parameters",
    }
)


def _is_integer(_checker: TypeChecker, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)  # JSON Schema itself takes 1.0 for an integer


_TYPE_CHECKER = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
_Validator: Any = validators.extend(Draft202012Validator, type_checker=_TYPE_CHECKER)  # type: ignore[no-untyped-call] # the stubs leave it untyped


@dataclass(frozen=True, slots=True)
class KindSchema:
    """The schema of the fields of one kind in one version.

    Attributes:
        accepts: fast; whether the fields are valid.
        validator: slow; says why they are not.
    """

    schema: Schema
    accepts: Check
    validator: Any

    @property
    def properties(self) -> Schema:
        """The schema of each field."""
        properties = self.schema.get("properties")
        return properties if isinstance(properties, dict) else {}


def _read(name: str) -> Schema:
    schema: Schema = json.loads(resources.files(__package__).joinpath("schema", name).read_text("utf-8"))
    return schema


def _load(name: str) -> KindSchema:
    schema = _read(name)
    return KindSchema(schema, accepts(schema), _Validator(schema))


def _load_config(name: str) -> KindSchema:
    """Fields marked ``x-mapping`` are defaults of that field of a Mapping and look like it, in its oldest spelling."""
    fields = _read(_FILES[Kind.MAPPING, _OLD])["properties"]
    schema = _with_mapping_fields(_read(name), fields if isinstance(fields, dict) else {})
    return KindSchema(schema, accepts(schema), _Validator(schema))


def _with_mapping_fields(schema: Schema, fields: Schema) -> Schema:
    same = schema.get("x-mapping")
    if isinstance(same, str):
        field = fields[same]
        return {**(field if isinstance(field, dict) else {}), **schema}
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return schema
    inside = {name: _with_mapping_fields(s, fields) if isinstance(s, dict) else s for name, s in properties.items()}
    return {**schema, "properties": inside}


_LOADED = {name: _load(name) for name in sorted(set(_FILES.values()))}  # package data, as constant as code
_CONFIGS = {name: _load_config(file) for name, file in _CONFIG_FILES.items()}


def schema_of(kind: Kind, version: str) -> KindSchema:
    """The schema for documents of a kind in the spelling of a version; v0 to v2 share one."""
    return _LOADED[_FILES[kind, version if version in {_NEW, OWN} else _OLD]]


def schema_versions() -> list[tuple[Kind, str]]:
    """Every kind with the versions whose spelling differs, each by the newest."""
    return list(_FILES)


def config_schema(name: str) -> KindSchema:
    """The schema for ``config`` of a Module of that name.

    Raises:
        KeyError: there is no such Module.
    """
    return _CONFIGS[name]


def sift(schema: KindSchema, values: dict[str, Json], root: Path, found: list[Finding]) -> frozenset[str]:
    """The fields that the schema rejects; what it has against them goes to ``found``."""
    if schema.accepts(values):
        return frozenset()
    explained = explain(schema, values, root)
    found += explained
    at = len(root)
    return frozenset(str(finding.path[at]) for finding in explained if len(finding.path) > at)


@dataclass(frozen=True, slots=True)
class _Failure:
    """One error of jsonschema, with types: which keyword of which schema refused what, where."""

    keyword: str
    argument: Json
    schema: Schema
    value: Json
    path: Path

    def word(self, keyword: str) -> str:
        """A keyword of ours in the schema that refused; empty if it has none."""
        value = self.schema.get(keyword)
        return value if isinstance(value, str) else ""

    @property
    def properties(self) -> Schema:
        """The fields the schema knows."""
        properties = self.schema.get("properties")
        return properties if isinstance(properties, dict) else {}

    @property
    def rank(self) -> int:
        """The most telling first."""
        return _TELLING.index(self.keyword) if self.keyword in _TELLING else len(_TELLING)


def explain(schema: KindSchema, spec: dict[str, Json], root: Path) -> list[Finding]:
    """All that the schema has against the fields; empty when it accepts them.

    Args:
        schema: of the kind and version.
        spec: the fields.
        root: their path in the document.
    """
    found: dict[Path, Finding] = {}
    failures = [_failure(error, root) for error in schema.validator.iter_errors(spec)]
    for failure in sorted(failures, key=lambda f: f.rank):
        for finding in _findings(failure, schema):
            found.setdefault(finding.path, finding)
    return list(found.values())


def _failure(error: Any, root: Path) -> _Failure:
    schema = error.schema if isinstance(error.schema, dict) else {}
    path = (*root, *error.absolute_path)
    return _Failure(str(error.validator), error.validator_value, schema, error.instance, path)


def _findings(failure: _Failure, schema: KindSchema) -> list[Finding]:
    if "x-status" in failure.schema:
        return [_without_effect(failure)]
    value = failure.value if isinstance(failure.value, dict) else {}
    match failure.keyword, failure.argument:
        case "required", list() as names:
            return [_missing(str(name), failure) for name in names if name not in value]
        case "additionalProperties", _:
            unknown = sorted(value.keys() - failure.properties.keys())
            return [_unknown(name, failure, schema, guess=at < _GUESSES) for at, name in enumerate(unknown)]
        case (("type" | "anyOf"), _):
            return [_wrong_type(failure)]
        case _:
            return [_invalid(failure)]


def _without_effect(failure: _Failure) -> Finding:
    name, hint = failure.path[-1], failure.word("x-hint")
    if failure.word("x-status") == "dead":
        message, hint = f"{name} has no effect in any current version of the language", hint or "remove it"
    else:
        message = f"{name} is known to the language, not supported yet; not served rather than served without it"
    return Finding(Code.FIELD_UNSUPPORTED, message, path=failure.path, hint=hint)


def _missing(name: str, failure: _Failure) -> Finding:
    field = failure.properties.get(name)
    expected = _expected(field if isinstance(field, dict) else {})
    return Finding(Code.MISSING_FIELD, f"{name} is missing", path=(*failure.path, name), expected=expected)


def _unknown(name: str, failure: _Failure, schema: KindSchema, *, guess: bool) -> Finding:
    elsewhere = schema.schema.get("x-elsewhere")
    told = elsewhere.get(name) if isinstance(elsewhere, dict) else None
    word = nearest(name, failure.properties) if guess else ""
    hint = told if isinstance(told, str) else f"did you mean {word}?" if word else ""
    return Finding(Code.UNKNOWN_FIELD, "no such field", path=(*failure.path, name), hint=hint)


def _wrong_type(failure: _Failure) -> Finding:
    expected, hint = _expected(failure.schema), failure.word("x-hint")
    if not hint and isinstance(failure.value, bool | int | float) and "a string" in expected:
        hint = "put it in quotes"
    return Finding(Code.WRONG_TYPE, "wrong type", failure.path, expected=expected, got=_got(failure), hint=hint)


def _invalid(failure: _Failure) -> Finding:
    schema, expected = failure.schema, _expected(failure.schema)
    match failure.keyword, failure.argument:
        case (("minimum" | "maximum"), _):
            expected = f"{schema.get('minimum')} to {schema.get('maximum')}"
        case "enum", list() as choices:
            expected = "one of " + ", ".join(shown(choice) for choice in choices)
        case (("minLength" | "minItems"), _):
            expected += ", not empty"
    message, hint = "not a value of this field", failure.word("x-hint")
    return Finding(Code.INVALID_VALUE, message, failure.path, expected=expected, got=_got(failure), hint=hint)


def _expected(schema: Schema) -> str:
    said = schema.get("x-expected")
    if isinstance(said, str):
        return said
    types = schema.get("type")
    names = types if isinstance(types, list) else [types]
    return " or ".join(_TYPE_WORDS[name] for name in names if isinstance(name, str))


def _got(failure: _Failure) -> str:
    """What was written; values that may be credentials by their type only."""
    words = type_words(failure.value)
    private = _PRIVATE & set(failure.path)
    return words if private or isinstance(failure.value, dict | list | None) else f"{words}: {shown(failure.value)}"
