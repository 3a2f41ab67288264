"""The reference pages say what the code does."""

import re

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
