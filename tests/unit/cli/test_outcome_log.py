"""What the log says of findings: each once, and few at a time."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from reconciler.cli import log
from reconciler.model.decision import Decision, Trigger
from reconciler.model.outcome import Outcome
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.provenance import ObjectTouch, Provenance

NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)
PARTIAL = Outcome(Trigger.NEW_REVISION, Decision.PARTIAL, NOON, NOON, reason="InvalidMapping")
FAILED = Outcome(Trigger.NEW_REVISION, Decision.FAILED, NOON, NOON, reason="FetchFailed")
SERVICE = "cluster://Service/shop/cart"


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def findings(*names: int, version: str = "1") -> tuple[Problem, ...]:
    """One error for each name, from a certain version of an object."""
    at = Provenance(SERVICE, int(version), ObjectTouch("uid", version, "kubectl", NOON))
    return tuple(
        Problem(Code.WRONG_TYPE, Severity.ERROR, "not a number", at, resource=f"Mapping shop/{name}") for name in names
    )


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What was logged since the last look."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_what_was_said_is_not_said_again(capsys: pytest.CaptureFixture[str]) -> None:
    """A finding that stays costs one line, whatever happens around it; one that comes back is news."""
    log.configure("json")
    outcomes = log.OutcomeLog()
    outcomes.write(replace(PARTIAL, problems=findings(1, 2)))
    assert [line.get("resource") for line in lines(capsys)] == [None, "Mapping shop/1", "Mapping shop/2"]
    outcomes.write(FAILED)
    outcomes.write(replace(PARTIAL, problems=findings(1, 2, 3, version="7")))
    assert [line.get("resource") for line in lines(capsys)] == [None, None, "Mapping shop/3"]
    outcomes.write(replace(PARTIAL, problems=findings(3)))
    outcomes.write(replace(PARTIAL, problems=findings(1, 3)))
    assert [line.get("resource") for line in lines(capsys)] == [None, None, "Mapping shop/1"]


def test_a_flood_is_a_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Thousands of findings at once are counted."""
    log.configure("json")
    outcomes = log.OutcomeLog()
    outcomes.write(replace(PARTIAL, problems=findings(*range(5_000))))
    said = lines(capsys)
    assert len(said) == 22
    assert (said[-1]["event"], said[-1]["more"]) == ("problems", 4_980)
    outcomes.write(replace(PARTIAL, problems=findings(*range(5_000))))
    assert len(lines(capsys)) == 1
