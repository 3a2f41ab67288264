"""The ``reconciler`` command with a bug in it: `python -m tests.support.faulty VERB ...`.

Every reconcile fails as only a bug does while the file that ``RECONCILER_FAULT`` names exists; always where the
variable is not set.
"""

import os
from pathlib import Path
from typing import NoReturn
from unittest.mock import patch

from reconciler import loop
from reconciler.cli.main import main
from reconciler.pipeline import reconcile_once


def _sound(*arguments: object) -> object:
    fault = os.environ.get("RECONCILER_FAULT")
    return _RECONCILE(*arguments) if fault and not Path(fault).exists() else _fail()  # type: ignore[arg-type] # passed on


def _fail() -> NoReturn:
    raise ZeroDivisionError("a bug")


_RECONCILE = reconcile_once

if __name__ == "__main__":
    with patch.object(loop, "reconcile_once", _sound):
        main()
