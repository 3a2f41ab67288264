"""Cases made of features: every pair of features that go together stands in at least one Mapping.

Faults of a configuration language sit in valid but uncommon combinations. All of them are too many; all pairs are a
few dozen (a covering array of strength 2, made by covertable).
"""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from itertools import combinations
from typing import Any

import yaml
from covertable import make

from tests.acceptance.case import Case
from tests.acceptance.features import DIMENSIONS, OURS, Draft, Feature


def supported(feature: Feature) -> bool:
    """Whether the product serves all fields of a feature."""
    return not any("x-status" in _fields().get(name, {"x-status": ""}) for name in feature.fields)


@cache
def _fields() -> dict[str, Any]:
    schema = resources.files("reconciler.resources").joinpath("schema", "mapping-v3alpha1.json")
    properties: dict[str, Any] = json.loads(schema.read_text())["properties"]
    return properties


def dimensions() -> list[list[Feature]]:
    """The alternatives of every dimension that can be tested; a dimension with one alternative decides nothing."""
    return [found for of in DIMENSIONS.values() if len(found := [one for one in of if supported(one)]) > 1]


def compatible(features: Sequence[Feature]) -> bool:
    """Whether no feature excludes another."""
    names = {feature.name for feature in features}
    return not any(names & set(feature.not_with) for feature in features)


@cache
def rows() -> tuple[tuple[Feature, ...], ...]:
    """Features of one Mapping each, one of every dimension; together they hold all compatible pairs."""
    names = [[feature.name for feature in of] for of in dimensions()]
    features = {feature.name: feature for of in dimensions() for feature in of}
    return tuple(tuple(features[name] for name in row) for row in make(names, strength=2, constraints=_constraints()))


def _constraints() -> list[dict[str, Any]]:
    """What can't be combined, as covertable wants to be told: not the one, or not the other."""
    return [
        {
            "operator": "or",
            "conditions": [
                {"operator": "ne", "left": first, "value": a.name},
                {"operator": "ne", "left": second, "value": b.name},
            ],
        }
        for (first, of), (second, others) in combinations(enumerate(dimensions()), 2)
        for a in of
        for b in others
        if not compatible((a, b))
    ]


def missing_pairs() -> list[tuple[str, str]]:
    """Compatible pairs that no row holds; for the test of the test."""
    held = {frozenset((a.name, b.name)) for row in rows() for a, b in combinations(row, 2)}
    return [
        (a.name, b.name)
        for of, others in combinations(dimensions(), 2)
        for a in of
        for b in others
        if compatible((a, b)) and frozenset((a.name, b.name)) not in held
    ]


def generated_cases() -> Iterator[Case]:
    """One case per row, named by its number; its title lists the features."""
    for number, row in enumerate(rows(), 1):
        yield Case.of(_case(f"pairs-{number:02}", row))


def _case(name: str, row: tuple[Feature, ...]) -> dict[str, Any]:
    draft = Draft()
    for feature in row:
        feature.apply(draft)
    for add in draft.last:
        add(draft)
    documents = [_document(draft.version, kind, named, fields) for kind, named, fields in draft.beside]
    documents.append(_document(draft.version, "Mapping", OURS, draft.mapping))
    used = sorted({f"Mapping.{field}" for feature in row for field in feature.fields})
    telling = (feature.name for feature, of in zip(row, dimensions(), strict=True) if feature is not of[0])
    return {
        "name": name,
        "title": " + ".join(telling) or "nothing but a prefix",
        "covers": used,
        "documents": yaml.safe_dump_all(documents, sort_keys=False),
        # Of one address there is nothing to balance, and the product says so.
        "problems": ["field-ignored" for document in documents if "load_balancer" in document["spec"]],
        "queries": [{"request": draft.request, "expect": draft.expect}],
    }


def _document(version: str, kind: str, name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """A document; v2 has ``host`` for ``hostname``, and none for all hosts."""
    spec = dict(fields)
    if version == "v2" and kind == "Mapping":
        hostname = spec.pop("hostname")
        spec |= {} if hostname == "*" else {"host": hostname}
    return {"apiVersion": f"getambassador.io/{version}", "kind": kind, "metadata": {"name": name}, "spec": spec}
