"""Policies of Mappings that share the same requests."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.resource import MappingResource
from reconciler.table import build
from tests.support.documents import mapping, spec

HEADERS = {"x-a": "b"}
RETRIES = {"retry_on": "5xx"}


def group(first: dict[str, Any], second: dict[str, Any]) -> tuple[Problem, ...]:
    """What is found about two Mappings for the same requests."""

    def named(name: str, weight: int | None, fields: dict[str, Any]) -> MappingResource:
        one = mapping(spec(hostname="*", **({} if weight is None else {"weight": weight}), **fields))
        return replace(one, origin=replace(one.origin, id=replace(one.origin.id, name=name)))

    return build([named("main", None, first), named("canary", 10, second)]).problems


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("retry_policy", RETRIES),
        ("cors", {"origins": ["https://a.test"]}),
        ("add_request_headers", HEADERS),
        ("add_response_headers", HEADERS),
        ("priority", "HIGH"),
        ("allow_upgrade", ["websocket"]),
    ],
)
def test_what_only_one_says_is_told(field: str, value: object) -> None:
    """The language's other implementation would give it to both."""
    for problems in (group({field: value}, {}), group({}, {field: value})):
        (problem,) = problems
        assert (problem.code, problem.severity, problem.field) == (Code.GROUP_DIFFERS, Severity.INFO, f"spec.{field}")


def test_what_both_say_is_nothing_to_tell() -> None:
    """Nor is what is each Mapping's own there, too."""
    assert group({"retry_policy": RETRIES, "idle_timeout_ms": 5}, {"retry_policy": RETRIES}) == ()
