"""Cases made of features: every pair of features that go together stands in at least one Mapping.

Faults of a configuration language sit in valid but uncommon combinations. All of them are too many; all pairs are a
few dozen: a covering array of strength 2.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import combinations
from typing import Any, TypeAlias

import yaml

from tests.acceptance.case import Case
from tests.acceptance.pairs.draft import OURS, Draft, Feature
from tests.acceptance.pairs.features import DIMENSIONS, REDIRECTING

Pair: TypeAlias = tuple[Feature, Feature]
Dimensions: TypeAlias = tuple[tuple[Feature, ...], ...]

_ALL = {"pairs": DIMENSIONS, "redirects": REDIRECTING}


def supported(feature: Feature) -> bool:
    """Whether the product serves all fields of a feature."""
    return not any("x-status" in _fields().get(name, {"x-status": ""}) for name in feature.fields)


@cache
def _fields() -> dict[str, Any]:
    schema = resources.files("reconciler.resources").joinpath("schema", "mapping-v3alpha1.json")
    properties: dict[str, Any] = json.loads(schema.read_text())["properties"]
    return properties


def dimensions(features: Mapping[str, Sequence[Feature]]) -> Dimensions:
    """The alternatives of every dimension that can be tested; a dimension with one alternative decides nothing."""
    able = (tuple(one for one in of if supported(one)) for of in features.values())
    return tuple(of for of in able if len(of) > 1)


def compatible(features: Sequence[Feature]) -> bool:
    """Whether no feature excludes another."""
    names = {feature.name for feature in features}
    return not any(names & set(feature.not_with) for feature in features)


def rows(of: Dimensions) -> list[tuple[Feature, ...]]:
    """Features of one Mapping each, one of every dimension; together they hold all compatible pairs.

    Each row starts with a pair that is still missing, and takes from every other dimension what brings most of those.
    """
    found: list[tuple[Feature, ...]] = []
    missing = dict.fromkeys(_pairs(of))  # in order, so that the rows are the same on every machine
    while missing:
        row = _row(of, next(iter(missing)), missing)
        found.append(row)
        for pair in combinations(row, 2):
            missing.pop(pair, None)
    return found


def _row(dimensions: Dimensions, seed: Pair, missing: dict[Pair, None]) -> tuple[Feature, ...]:
    chosen = {number: one for number, of in enumerate(dimensions) for one in of if one in seed}
    for number, of in enumerate(dimensions):
        if number not in chosen:
            possible = [one for one in of if compatible((*chosen.values(), one))]
            chosen[number] = max(
                possible, key=lambda one: sum(_pair(number, one, *c) in missing for c in chosen.items())
            )
    return tuple(chosen[number] for number in sorted(chosen))


def _pair(number: int, feature: Feature, other_number: int, other: Feature) -> Pair:
    return (feature, other) if number < other_number else (other, feature)


def _pairs(dimensions: Dimensions) -> list[Pair]:
    """All that can be combined, in the order of the dimensions."""
    of_two = ((a, b) for of, others in combinations(dimensions, 2) for a in of for b in others)
    return [pair for pair in of_two if compatible(pair)]


def missing_pairs() -> list[tuple[str, str]]:
    """Compatible pairs that no row holds; for the test of the test."""
    return [pair for features in _ALL.values() for pair in _missing(dimensions(features))]


def _missing(of: Dimensions) -> list[tuple[str, str]]:
    held = {pair for row in rows(of) if compatible(row) for pair in combinations(row, 2)}
    return [(a.name, b.name) for a, b in _pairs(of) if (a, b) not in held]


def generated_cases() -> Iterator[Case]:
    """One case per row, named by its number; its title lists the features."""
    for name, features in _ALL.items():
        of = dimensions(features)
        for number, row in enumerate(rows(of), 1):
            telling = (
                feature.name for feature, alternatives in zip(row, of, strict=True) if feature != alternatives[0]
            )
            yield Case.of(_case(f"{name}-{number:02}", " + ".join(telling) or "nothing special", row))


def _case(name: str, title: str, row: tuple[Feature, ...]) -> dict[str, Any]:
    draft = Draft()
    for feature in row:
        feature.apply(draft)
    for add in draft.last:
        add(draft)
    documents = [_document(draft.version, kind, named, fields) for kind, named, fields in draft.beside]
    documents.append(_document(draft.version, "Mapping", OURS, draft.mapping))
    used = sorted({f"Mapping.{field}" for feature in row for field in feature.fields})
    return {
        "name": name,
        "title": title,
        "covers": used,
        "documents": yaml.safe_dump_all(documents, sort_keys=False),
        "services": draft.services,
        "settings": {"lua": True},
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
    version = version if kind == "Mapping" else "v3alpha1"
    return {"apiVersion": f"getambassador.io/{version}", "kind": kind, "metadata": {"name": name}, "spec": spec}
