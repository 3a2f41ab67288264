"""The definitions of custom resources follow our schemas, and never refuse what we would read."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from reconciler.model.resource import Kind
from reconciler.resources.schemas import schema_of
from reconciler.sources.cluster.kinds import CUSTOM_KINDS
from tests.support.crds import DEFINITIONS, definitions, spec_schema, structural
from tests.support.golden import GOLDEN

_KINDS = {kind: ("v1alpha1" if group == "reconciler.dev" else "v3alpha1") for group, _, kind in CUSTOM_KINDS}


def test_the_definitions_are_up_to_date() -> None:
    """What lies in deploy/crds is what the generator makes, and nothing else lies there."""
    lying = {path.name: path.read_text() for path in DEFINITIONS.iterdir()}
    assert lying == definitions(), "run `make docs`"


def _written() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every spec of a golden case in the newest spelling."""
    for path in GOLDEN.glob("*/1-sources/**/*.yaml"):
        try:
            documents = [one for one in yaml.safe_load_all(path.read_text()) if isinstance(one, dict)]
        except (yaml.YAMLError, UnicodeDecodeError, ValueError):
            continue
        for document in documents:
            kind, spec = document.get("kind"), document.get("spec")
            version = str(document.get("apiVersion")).rpartition("/")[2]
            if isinstance(kind, str) and isinstance(spec, dict) and _KINDS.get(kind) == version:
                yield kind, spec


def test_what_we_read_is_never_refused() -> None:
    """Every document of the golden cases that fits our schema fits the definition, too; all kinds are among them."""
    seen = set()
    for kind, spec in _written():
        if schema_of(Kind(kind), _KINDS[kind]).accepts(spec):
            seen.add(kind)
            Draft202012Validator(spec_schema(kind)).validate(spec)
    assert seen >= _KINDS.keys() - {"ConsulResolver", "KubernetesEndpointResolver", "KubernetesServiceResolver"}


@pytest.mark.parametrize("kind", _KINDS)
def test_every_example_of_a_field_is_taken(kind: str) -> None:
    """Each field's own example fits its definition."""
    ours, theirs = schema_of(Kind(kind), _KINDS[kind]).schema, spec_schema(kind)["properties"]
    fields: Any = ours["properties"]
    for name, field in fields.items():
        if isinstance(field, dict) and "x-example" in field:
            Draft202012Validator(theirs[name]).validate(field["x-example"])


@pytest.mark.parametrize("kind", _KINDS)
def test_it_refuses_what_has_the_wrong_type(kind: str) -> None:
    """The definition is no formality: a field whose type Kubernetes can say takes no other."""
    theirs = spec_schema(kind)["properties"]
    typed = [schema for schema in theirs.values() if schema.get("type") in {"string", "integer", "boolean", "array"}]
    assert typed or kind in {"KubernetesEndpointResolver", "KubernetesServiceResolver", "Module", "ConsulResolver"}
    for schema in typed:
        assert not Draft202012Validator(schema).is_valid({"no": "such"})


def test_what_has_several_types_is_open() -> None:
    """Kubernetes has no words for it; everything else keeps what it says."""
    several = {"anyOf": [{"type": "string"}, {"type": "array"}], "description": "Either."}
    opened = {"description": "Either.", "x-kubernetes-preserve-unknown-fields": True}
    assert structural(several) == opened
    assert structural({"type": ["string", "null"], "description": "Either."}) == opened
    number = {"type": "integer", "minimum": 1, "default": 3, "x-envoy": "x"}
    assert structural({"type": "object", "additionalProperties": number}) == {
        "type": "object",
        "additionalProperties": {"type": "integer", "minimum": 1},
    }
