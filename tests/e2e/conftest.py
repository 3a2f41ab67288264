"""What every end-to-end test starts from."""

from pathlib import Path

import pytest

from tests.support.command import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A place to work from, empty."""
    return Desk(tmp_path)
