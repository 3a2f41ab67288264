"""What holds for every test: no home directory, no stray settings, and no deadline for examples on a busy machine."""

import os

import pytest
from hypothesis import settings

settings.register_profile("here", deadline=None)
# The same examples each time: a pull request must not fail for another's luck.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(autouse=True, scope="session")
def _nobody_s_home() -> None:
    """Whatever looks into the home directory finds none, and the product's variables are unset."""
    os.environ["HOME"] = "/no-test-has-a-home"
    for name in list(os.environ):
        if name.startswith("RECONCILER_"):
            del os.environ[name]
