"""What holds for every test: no home directory, no stray settings, and no deadline for examples on a busy machine."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("here", deadline=None)
# The same examples each time: a pull request must not fail for another's luck.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


# Where several real processes must meet deadlines, a machine that stalls for seconds fails a test that is right.
# These run once more, which the summary tells; what fails twice is a failure. All others have one chance.
_OF_PROCESSES = tuple(Path(__file__).parent / name for name in ("acceptance", "e2e", "edges", "kubernetes"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Gives tests of whole processes a second chance, and sees to it that those of one world stay together."""
    grouped = (item for item in items if item.get_closest_marker("xdist_group"))
    if config.getoption("loadgroup", False) and any("@" not in item.nodeid for item in grouped):
        raise pytest.UsageError("this pytest-xdist does not keep groups together with this pytest: see pyproject.toml")
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in _OF_PROCESSES):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(autouse=True, scope="session")
def _nobody_s_home() -> None:
    """Whatever looks into the home directory finds none, and the product's variables are unset."""
    os.environ["HOME"] = "/no-test-has-a-home"
    for name in list(os.environ):
        if name.startswith("RECONCILER_"):
            del os.environ[name]
