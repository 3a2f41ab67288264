"""What a place outside must be able to do."""

import re
from typing import Protocol

_LONGEST = 200


class Place(Protocol):
    """Where checkpoints are left. Both may take as long as the place needs; both raise `Stalled` and `Transient`."""

    @property
    def name(self) -> str:
        """As the setting says it."""

    def newest(self) -> str:
        """The newest checkpoint of this journal that stands there, as text; empty where there is none."""

    def leave(self, text: str) -> None:
        """Leaves one more."""


def entry_name(origin: str) -> str:
    """The name of a journal where slashes and the like can't be: of a file or of an entry of a ConfigMap."""
    return re.sub(r"[^-._A-Za-z0-9]", "_", origin).strip(".")[:_LONGEST] or "_"
