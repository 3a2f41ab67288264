"""The reference pages say what the code does."""

import ast
import re
from pathlib import Path

import pytest

from reconciler.model.problem import Code
from tests.support.reference import PAGES, REFERENCE


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_current(name: str) -> None:
    """A changed flag or setting without `make docs` fails here."""
    assert (REFERENCE / name).read_text() == PAGES[name]()


def test_every_problem_code_has_a_section_and_every_section_a_code() -> None:
    """Whoever meets a code finds it explained."""
    sections = re.findall(r"^## `([a-z0-9-]+)`$", (REFERENCE / "problems.md").read_text(), re.MULTILINE)
    assert sorted(sections) == sorted(Code)


def test_every_reason_is_explained_and_every_explained_reason_is_raised() -> None:
    """Whoever meets a CamelCase reason in a log finds what to do; none is explained that can't occur."""
    rows = [line.split("|")[1] for line in (REFERENCE / "reasons.md").read_text().splitlines() if line[:3] == "| `"]
    explained = {reason for row in rows for reason in re.findall(r"`(\w+)`", row)}
    literals = {
        node.value
        for path in Path("reconciler").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    raised = {
        node.args[0].value
        for path in Path("reconciler").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("Stalled", "Transient")
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert raised <= explained
    assert explained <= literals
