"""The schemas: one description for the fast check, for jsonschema and for people."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.model.problem import Code
from reconciler.model.resource import Kind
from reconciler.resources.schema_check import Schema, accepts
from reconciler.resources.schemas import KindSchema, explain, schema_of, schema_versions
from tests.support.documents import VALID_SPECS, old, refusal, spec

_ALL = schema_versions()
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 400) | st.floats(0, 2) | st.sampled_from(["", "a", "Route", "none"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["a", "pattern", "substitution", "authority", "insecure", "action", "namespace", "from"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=5,
)


def _fields(schema: KindSchema) -> list[str]:
    return [*schema.properties, "unknown"]


@st.composite
def _documents(draw: st.DrawFn) -> tuple[KindSchema, dict[str, Any]]:
    schema = schema_of(*draw(st.sampled_from(_ALL)))
    fields = draw(st.dictionaries(st.sampled_from(_fields(schema)), _VALUES, max_size=4))
    base = draw(VALID_SPECS) if draw(st.booleans()) else {}
    return schema, base | fields


@given(_documents())
def test_the_fast_check_agrees_with_jsonschema(case: tuple[KindSchema, dict[str, Any]]) -> None:
    """The predicate accepts exactly what jsonschema accepts, and what it refuses is always explained."""
    schema, fields = case
    valid = bool(schema.validator.is_valid(fields))
    assert schema.accepts(fields) == valid
    assert (explain(schema, fields, ("spec",)) == []) == valid


@given(VALID_SPECS)
def test_valid_documents_are_accepted(fields: dict[str, Any]) -> None:
    """What the tests take for valid is."""
    assert schema_of(Kind.MAPPING, "v3alpha1").accepts(fields)


def _properties(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in schema.get("properties", {}).items():
        yield f"{path}{name}", field
        yield from _properties(field, f"{path}{name}.")


@pytest.mark.parametrize(("kind", "version"), _ALL)
def test_every_field_is_described(kind: Kind, version: str) -> None:
    """The schemas are valid ones, and say a sentence about each field."""
    schema = schema_of(kind, version).schema
    Draft202012Validator.check_schema(schema)
    described = list(_properties(schema))
    assert described
    assert [name for name, field in described if not field.get("description", "").endswith(".")] == []


def test_fields_of_both_versions_mean_the_same() -> None:
    """A field that two versions of the Mapping share has one description, but where the versions differ."""
    before, now = schema_of(Kind.MAPPING, "v2").properties, schema_of(Kind.MAPPING, "v3alpha1").properties
    assert {name for name in before.keys() & now.keys() if before[name] != now[name]} == {
        "cors", "headers", "host", "host_regex", "query_parameters", "regex_headers", "regex_query_parameters",
        "remove_request_headers", "remove_response_headers", "tls",
    }  # fmt: skip


def test_unsupported_fields_are_refused() -> None:
    """Every field the language knows and that is not acted on refuses the document; its off value does not."""
    for version, document in (("v3alpha1", spec), ("v2", old)):
        schema = schema_of(Kind.MAPPING, version)
        known = {name: field for name, field in schema.properties.items() if isinstance(field, dict)}
        inert = {name: field["enum"] for name, field in known.items() if "x-status" in field}
        assert inert
        for name, off in inert.items():
            problem = refusal(document(**{name: "on" if name != "dns_type" else "logical_dns"}))
            assert (problem.code, problem.field) == (Code.FIELD_UNSUPPORTED, f"spec.{name}")
            assert isinstance(off, list)
            assert all(schema.accepts({"prefix": "/", "service": "s", name: value}) for value in off)


def test_unknown_keywords_are_refused() -> None:
    """A schema that says more than the fast check knows cannot be used by mistake."""
    schemas: list[Schema] = [{"pattern": "a"}, {"additionalProperties": False}, {"properties": {"a": {"oneOf": []}}}]
    for schema in schemas:
        with pytest.raises(ValueError, match="not supported"):
            accepts(schema)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("timeout", "timeout_ms"), ("Prefix", "prefix"), ("header", "headers"), ("zzz", "")],
)
def test_nearest_field(name: str, hint: str) -> None:
    """An unknown field is answered with the nearest one."""
    assert refusal(spec(**{name: "x"})).hint == (f"did you mean {hint}?" if hint else "")


def test_labels_that_are_meant_for_selectors() -> None:
    """Labels under spec are for rate limits: the hint says where those for selectors go."""
    assert "metadata.labels" in refusal(spec(labels={"a": "b"})).hint
